//! Signs of life, and that nothing which frees a waiting call can be stuck behind it.

use std::{sync::Arc, time::Duration};

use signalr::HubOptions;
use tokio::{
    sync::Notify,
    time::{Instant, sleep},
};

use super::{methods, on_stage, said};
use crate::support::{Client, Site, Stateful, call, completion, settle};

const PING: &str = "{\"type\":6}\u{1e}";

#[tokio::test(start_paused = true)]
async fn any_message_resets_the_client_timeout() {
    let (site, mut client) = on_stage(methods(), HubOptions::default()).await;
    client.send(&site, PING).await;
    for _ in 0..4 {
        sleep(Duration::from_secs(25)).await;
        client.send(&site, &call("0", "Echo", "[1]")).await;
        assert_eq!(
            client.next_said(&site).await,
            said(completion("0", ",\"result\":1"))
        );
    }
    let start = Instant::now();
    assert_eq!(
        client.next_said(&site).await,
        "{\"type\":7,\"allowReconnect\":true}"
    );
    assert_eq!(start.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn after_a_long_call_the_client_timeout_begins_anew() {
    let gate = Arc::new(Notify::new());
    let hub = {
        let gate = Arc::clone(&gate);
        methods().on("Wait", move || {
            let gate = Arc::clone(&gate);
            async move { gate.notified().await }
        })
    };
    let (site, mut client) = on_stage(hub, HubOptions::default()).await;
    client
        .send(&site, &(PING.to_owned() + &call("0", "Wait", "[]")))
        .await;
    sleep(Duration::from_secs(50)).await;
    gate.notify_one();
    assert_eq!(
        client.next_said(&site).await,
        said(completion("0", ",\"result\":null"))
    );
    let start = Instant::now();
    assert_eq!(
        client.next_said(&site).await,
        "{\"type\":7,\"allowReconnect\":true}"
    );
    assert_eq!(start.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn a_running_stream_does_not_hold_up_the_client_timeout() {
    let hub = methods().on_stream("Forever", || async {
        futures_util::stream::pending::<u8>()
    });
    let (site, mut client) = on_stage(hub, HubOptions::default()).await;
    let stream = crate::support::stream_call("0", "Forever", "[]");
    client.send(&site, &(stream + PING)).await;
    let start = Instant::now();
    assert_eq!(
        client.next_said(&site).await,
        "{\"type\":7,\"allowReconnect\":true}"
    );
    assert_eq!(start.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn a_ping_is_skipped_while_something_waits_to_be_written() {
    let options = HubOptions {
        send_timeout: Duration::from_mins(1),
        ..HubOptions::default()
    };
    let site = Site::serving(methods(), options);
    let token = site.token().await;
    let socket = site
        .websocket_on(site.dial(64), &format!("/hub?id={token}"))
        .await;
    let mut client = Client::over(socket.unwrap(), token);
    client.send(&site, crate::support::HANDSHAKE).await;
    assert_eq!(client.next(&site).await, "{}");
    let (connection, start) = (site.only(), Instant::now());
    for _ in 0..2 {
        connection
            .send("Bulk", ("x".repeat(60_000),))
            .await
            .unwrap();
        settle().await;
    }
    sleep(Duration::from_secs(16)).await;
    assert!(connection.queued_bytes() > 0, "the client does not read");
    for _ in 0..2 {
        assert!(client.next(&site).await.contains("Bulk"));
    }
    assert_eq!(client.next(&site).await, "{\"type\":6}");
    assert_eq!(start.elapsed().as_secs(), 30, "the one at 15 s was skipped");
}

#[tokio::test(start_paused = true)]
async fn an_ack_is_seen_behind_a_call_that_waits_for_room() {
    let mut site = Site::with(HubOptions {
        stateful_reconnect: true,
        resume_buffer_bytes: 1000,
        max_queued_bytes: 1000,
        ..HubOptions::default()
    });
    let mut client = Stateful::start(&mut site, 2).await;
    let big = format!("[\"{}\"]", "x".repeat(2000));
    for id in ["0", "1", "2", "3"] {
        client.say(&call(id, "Echo", &big)).await;
    }
    for id in ["0", "1", "2", "3"] {
        let answer = tokio::time::timeout(Duration::from_secs(5), client.hear()).await;
        let answer = answer.expect("writing stopped for good").unwrap();
        assert!(answer.starts_with(&format!("{{\"type\":3,\"invocationId\":\"{id}\"")));
        client.ack().await;
    }
}
