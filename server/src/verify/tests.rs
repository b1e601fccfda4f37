//! The whole command's course against the real product: once as it is, and once past a wire that loses one message,
//! which the audit has to notice.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::api::Api;
use super::audit::Violation;
use super::course::{self, Wish};
use super::recipient::Server;
use crate::support::lifecycle::Lifecycle;
use crate::testing::house::House;

/// A run against this address of the house.
async fn wish(house: &House, address: SocketAddr, count: usize) -> Wish {
    let server = Server::new(&format!("http://{address}"), "/hubs/workflow").unwrap();
    let api = Arc::new(Api::new(server.clone(), house.service("a").into()));
    let names: Vec<Arc<str>> = (0..count).map(|n| format!("verify-{n}").into()).collect();
    api.ready().await.unwrap();
    api.provision("verify", &names).await.unwrap();
    let users = names.into_iter().map(|name| {
        let token = house.user("a", &name).into();
        (name, token)
    });
    Wish {
        run: "test".into(),
        server,
        api,
        users: users.collect(),
        group: Some("verify".into()),
        rate: 40,
        seconds: 3,
        patience: Duration::from_secs(3),
        restless: 0,
        seed: 7,
        dismiss: true,
    }
}

async fn count(house: &House, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql)
        .fetch_one(&house.pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_running_house_is_found_whole_and_left_as_it_was() {
    let house = House::open().await;
    let wish = Wish {
        restless: 40,
        ..wish(&house, house.address, 10).await
    };
    let report = course::run(wish, CancellationToken::new()).await.unwrap();
    assert!(report.whole, "{report}");
    let findings = &report.findings;
    assert!(findings.accepted >= 20, "{report}");
    assert_eq!(findings.received, findings.owed, "{report}");
    assert!(
        findings.connections > 10,
        "some were cut and came back: {report}"
    );
    assert!(
        findings.acked > 0 && findings.acks_read == findings.acked,
        "{report}"
    );
    assert_eq!(report.left, Vec::<String>::new());
    let owed = "SELECT count(*) FROM bellhop.delivery WHERE state < 2";
    assert_eq!(
        count(&house, owed).await,
        0,
        "nothing is left to climb a ladder"
    );
    let active = "SELECT count(*) FROM bellhop.user_account WHERE key LIKE 'verify-%' AND active";
    assert_eq!(count(&house, active).await, 0);
}

#[tokio::test]
async fn a_message_lost_on_the_wire_is_named_with_its_user_and_id() {
    let house = House::open().await;
    let life = Lifecycle::new();
    let thief = Arc::new(Thief::default());
    let address = thief.clone().lay(house.address, &life).await;
    let report = course::run(wish(&house, address, 4).await, CancellationToken::new())
        .await
        .unwrap();
    life.kill();
    assert!(thief.stolen.lock().is_some(), "something was stolen");
    assert!(!report.whole, "{report}");
    let violations = &report.findings.violations;
    let [
        Violation::Lost {
            id: Some(id), user, ..
        },
    ] = &violations[..]
    else {
        panic!("{report}")
    };
    assert!(
        thief
            .stolen
            .lock()
            .as_ref()
            .unwrap()
            .contains(&id.to_string())
    );
    assert_eq!(report.findings.owed, report.findings.received + 1);
    assert!(report.next[0].contains(&format!("{id}/explain?user={user}")));
}

#[tokio::test]
async fn a_run_that_is_broken_off_says_what_it_saw() {
    let house = House::open().await;
    let wish = Wish {
        seconds: 3_600,
        ..wish(&house, house.address, 2).await
    };
    let stop = CancellationToken::new();
    let run = course::run(wish, stop.clone());
    tokio::pin!(run);
    let some = async {
        let notes = "SELECT count(*) FROM bellhop.notification";
        crate::testing::eventually(|| async { count(&house, notes).await > 5 }).await;
    };
    tokio::select! {
        _ = &mut run => panic!("it goes on for an hour"),
        () = some => stop.cancel(),
    }
    let report = run.await.unwrap();
    assert!(report.broken_off && report.whole, "{report}");
    assert!(report.findings.accepted > 5, "{report}");
}

/// A wire between clients and server from which the first item that goes to one user alone is stolen.
#[derive(Default)]
struct Thief {
    stolen: Mutex<Option<String>>,
}

impl Thief {
    async fn lay(self: Arc<Self>, far: SocketAddr, life: &Lifecycle) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let each = life.clone();
        life.spawn("wire", async move {
            while let Ok((near, _)) = listener.accept().await {
                let far = TcpStream::connect(far).await.unwrap();
                let thief = self.clone();
                each.spawn("carried", async move {
                    let _ = thief.carry(near, far).await;
                });
            }
        });
        address
    }

    fn steals(&self, payload: &[u8]) -> bool {
        let text = String::from_utf8_lossy(payload);
        let mut stolen = self.stolen.lock();
        let takes = stolen.is_none() && text.contains("VerifyOne");
        if takes {
            *stolen = Some(text.into_owned());
        }
        takes
    }

    async fn carry(&self, mut near: TcpStream, mut far: TcpStream) -> std::io::Result<()> {
        // The request's head, which is in one piece, and the answer's, byte by byte.
        let mut bytes = vec![0; 16_384];
        let count = near.read(&mut bytes).await?;
        far.write_all(&bytes[..count]).await?;
        if !bytes[..count].starts_with(b"GET /hubs/") {
            copy_bidirectional(&mut near, &mut far).await?;
            return Ok(());
        }
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(far.read_u8().await?);
        }
        near.write_all(&head).await?;
        let (mut from_near, mut to_near) = near.into_split();
        let (mut from_far, mut to_far) = far.into_split();
        tokio::select! {
            done = tokio::io::copy(&mut from_near, &mut to_far) => done.map(|_| ()),
            done = async {
                loop {
                    let (frame, payload) = frame(&mut from_far).await?;
                    if self.steals(&payload) {
                        continue;
                    }
                    to_near.write_all(&frame).await?;
                    to_near.write_all(&payload).await?;
                }
            } => done,
        }
    }
}

/// One frame of a server (RFC 6455, 5.2: never masked): its head and its payload.
async fn frame(
    from: &mut (impl tokio::io::AsyncRead + Unpin),
) -> std::io::Result<(Vec<u8>, Vec<u8>)> {
    let mut head = vec![0; 2];
    from.read_exact(&mut head).await?;
    let more = match head[1] {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let mut length = vec![0; more];
    from.read_exact(&mut length).await?;
    let count = match more {
        0 => usize::from(head[1]),
        _ => length
            .iter()
            .fold(0, |count, byte| count << 8 | usize::from(*byte)),
    };
    head.extend(length);
    let mut payload = vec![0; count];
    from.read_exact(&mut payload).await?;
    Ok((head, payload))
}
