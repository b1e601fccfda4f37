//! What needs no dispatching is never stuck behind what waits for it: a method that does not read its
//! upload, the bound of open replies, calls that pile up.

use std::{sync::Arc, time::Duration};

use signalr::{Caller, HubError, HubOptions, Methods, Upload};
use tokio::{
    sync::Notify,
    time::{Instant, timeout},
};

use super::{methods, on_stage, said};
use crate::support::{
    Client, Site, User, call, cancel, completion, item, settle, stream_call, upload_call,
};

const SOON: Duration = Duration::from_secs(3);

/// `Deaf` never reads its upload, `Forever` never ends, `Wait` waits for the gate.
fn hub(gate: &Arc<Notify>) -> Methods<User> {
    let gate = Arc::clone(gate);
    methods()
        .on("Deaf", |parts: Upload<u8>| async move {
            std::future::pending::<()>().await;
            drop(parts);
        })
        .on_stream("Forever", || async {
            futures_util::stream::pending::<u8>()
        })
        .on("Wait", move |_: String| {
            let gate = Arc::clone(&gate);
            async move { gate.notified().await }
        })
        .on("Ask", |me: Caller<User>| async move {
            Ok::<_, HubError>(me.call_client::<i32>("Result", ()).await?)
        })
}

/// What a client says before that makes the server wait.
#[derive(Debug, Clone, Copy)]
enum Obstacle {
    Upload,
    OpenReplies,
    Backlog,
}

const OBSTACLES: [Obstacle; 3] = [Obstacle::Upload, Obstacle::OpenReplies, Obstacle::Backlog];

impl Obstacle {
    fn said(self) -> String {
        match self {
            Self::Upload => upload_call("up", "Deaf", "[\"u\"]") + &item("u", "1").repeat(11),
            Self::OpenReplies => {
                stream_call("s1", "Forever", "[]") + &stream_call("s2", "Forever", "[]")
            }
            Self::Backlog => {
                let big = format!("[\"{}\"]", "x".repeat(2_000));
                // One at work, one that waits for its turn, and what waits behind it.
                call("w1", "Wait", "[\"\"]")
                    + &call("w2", "Wait", "[\"\"]")
                    + &call("w3", "Wait", &big)
            }
        }
    }
}

fn options() -> HubOptions {
    HubOptions {
        max_inbox_bytes: 1_000,
        max_open_replies: 2,
        ..HubOptions::default()
    }
}

async fn stuck(obstacle: Obstacle) -> (Site<Methods<User>>, Client, Arc<Notify>) {
    let gate = Arc::new(Notify::new());
    let (site, mut client) = on_stage(hub(&gate), options()).await;
    // One stream that is open, whatever comes.
    client
        .send(&site, &stream_call("s0", "Forever", "[]"))
        .await;
    client.send(&site, &obstacle.said()).await;
    settle().await;
    (site, client, gate)
}

#[tokio::test(start_paused = true)]
async fn a_clients_answer_is_not_stuck() {
    for obstacle in OBSTACLES {
        let (site, mut client, _gate) = stuck(obstacle).await;
        let connection = site.only();
        let answer = async {
            let asked: serde_json::Value =
                serde_json::from_str(&client.next_said(&site).await).unwrap();
            let id = asked["invocationId"].as_str().unwrap();
            client.send(&site, &completion(id, ",\"result\":7")).await;
        };
        let question = timeout(SOON, connection.call_client::<i32>("Result", ()));
        let (said, ()) = tokio::join!(question, answer);
        assert_eq!(said.expect("stuck"), Ok(7), "{obstacle:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_is_not_stuck() {
    for obstacle in OBSTACLES {
        let (site, mut client, _gate) = stuck(obstacle).await;
        client.send(&site, &cancel("s0")).await;
        let ended = timeout(SOON, client.next(&site)).await.expect("stuck");
        assert_eq!(ended, said(completion("s0", "")), "{obstacle:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_ping_is_not_stuck() {
    for obstacle in OBSTACLES {
        let (site, mut client, _gate) = stuck(obstacle).await;
        client.send(&site, "{\"type\":6}\u{1e}").await;
        settle().await;
        assert_eq!(site.only().unread_bytes(), 0, "{obstacle:?}");
    }
}

/// The calls before a Close still have as long as at any other end.
#[tokio::test(start_paused = true)]
async fn a_close_message_is_not_stuck() {
    for obstacle in OBSTACLES {
        let (site, mut client, _gate) = stuck(obstacle).await;
        let start = Instant::now();
        client
            .send(&site, "{\"type\":7,\"error\":\"bored\"}\u{1e}")
            .await;
        let end = timeout(Duration::from_mins(1), async {
            while client.try_next(&site).await.is_some() {}
        });
        end.await.expect("stuck");
        assert!(start.elapsed() <= Duration::from_secs(5), "{obstacle:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn calls_before_a_close_message_are_still_answered() {
    let gate = Arc::new(Notify::new());
    let (site, mut client) = on_stage(hub(&gate), HubOptions::default()).await;
    let calls = call("0", "Wait", "[\"\"]") + &call("1", "Echo", "[1]");
    client.send(&site, &(calls + "{\"type\":7}\u{1e}")).await;
    tokio::time::sleep(SOON).await;
    gate.notify_one();
    for (id, result) in [("0", "null"), ("1", "1")] {
        let answer = completion(id, &format!(",\"result\":{result}"));
        assert_eq!(client.next(&site).await, said(answer));
    }
    assert_eq!(client.try_next(&site).await, None);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_closes_although_an_upload_is_stuck() {
    let (site, mut client, _gate) = stuck(Obstacle::Upload).await;
    client.send(&site, "{]\u{1e}").await;
    let close = timeout(Duration::from_secs(6), client.next(&site)).await;
    assert!(close.expect("stuck").contains("\"type\":7,\"error\""));
}

/// A cancellation in front of which its own stream still waits must wait with it.
#[tokio::test(start_paused = true)]
async fn a_cancellation_does_not_overtake_its_stream() {
    let gate = Arc::new(Notify::new());
    let (site, mut client) = on_stage(hub(&gate), HubOptions::default()).await;
    let stream = stream_call("s", "Forever", "[]");
    let calls = call("0", "Wait", "[\"\"]") + &call("1", "Wait", "[\"\"]");
    client
        .send(&site, &(stream.clone() + &calls + &stream + &cancel("s")))
        .await;
    settle().await;
    gate.notify_one();
    gate.notify_waiters();
    settle().await;
    gate.notify_one();
    let mut seen = Vec::new();
    while seen.len() < 4 {
        seen.push(client.next(&site).await);
    }
    assert!(
        seen[1].contains("Invocation ID 's' is already in use."),
        "{seen:?}"
    );
    assert_eq!(seen[2], said(completion("s", "")));
}

#[tokio::test(start_paused = true)]
async fn lent_calls_are_bounded_and_the_one_too_many_is_refused() {
    let gate = Arc::new(Notify::new());
    let (site, mut client) = on_stage(hub(&gate), options()).await;
    let calls = (0..10).map(|id| call(&id.to_string(), "Ask", "[]"));
    client.send(&site, &calls.collect::<String>()).await;
    settle().await;
    assert_eq!(site.only().running_calls(), 2);
    let (mut asked, mut refused) = (Vec::new(), 0);
    while asked.len() + refused < 10 {
        let message = client.next(&site).await;
        let fields: serde_json::Value = serde_json::from_str(&message).unwrap();
        if fields["type"] == 1 {
            asked.push(fields["invocationId"].as_str().unwrap().to_owned());
        } else {
            assert!(message.contains("wait for its client"), "{message}");
            refused += 1;
        }
    }
    assert_eq!((asked.len(), refused), (2, 8));
    assert_eq!(site.server.hits(signalr::Limit::OpenReplies), 8);
    for id in asked {
        client.send(&site, &completion(&id, ",\"result\":1")).await;
        assert!(client.next(&site).await.contains("\"result\":1"));
    }
    client.send(&site, &call("e", "Echo", "[1]")).await;
    assert!(client.next(&site).await.contains("\"result\":1"));
}
