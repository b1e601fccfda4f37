//! Rules of the long-polling transport.

use std::time::Duration;

use signalr::protocol::TransportKind::LongPolling;
use tokio::time::Instant;

use crate::support::{Client, Event, HANDSHAKE, Site, call, settle};

#[tokio::test]
async fn the_first_poll_is_answered_empty_at_once_and_starts_the_session() {
    let site = Site::new();
    let token = site.token().await;
    let first = site
        .request("GET", &format!("/hub?id={token}&_=123"), "")
        .await;
    assert_eq!((first.status.as_u16(), first.text()), (200, ""));
    assert_eq!(first.headers["content-length"], "0");
    assert_eq!(first.headers["cache-control"], "no-cache, no-store");
    assert_eq!(first.headers["pragma"], "no-cache");
    assert_eq!(first.headers["expires"], "Thu, 01 Jan 1970 00:00:00 GMT");
    settle().await;
    assert_eq!(site.server.count(), 1);
}

/// signalrcore (Python) sends its handshake before it polls, and was refused with 400.
#[tokio::test]
async fn what_is_sent_before_the_first_poll_is_the_first_that_is_read() {
    let mut site = Site::new();
    let path = format!("/hub?id={}", site.token().await);
    for text in [HANDSHAKE, &call("0", "Nothing", "[]")] {
        let early = site.request("POST", &path, text.to_owned()).await;
        assert_eq!((early.status.as_u16(), early.text()), (200, ""));
    }
    let first = site.request("GET", &path, "").await;
    assert_eq!((first.status.as_u16(), first.text()), (200, ""));
    site.event_like(|event| matches!(event, Event::Connected))
        .await;
    let mut answers = String::new();
    while !answers.contains("\"type\":3") {
        answers += site.request("GET", &path, "").await.text();
    }
    assert!(answers.starts_with("{}\u{1e}"), "{answers}");
}

#[tokio::test]
async fn of_what_is_sent_before_the_first_poll_4_kib_are_kept() {
    let site = Site::new();
    let path = format!("/hub?id={}", site.token().await);
    let post = async |bytes| site.request("POST", &path, "x".repeat(bytes)).await.status;
    assert_eq!(post(4097).await, 413);
    assert_eq!(post(4096).await, 200);
    assert_eq!(post(1).await, 413);
}

#[tokio::test]
async fn a_poll_carries_all_that_is_pending() {
    let mut site = Site::new();
    let client = Client::connect(&mut site, LongPolling).await;
    let connection = site.only();
    for text in ["a\u{1e}", "b\u{1e}"] {
        connection.try_send(text.into()).unwrap();
    }
    connection
        .send_latest(&"k".into(), "c\u{1e}".into())
        .unwrap();
    let poll = site.request("GET", &client.path(), "").await;
    assert_eq!(poll.text(), "a\u{1e}b\u{1e}c\u{1e}");
    assert_eq!(poll.headers["content-type"], "application/octet-stream");
    assert_eq!(poll.headers["content-length"], "6");
}

#[tokio::test]
async fn second_poll_takes_over_and_old_one_ends_204() {
    let mut site = Site::new();
    let client = Client::connect(&mut site, LongPolling).await;
    let path = client.path();
    let (first, second, ()) = tokio::join!(
        site.request("GET", &path, ""),
        async {
            settle().await;
            site.request("GET", &path, "").await
        },
        async {
            for _ in 0..5 {
                settle().await;
            }
            site.only().try_send("x\u{1e}".into()).unwrap();
        },
    );
    assert_eq!((first.status.as_u16(), first.text()), (204, ""));
    assert_eq!((second.status.as_u16(), second.text()), (200, "x\u{1e}"));
}

#[tokio::test]
async fn the_next_poll_is_evidence_for_the_previous_answer() {
    let mut site = Site::new();
    let mut client = Client::connect(&mut site, LongPolling).await;
    let mark = site.only().try_send("x\u{1e}".into()).unwrap();
    assert_eq!(client.next(&site).await, "x");
    assert_eq!(
        site.event_like(|event| matches!(event, Event::Evidence(_)))
            .await,
        Event::Evidence(1),
        "the handshake's answer"
    );
    site.only().try_send("y\u{1e}".into()).unwrap();
    assert_eq!(client.next(&site).await, "y");
    assert_eq!(
        site.event_like(|event| matches!(event, Event::Evidence(_)))
            .await,
        Event::Evidence(mark.0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_client_that_stops_polling_is_gone_after_15_s() {
    let mut site = Site::new();
    let client = Client::connect(&mut site, LongPolling).await;
    let start = Instant::now();
    assert_eq!(
        site.disconnected().await.as_deref(),
        Some("The client stopped polling.")
    );
    assert_eq!(start.elapsed().as_secs(), 15);
    settle().await;
    assert_eq!(site.request("GET", &client.path(), "").await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn an_aborted_poll_begins_the_gap() {
    let mut site = Site::new();
    let client = Client::connect(&mut site, LongPolling).await;
    let path = client.path();
    let poll = tokio::time::timeout(Duration::from_mins(1), site.request("GET", &path, ""));
    assert!(poll.await.is_err(), "aborted after a minute");
    let start = Instant::now();
    site.disconnected().await;
    assert_eq!(start.elapsed().as_secs(), 15);
}

#[tokio::test]
async fn delete_is_202_ends_the_open_poll_204_and_forgets_the_id() {
    let mut site = Site::new();
    let client = Client::connect(&mut site, LongPolling).await;
    let path = client.path();
    let (poll, delete) = tokio::join!(site.request("GET", &path, ""), async {
        settle().await;
        site.request("DELETE", &path, "").await
    });
    assert_eq!((poll.status.as_u16(), delete.status.as_u16()), (204, 202));
    assert_eq!(site.disconnected().await, None);
    assert_eq!(site.request("GET", &path, "").await.status, 404);
    assert_eq!(site.request("DELETE", &path, "").await.status, 404);
}

#[tokio::test]
async fn calls_posted_right_before_delete_are_handled() {
    let mut site = Site::new();
    let mut client = Client::connect(&mut site, LongPolling).await;
    client.send(&site, &call("0", "Nothing", "[]")).await;
    assert_eq!(site.request("DELETE", &client.path(), "").await.status, 202);
    assert_eq!(
        site.event_like(|event| *event != Event::SeenAgain).await,
        Event::Called("Nothing".to_owned())
    );
}

#[tokio::test(start_paused = true)]
async fn the_last_message_waits_for_its_poll_and_then_204_and_404() {
    let mut site = Site::new();
    let client = Client::connect(&mut site, LongPolling).await;
    site.only().close(None, true);
    site.disconnected().await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let polls = [200, 204, 404];
    for (turn, status) in polls.into_iter().enumerate() {
        let poll = site.request("GET", &client.path(), "").await;
        assert_eq!(poll.status.as_u16(), status, "poll {turn}");
        assert_eq!(
            status == 200,
            poll.text() == "{\"type\":7,\"allowReconnect\":true}\u{1e}"
        );
    }
}

#[tokio::test]
async fn delete_before_any_transport_is_400() {
    let site = Site::new();
    let path = format!("/hub?id={}", site.token().await);
    assert_eq!(site.request("DELETE", &path, "").await.status, 400);
}

/// A client that could not reach the stopping server any more was waited for as long as for any other,
/// which is longer than a host waits for its tasks.
#[tokio::test(start_paused = true)]
async fn a_server_that_stops_waits_5_s_for_the_last_poll() {
    let mut site = Site::new();
    let _client = Client::connect(&mut site, LongPolling).await;
    let start = Instant::now();
    site.stopping.cancel();
    site.disconnected().await;
    site.tracker.close();
    site.tracker.wait().await;
    assert_eq!(start.elapsed().as_secs(), 5);
}
