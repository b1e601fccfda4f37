//! The rules of stateful reconnect.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt;
use signalr::{Admission, Connection, HubOptions, Limit};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::Instant,
};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Event, Site, Stateful, User, call, settle};

fn site() -> Site {
    Site::with(options())
}

fn options() -> HubOptions {
    HubOptions {
        stateful_reconnect: true,
        ..HubOptions::default()
    }
}

fn push(number: u32) -> String {
    format!("{{\"type\":1,\"target\":\"push\",\"arguments\":[{number}]}}")
}

fn send(site: &Site, number: u32) {
    let text = push(number) + "\u{1e}";
    site.only().try_send(text.into()).unwrap();
}

async fn resumed(site: &mut Site, replayed: u64) {
    let seen = |event: &Event| matches!(event, Event::Resumed(_));
    assert_eq!(site.event_like(seen).await, Event::Resumed(replayed));
}

#[tokio::test(start_paused = true)]
async fn an_ack_comes_at_most_once_a_second_with_the_highest_number() {
    let mut site = site();
    let mut client = Stateful::start(&mut site, 2).await;
    for id in 0..5 {
        client.say(&call(&id.to_string(), "Nothing", "[]")).await;
    }
    let start = Instant::now();
    for _ in 0..5 {
        client.hear().await.unwrap();
    }
    assert_eq!(client.unacked.len(), 5);
    client.say(&call("5", "Nothing", "[]")).await;
    let quiet = tokio::time::timeout(Duration::from_millis(2500), async {
        while client.hear().await.is_some() {}
    });
    assert!(quiet.await.is_err());
    let acks = client.all.iter().filter(|text| text.contains("\"type\":8"));
    assert_eq!(
        acks.collect::<Vec<_>>(),
        ["{\"type\":8,\"sequenceId\":6}"],
        "{:?}",
        start.elapsed()
    );
    assert!(client.unacked.is_empty());
}

#[tokio::test]
async fn the_first_message_after_a_loss_is_a_sequence_with_the_first_buffered_number() {
    let mut site = site();
    let mut client = Stateful::start(&mut site, 2).await;
    for number in 1..=4 {
        send(&site, number);
    }
    for _ in 0..3 {
        client.hear().await.unwrap();
    }
    client.handled = 2; // as if the third had come while the ack was on its way
    client.ack().await;
    client.handled = 3;
    site.event_like(|event| matches!(event, Event::Evidence(_)))
        .await;
    client.all.clear();
    client.resume(&site).await.unwrap();
    assert_eq!(client.hear().await, Some(push(4)));
    assert_eq!(
        client.all,
        ["{\"type\":9,\"sequenceId\":3}", &*push(3), &*push(4)],
        "the third is doubled on the wire and dropped by the client"
    );
    resumed(&mut site, 2).await;
}

#[tokio::test]
async fn with_nothing_buffered_the_sequence_is_the_next_number() {
    let mut site = site();
    let mut client = Stateful::start(&mut site, 2).await;
    client.resume(&site).await.unwrap();
    send(&site, 1);
    assert_eq!(client.hear().await, Some(push(1)));
    assert_eq!(client.all[0], "{\"type\":9,\"sequenceId\":1}");
    resumed(&mut site, 0).await;
}

#[tokio::test]
async fn connection_hub_state_and_id_survive() {
    let mut site = site();
    let mut client = Stateful::start(&mut site, 2).await;
    let before = site.only();
    client.resume(&site).await.unwrap();
    client.say(&call("0", "Id", "[]")).await;
    let answer = client.hear().await.unwrap();
    assert!(answer.contains(before.id()));
    assert!(Arc::ptr_eq(&before, &site.only()));
}

#[tokio::test]
async fn calls_that_come_again_are_not_made_again() {
    let mut site = site();
    let mut client = Stateful::start(&mut site, 2).await;
    client.say(&call("0", "Nothing", "[]")).await;
    client.hear().await.unwrap();
    client.resume(&site).await.unwrap();
    client.say(&call("1", "Echo", "[1]")).await;
    assert!(client.hear().await.unwrap().contains("\"result\":1"));
    let mut called = Vec::new();
    while let Ok(event) = site.events.try_recv() {
        if let Event::Called(target) = event {
            called.push(target);
        }
    }
    assert_eq!(called, ["Nothing", "Echo"]);
}

#[tokio::test]
async fn before_its_sequence_a_new_socket_says_nothing_that_counts() {
    let mut site = site();
    let mut client = Stateful::start(&mut site, 2).await;
    drop(client.open(&site).await.unwrap());
    client.mention(&call("9", "Fail", "[]")).await;
    client.go_on().await;
    client.say(&call("0", "Echo", "[1]")).await;
    assert!(
        client
            .hear()
            .await
            .unwrap()
            .contains("\"invocationId\":\"0\"")
    );
}

#[tokio::test]
async fn a_sequence_above_the_next_number_is_fatal() {
    let mut site = site();
    let mut client = Stateful::start(&mut site, 2).await;
    client.mention("{\"type\":9,\"sequenceId\":2}\u{1e}").await;
    assert_eq!(
        site.disconnected().await.as_deref(),
        Some("The Sequence is ahead of what was received.")
    );
    assert_eq!(client.hear().await, None);
    assert!(client.all.last().unwrap().contains("\"type\":7"));
}

#[tokio::test]
async fn a_second_websocket_takes_over_from_a_live_one() {
    let mut site = site();
    let mut client = Stateful::start(&mut site, 2).await;
    send(&site, 1);
    assert_eq!(client.hear().await, Some(push(1)));
    let mut old = client.open(&site).await.unwrap().unwrap();
    client.go_on().await;
    send(&site, 2);
    assert_eq!(client.hear().await, Some(push(2)));
    loop {
        match old.next().await {
            Some(Ok(Message::Text(text))) => assert!(!text.contains("[2]")),
            Some(Ok(_)) => {}
            Some(Err(_)) | None => break,
        }
    }
    assert_eq!(site.server.count(), 1);
}

/// Asks to go on over a socket so narrow that the answer is on its way until it is read.
async fn narrow(site: &Site, client: &Stateful) -> tokio::io::DuplexStream {
    let mut io = site.dial(32);
    let request = format!(
        "GET /hub?id={} HTTP/1.1\r\nhost: x\r\nx-user: ann\r\nconnection: Upgrade\r\nupgrade: \
         websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: \
         AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
        client.token
    );
    io.write_all(request.as_bytes()).await.unwrap();
    settle().await;
    io
}

/// Reads the answer, says a Sequence, and expects one.
async fn goes_on(mut io: tokio::io::DuplexStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(io.read_u8().await.expect("the socket was dropped"));
    }
    assert!(head.starts_with(b"HTTP/1.1 101"));
    let sequence = b"{\"type\":9,\"sequenceId\":1}\x1e";
    let length = u8::try_from(sequence.len()).unwrap();
    io.write_all(&[0x81, 0x80 | length, 0, 0, 0, 0])
        .await
        .unwrap();
    io.write_all(sequence).await.unwrap();
    let mut frame = vec![0; 2 + sequence.len()];
    io.read_exact(&mut frame).await.expect("nobody took over");
    assert_eq!(frame[2..], *sequence);
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_is_being_opened_when_the_old_one_breaks_takes_over() {
    let mut site = site();
    let mut client = Stateful::start(&mut site, 2).await;
    let io = narrow(&site, &client).await;
    client.socket = None;
    settle().await;
    goes_on(io).await;
    assert_eq!(site.server.count(), 1);
    resumed(&mut site, 0).await;
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_is_being_opened_when_the_old_one_is_closed_takes_over() {
    let mut site = site();
    let mut client = Stateful::start(&mut site, 2).await;
    let io = narrow(&site, &client).await;
    let mut old = client.socket.take().unwrap();
    old.close(None).await.unwrap();
    settle().await;
    goes_on(io).await;
    assert_eq!(site.server.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_is_being_opened_when_the_time_is_over_takes_over() {
    let mut site = site();
    let mut client = Stateful::start(&mut site, 2).await;
    client.socket = None;
    tokio::time::sleep(Duration::from_millis(14_900)).await;
    let io = narrow(&site, &client).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    goes_on(io).await;
    assert_eq!(site.server.hits(Limit::ResumeWindow), 0);
    assert_eq!(site.server.count(), 1);
}

#[tokio::test]
async fn half_a_message_of_a_lost_socket_is_forgotten() {
    let mut site = site();
    let mut client = Stateful::start(&mut site, 2).await;
    let text = call("0", "Echo", "[1]");
    client.mention(&text[..30]).await;
    settle().await;
    client.unacked.push_back((1, text));
    client.resume(&site).await.unwrap();
    assert!(client.hear().await.unwrap().contains("\"result\":1"));
}

#[tokio::test(start_paused = true)]
async fn a_full_buffer_makes_writers_wait_and_drops_nothing() {
    let mut site = Site::with(HubOptions {
        resume_buffer_bytes: 1000,
        max_queued_bytes: 500,
        ..options()
    });
    let mut client = Stateful::start(&mut site, 2).await;
    let connection = site.only();
    let mut sent = 0;
    while sent < 1000 {
        settle().await;
        if connection.try_send((push(sent) + "\u{1e}").into()).is_err() {
            break;
        }
        sent += 1;
    }
    assert!((20..60).contains(&sent), "{sent}");
    let mut heard = Vec::new();
    let wait = Duration::from_secs(3);
    while let Ok(Some(text)) = tokio::time::timeout(wait, client.hear()).await {
        heard.push(text);
    }
    assert!(heard.len() < usize::try_from(sent).unwrap());
    // Its own messages do not wait.
    client
        .say("{\"type\":5,\"invocationId\":\"0\"}\u{1e}")
        .await;
    tokio::time::timeout(wait, client.hear()).await.unwrap_err();
    assert!(
        client.unacked.is_empty(),
        "acked although the buffer is full"
    );
    client.ack().await;
    while heard.len() < usize::try_from(sent).unwrap() {
        heard.push(client.hear().await.unwrap());
        client.ack().await;
    }
    assert_eq!(heard, (0..sent).map(push).collect::<Vec<_>>());
    assert!(site.event_like(|event| *event == Event::Writable).await == Event::Writable);
}

#[tokio::test(start_paused = true)]
async fn a_lost_client_is_disconnected_after_15_s() {
    let mut site = site();
    let mut client = Stateful::start(&mut site, 2).await;
    client.socket = None;
    let start = Instant::now();
    assert_eq!(
        site.disconnected().await.as_deref(),
        Some("The WebSocket was cut.")
    );
    assert_eq!(start.elapsed().as_secs(), 15);
    assert_eq!(site.server.hits(Limit::ResumeWindow), 1);
    settle().await;
    assert_eq!(client.resume(&site).await.unwrap_err().status, 404);
}

#[tokio::test(start_paused = true)]
async fn within_the_window_silence_is_no_news() {
    let mut site = Site::with(HubOptions {
        resume_window: Duration::from_secs(100),
        ..options()
    });
    let mut client = Stateful::start(&mut site, 2).await;
    client.mention("{\"type\":6}\u{1e}").await;
    settle().await;
    client.socket = None;
    tokio::time::sleep(Duration::from_secs(90)).await;
    send(&site, 1);
    client.resume(&site).await.unwrap();
    assert_eq!(client.hear().await, Some(push(1)));
}

#[tokio::test]
async fn version_1_turns_it_off() {
    let mut site = site();
    let mut client = Stateful::start(&mut site, 1).await;
    assert_eq!(client.resume(&site).await.unwrap_err().status, 409);
    client.say(&call("0", "Echo", "[1]")).await;
    client.hear().await.unwrap();
    client.socket = None;
    assert_eq!(
        site.disconnected().await.as_deref(),
        Some("The WebSocket was cut.")
    );
    settle().await;
    assert_eq!(client.resume(&site).await.unwrap_err().status, 404);
}

#[tokio::test]
async fn after_the_server_closed_a_new_socket_is_409_or_404() {
    let mut site = site();
    let mut client = Stateful::start(&mut site, 2).await;
    client.say(&call("0", "Wait", "[]")).await;
    assert_eq!(site.event().await, Event::Called("Wait".to_owned()));
    site.only().close(None, true);
    assert_eq!(client.resume(&site).await.unwrap_err().status, 409);
    site.server.hub().gate.notify_one();
    site.disconnected().await;
    settle().await;
    assert_eq!(client.resume(&site).await.unwrap_err().status, 404);
}

#[tokio::test]
async fn a_close_message_of_the_client_turns_it_off() {
    let mut site = site();
    let mut client = Stateful::start(&mut site, 2).await;
    client.mention("{\"type\":7}\u{1e}").await;
    assert_eq!(site.disconnected().await, None);
    settle().await;
    assert_eq!(client.resume(&site).await.unwrap_err().status, 404);
}

#[tokio::test]
async fn a_close_frame_of_the_client_is_an_end_and_no_loss() {
    let mut site = site();
    let mut client = Stateful::start(&mut site, 2).await;
    let mut socket = client.socket.take().unwrap();
    socket.close(None).await.unwrap();
    assert_eq!(site.disconnected().await, None);
}

#[tokio::test]
async fn the_server_may_close_while_the_client_is_away() {
    let mut site = site();
    let mut client = Stateful::start(&mut site, 2).await;
    client.socket = None;
    settle().await;
    site.only().close(None, true);
    assert_eq!(site.disconnected().await, None);
    settle().await;
    assert_eq!(site.server.count(), 0);
}

#[tokio::test]
async fn acks_and_pings_are_not_counted() {
    let mut site = site();
    let mut client = Stateful::start(&mut site, 2).await;
    site.only().try_send("{\"type\":6}\u{1e}".into()).unwrap();
    send(&site, 1);
    assert_eq!(client.hear().await, Some(push(1)));
    for _ in 0..3 {
        client.mention("{\"type\":6}\u{1e}").await;
        client.ack().await;
    }
    settle().await;
    client.resume(&site).await.unwrap();
    send(&site, 2);
    assert_eq!(client.hear().await, Some(push(2)));
    client.say(&call("0", "Echo", "[1]")).await;
    assert!(client.hear().await.unwrap().contains("\"result\":1"));
    assert!(
        client
            .all
            .contains(&"{\"type\":9,\"sequenceId\":2}".to_owned())
    );
}

#[tokio::test]
async fn an_ack_is_evidence() {
    let mut site = site();
    let mut client = Stateful::start(&mut site, 2).await;
    send(&site, 1);
    let mark = site.only().mark();
    client.hear().await.unwrap();
    client.ack().await;
    assert_eq!(site.event().await, Event::Evidence(mark.0));
    client.ack().await;
    settle().await;
    assert!(site.events.try_recv().is_err(), "told once");
}

#[tokio::test]
async fn the_newest_of_a_key_is_not_lost_either() {
    let mut site = site();
    let mut client = Stateful::start(&mut site, 2).await;
    let message = push(7) + "\u{1e}";
    site.only()
        .send_latest(&"k".into(), message.into())
        .unwrap();
    settle().await;
    client.resume(&site).await.unwrap();
    assert_eq!(client.hear().await, Some(push(7)));
}

#[tokio::test]
async fn a_new_socket_of_another_user_is_403() {
    let mut site = site();
    let client = Stateful::start(&mut site, 2).await;
    let upgrade = crate::support::request("bob", "GET", &format!("/hub?id={}", client.token))
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA==");
    let answer = site.open(upgrade.body("".into()).unwrap()).await;
    assert_eq!(answer.status(), 403);
    assert_eq!(site.server.count(), 1);
}

struct Never;

impl Admission<User> for Never {
    fn may_resume<'a>(
        &'a self,
        _: &'a Arc<Connection<User>>,
        _: &'a User,
    ) -> futures_util::future::BoxFuture<'a, bool> {
        Box::pin(std::future::ready(false))
    }
}

#[tokio::test]
async fn the_host_is_asked_before_anything_is_replayed() {
    let mut site = Site::admitting(options(), Never);
    let mut client = Stateful::start(&mut site, 2).await;
    client.socket = None;
    settle().await;
    assert_eq!(client.resume(&site).await.unwrap_err().status, 404);
    assert_eq!(site.disconnected().await, None);
}
