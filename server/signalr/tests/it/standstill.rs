//! A client that does not take, or does not confirm, what it is sent is cut in the end, whatever it
//! sends meanwhile; one that reads again goes on.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use signalr::{HubOptions, Limit, Methods, protocol::TransportKind::WebSockets};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Client, Event, HANDSHAKE, Site, Stateful, User, call, request, settle};

fn push(number: u32) -> String {
    format!("{{\"type\":1,\"target\":\"push\",\"arguments\":[{number}]}}")
}

/// A client that resumes, of a server with little room, and more for it than it is sent unconfirmed.
async fn unconfirmed() -> (Site, Stateful, u32) {
    let mut site = Site::with(HubOptions {
        resume_buffer_bytes: 1_000,
        max_queued_bytes: 500,
        stateful_reconnect: true,
        ..HubOptions::default()
    });
    let client = Stateful::start(&mut site, 2).await;
    let connection = site.only();
    let mut sent = 0;
    while connection.try_send((push(sent) + "\u{1e}").into()).is_ok() {
        settle().await;
        sent += 1;
    }
    assert!((20..60).contains(&sent), "{sent}");
    (site, client, sent)
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_confirms_is_cut_after_10_s_and_may_come_back() {
    let (mut site, mut client, sent) = unconfirmed().await;
    let start = Instant::now();
    let mut heard = Vec::new();
    let all = timeout(Duration::from_mins(1), async {
        while let Some(text) = client.hear().await {
            heard.push(text);
        }
    });
    all.await.expect("never cut");
    assert_eq!(start.elapsed().as_secs(), 10);
    assert_eq!(site.server.hits(Limit::SendTimeout), 1);
    client.resume(&site).await.unwrap();
    client.ack().await;
    while heard.len() < usize::try_from(sent).unwrap() {
        heard.push(client.hear().await.unwrap());
        client.ack().await;
    }
    assert_eq!(heard, (0..sent).map(push).collect::<Vec<_>>());
    site.event_like(|event| *event == Event::Writable).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_comes_back_and_still_confirms_nothing_is_gone() {
    let (mut site, mut client, _) = unconfirmed().await;
    while client.hear().await.is_some() {}
    client.resume(&site).await.unwrap();
    let start = Instant::now();
    while client.hear().await.is_some() {}
    assert_eq!(start.elapsed().as_secs(), 10);
    assert_eq!(
        site.disconnected().await.as_deref(),
        Some("The client did not confirm what it was sent.")
    );
    settle().await;
    assert_eq!(client.resume(&site).await.unwrap_err().status, 404);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_confirms_slowly_is_not_cut() {
    let (site, mut client, sent) = unconfirmed().await;
    let mut heard = 0;
    while heard < sent {
        if let Ok(said) = timeout(Duration::from_secs(9), client.hear()).await {
            said.expect("cut");
            heard += 1;
        } else {
            let last = client.handled;
            let ack = format!("{{\"type\":8,\"sequenceId\":{last}}}\u{1e}");
            client.mention(&ack).await;
        }
    }
    assert_eq!(site.server.hits(Limit::SendTimeout), 0);
}

/// The Ack is behind more calls than backlog and inbox hold, and the calls wait for it.
#[tokio::test(start_paused = true)]
async fn an_ack_behind_more_calls_than_there_is_room_for_is_no_standstill() {
    const CALLS: u64 = 600;
    let mut site = Site::with(HubOptions {
        stateful_reconnect: true,
        ..HubOptions::default()
    });
    let mut client = Stateful::start(&mut site, 2).await;
    let (mut up, mut down) = client.socket.take().unwrap().split();
    let counted = AtomicU64::new(0);
    let talk = async {
        for id in 0..CALLS {
            let text = call(
                &id.to_string(),
                "Echo",
                &format!("[\"{}\"]", "x".repeat(1_000)),
            );
            up.send(Message::text(text)).await.unwrap();
        }
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let ack = counted.load(Ordering::Relaxed);
            let ack = format!("{{\"type\":8,\"sequenceId\":{ack}}}\u{1e}");
            up.send(Message::text(ack)).await.unwrap();
        }
    };
    let listen = async {
        while counted.load(Ordering::Relaxed) < CALLS {
            let message = down.next().await.expect("cut").unwrap();
            let text = message.into_text().unwrap();
            if text.starts_with("{\"type\":3") {
                let id = counted.fetch_add(1, Ordering::Relaxed);
                assert!(
                    text.contains(&format!("\"invocationId\":\"{id}\"")),
                    "{text}"
                );
            }
        }
    };
    let both = timeout(Duration::from_mins(2), async {
        tokio::select! { () = talk => {}, () = listen => {} }
    });
    both.await.expect("it stands still");
    assert_eq!(site.server.count(), 1);
    assert_eq!(site.server.hits(Limit::ResumeBuffer), 1);
    // It has given up the way back, so its end is an end.
    drop((up, down));
    assert_eq!(
        site.disconnected().await.as_deref(),
        Some("The WebSocket was cut.")
    );
}

/// Answers much to little.
fn much() -> Methods<User> {
    Methods::new().on("Much", || async { "x".repeat(20_000) })
}

#[tokio::test(start_paused = true)]
async fn a_client_that_calls_and_never_reads_is_cut_after_10_s() {
    for stateful in [false, true] {
        let options = HubOptions {
            stateful_reconnect: stateful,
            ..HubOptions::default()
        };
        let site = Site::serving(much(), options);
        let token = site.token().await;
        let socket = site
            .websocket_on(site.dial(4_096), &format!("/hub?id={token}"))
            .await;
        let mut client = Client::over(socket.unwrap(), token);
        client.send(&site, HANDSHAKE).await;
        let start = Instant::now();
        let flood = async {
            loop {
                let text = call("0", "Much", "[]").repeat(100);
                if client.socket().send(Message::text(text)).await.is_err() {
                    break;
                }
            }
        };
        timeout(Duration::from_mins(1), flood)
            .await
            .expect("never cut");
        assert!(start.elapsed() <= Duration::from_secs(11));
        settle().await;
        assert_eq!(site.server.count(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_calls_and_reads_late_gets_every_answer() {
    const CALLS: usize = 600;
    let site = Site::serving(much(), HubOptions::default());
    let mut client = Client::join(&site, WebSockets).await;
    let (mut up, mut down) = client.socket().split();
    let talk = async {
        for id in 0..CALLS {
            let pad = "x".repeat(500);
            let text = call(&format!("{id}-{pad}"), "Much", "[]");
            up.send(Message::text(text)).await.unwrap();
        }
        std::future::pending::<()>().await;
    };
    let listen = async {
        tokio::time::sleep(Duration::from_secs(8)).await;
        for id in 0..CALLS {
            let text = down
                .next()
                .await
                .expect("cut")
                .unwrap()
                .into_text()
                .unwrap();
            assert!(text.contains(&format!("\"invocationId\":\"{id}-")), "{id}");
        }
    };
    let both = timeout(Duration::from_mins(2), async {
        tokio::select! { () = talk => {}, () = listen => {} }
    });
    both.await.expect("it stands still");
}

#[tokio::test(start_paused = true)]
async fn an_event_streams_client_that_calls_and_never_reads_is_cut_after_10_s() {
    let site = Site::serving(much(), HubOptions::default());
    let token = site.token().await;
    let path = format!("/hub?id={token}");
    let get = request("ann", "GET", &path)
        .header("accept", "text/event-stream")
        .body(axum::body::Body::empty());
    let stream = tower::ServiceExt::oneshot(site.app.clone(), get.unwrap())
        .await
        .unwrap();
    site.request("POST", &path, HANDSHAKE).await;
    let start = Instant::now();
    let flood = timeout(Duration::from_mins(1), async {
        while site
            .request("POST", &path, call("0", "Much", "[]").repeat(1_000))
            .await
            .status
            == 200
        {}
    });
    flood.await.expect("never cut");
    assert!(start.elapsed() <= Duration::from_secs(11));
    settle().await;
    assert_eq!(site.server.count(), 0);
    drop(stream);
}
