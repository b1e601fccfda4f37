//! Rules of the WebSocket transport.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use signalr::{HubOptions, protocol::TransportKind::WebSockets};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use crate::support::{Client, Event, HANDSHAKE, Site, call, settle};

#[tokio::test]
async fn unknown_id_is_404_before_upgrade() {
    let answer = Site::new().websocket("/hub?id=nope").await.unwrap_err();
    assert_eq!(answer.status, 404);
}

#[tokio::test]
async fn the_id_may_be_skipped_with_the_negotiation() {
    let mut site = Site::new();
    let mut socket = site.websocket("/hub?device=desk").await.unwrap();
    socket.send(Message::text(HANDSHAKE)).await.unwrap();
    assert_eq!(site.event().await, Event::Connected);
    assert_eq!(site.only().query("DEVICE"), Some("desk"));
    assert!(site.server.get(site.only().id()).is_some());
}

#[tokio::test]
async fn post_on_websocket_is_405() {
    let mut site = Site::new();
    let client = Client::connect(&mut site, WebSockets).await;
    assert_eq!(site.request("POST", &client.path(), "x").await.status, 405);
    assert_eq!(site.request("DELETE", &client.path(), "").await.status, 400);
    assert_eq!(
        site.request("GET", &client.path(), "").await.status,
        400,
        "a poll"
    );
}

#[tokio::test]
async fn second_websocket_on_a_live_id_is_409() {
    let mut site = Site::new();
    let client = Client::connect(&mut site, WebSockets).await;
    assert_eq!(
        site.websocket(&client.path()).await.unwrap_err().status,
        409
    );
}

#[tokio::test]
async fn handshake_and_first_invocation_may_share_a_frame() {
    let site = Site::new();
    let mut client = Client::connect_to(&site, WebSockets, "").await;
    client
        .send(&site, &format!("{HANDSHAKE}{}", call("0", "Echo", "[7]")))
        .await;
    assert_eq!(client.next(&site).await, "{}");
    assert_eq!(
        client.next(&site).await,
        r#"{"type":3,"invocationId":"0","result":7}"#
    );
}

#[tokio::test]
async fn message_split_over_frames() {
    let site = Site::new();
    let mut client = Client::connect_to(&site, WebSockets, "").await;
    for piece in format!("{HANDSHAKE}{}", call("0", "Echo", "[\"häh\"]")).chars() {
        client.send(&site, &piece.to_string()).await;
    }
    assert_eq!(client.next(&site).await, "{}");
    assert_eq!(
        client.next(&site).await,
        r#"{"type":3,"invocationId":"0","result":"häh"}"#
    );
}

#[tokio::test]
async fn every_frame_holds_whole_messages() {
    let mut site = Site::new();
    let mut client = Client::connect(&mut site, WebSockets).await;
    for id in 0..50 {
        client
            .send(&site, &call(&id.to_string(), "Echo", "[\"x\"]"))
            .await;
    }
    for _ in 0..50 {
        let frame = client.socket().next().await.unwrap().unwrap();
        assert!(frame.to_text().unwrap().ends_with('\u{1e}'));
    }
}

#[tokio::test]
async fn close_without_code_is_answered_1000() {
    let mut site = Site::new();
    let mut client = Client::connect(&mut site, WebSockets).await;
    client.socket().close(None).await.unwrap();
    let Some(Ok(Message::Close(Some(frame)))) = client.socket().next().await else {
        panic!()
    };
    assert_eq!(frame.code, CloseCode::Normal);
    assert_eq!(site.disconnected().await, None);
}

#[tokio::test]
async fn close_with_a_code_is_answered_1000() {
    let mut site = Site::new();
    let mut client = Client::connect(&mut site, WebSockets).await;
    let away = CloseFrame {
        code: CloseCode::Away,
        reason: "".into(),
    };
    client.socket().close(Some(away)).await.unwrap();
    let Some(Ok(Message::Close(Some(frame)))) = client.socket().next().await else {
        panic!()
    };
    assert_eq!(frame.code, CloseCode::Normal);
}

#[tokio::test]
async fn the_server_closes_with_1000_and_the_old_id_is_404_at_once() {
    let mut site = Site::new();
    let mut client = Client::connect(&mut site, WebSockets).await;
    site.only().close(None, true);
    assert_eq!(
        client.next(&site).await,
        r#"{"type":7,"allowReconnect":true}"#
    );
    let Some(Ok(Message::Close(Some(frame)))) = client.socket().next().await else {
        panic!()
    };
    assert_eq!(frame.code, CloseCode::Normal);
    assert_eq!(
        site.websocket(&client.path()).await.unwrap_err().status,
        404
    );
}

#[tokio::test]
async fn calls_sent_right_before_a_close_are_still_handled() {
    let mut site = Site::new();
    let mut client = Client::connect(&mut site, WebSockets).await;
    let calls = (0..20)
        .map(|id| call(&id.to_string(), "Nothing", "[]"))
        .collect::<String>();
    client.send(&site, &calls).await;
    client.socket().close(None).await.unwrap();
    for _ in 0..20 {
        assert_eq!(site.event().await, Event::Called("Nothing".to_owned()));
    }
    assert_eq!(site.disconnected().await, None);
}

#[tokio::test]
async fn a_cut_socket_is_a_disconnect_with_a_reason() {
    let mut site = Site::new();
    let client = Client::connect(&mut site, WebSockets).await;
    drop(client);
    assert_eq!(
        site.disconnected().await.as_deref(),
        Some("The WebSocket was cut.")
    );
    assert_eq!(site.server.count(), 0);
}

#[tokio::test]
async fn pong_is_evidence_for_what_was_written_before() {
    let mut site = Site::new();
    let mut client = Client::connect(&mut site, WebSockets).await;
    let connection = site.only();
    let mark = connection.try_send("{\"type\":6}\u{1e}".into()).unwrap();
    connection.probe();
    connection.probe();
    assert_eq!(client.next(&site).await, "{\"type\":6}");
    // Reading on answers the ping.
    let Some(Ok(Message::Ping(_))) = client.socket().next().await else {
        panic!()
    };
    assert_eq!(connection.round_trip(), None);
    client.socket().flush().await.unwrap();
    assert_eq!(site.event().await, Event::Evidence(mark.0));
    assert!(connection.round_trip().is_some());
    settle().await;
    assert!(
        site.events.try_recv().is_err(),
        "two probes became one ping"
    );
}

#[tokio::test]
async fn a_made_up_pong_is_no_evidence() {
    let mut site = Site::new();
    let mut client = Client::connect(&mut site, WebSockets).await;
    for payload in [&b"{\"type\":6,\"mark\":99}"[..], b"", b"123456789"] {
        client
            .socket()
            .send(Message::Pong(payload.to_vec().into()))
            .await
            .unwrap();
    }
    client.send(&site, &call("0", "Nothing", "[]")).await;
    assert_eq!(site.event().await, Event::Called("Nothing".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_stops_the_write_after_10_s() {
    let mut site = Site::new();
    let socket = site.websocket_on(site.dial(1024), "/hub").await;
    let mut socket = socket.unwrap();
    socket.send(Message::text(HANDSHAKE)).await.unwrap();
    assert_eq!(site.event().await, Event::Connected);
    let start = tokio::time::Instant::now();
    site.only().try_send(vec![b'x'; 60_000].into()).unwrap();
    let reason = site.disconnected().await;
    assert_eq!(
        reason.as_deref(),
        Some("The client did not read for too long.")
    );
    assert_eq!(start.elapsed().as_secs(), 10);
}

#[tokio::test]
async fn full_queue_refuses_and_announces_writable() {
    let options = HubOptions {
        max_queued_bytes: 100,
        ..HubOptions::default()
    };
    let mut site = Site::with(options);
    let mut socket = site.websocket_on(site.dial(256), "/hub").await.unwrap();
    socket.send(Message::text(HANDSHAKE)).await.unwrap();
    assert_eq!(site.event().await, Event::Connected);
    let connection = site.only();
    // Fills the socket, then the queue.
    connection.try_send(vec![b'a'; 8_000].into()).unwrap();
    settle().await;
    connection.try_send(vec![b'b'; 90].into()).unwrap();
    assert_eq!(
        connection.try_send("c".repeat(20).into()),
        Err(signalr::SendError::Full)
    );
    assert_eq!(connection.queued_bytes(), 90);
    for length in [3, 8_000, 90] {
        assert_eq!(socket.next().await.unwrap().unwrap().len(), length);
    }
    assert_eq!(site.event().await, Event::Writable);
    assert!(connection.try_send("c".repeat(20).into()).is_ok());
}

#[tokio::test]
async fn same_key_keeps_only_newest() {
    let mut site = Site::new();
    let mut client = Client::connect(&mut site, WebSockets).await;
    let (connection, key) = (site.only(), "clock".into());
    for text in ["one", "two", "three"] {
        connection
            .send_latest(&key, format!("{text}\u{1e}").into())
            .unwrap();
    }
    connection.try_send("last\u{1e}".into()).unwrap();
    assert_eq!(
        client.next(&site).await,
        "last",
        "what must not be lost goes first"
    );
    assert_eq!(client.next(&site).await, "three");
}

#[tokio::test(start_paused = true)]
async fn after_the_server_closed_the_client_gets_5_s() {
    let mut site = Site::new();
    let mut io = site.dial(1 << 16);
    io.write_all(
        b"GET /hub HTTP/1.1\r\nhost: x\r\nx-user: ann\r\nconnection: Upgrade\r\nupgrade: \
          websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    )
    .await
    .unwrap();
    let mut masked = vec![
        0x81,
        0x80 | u8::try_from(HANDSHAKE.len()).unwrap(),
        0,
        0,
        0,
        0,
    ];
    masked.extend_from_slice(HANDSHAKE.as_bytes());
    io.write_all(&masked).await.unwrap();
    assert_eq!(site.event().await, Event::Connected);
    site.only().close(None, false);
    let start = tokio::time::Instant::now();
    let mut all = Vec::new();
    io.read_to_end(&mut all).await.unwrap();
    assert_eq!(start.elapsed(), Duration::from_secs(5));
    assert!(all.ends_with(b"\x81\x0b{\"type\":7}\x1e\x88\x02\x03\xe8"));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_takes_the_answer_keeps_no_place() {
    let site = Site::new();
    let token = site.token().await;
    // So narrow that the answer is on its way until it is read.
    let mut io = site.dial(32);
    let request = format!(
        "GET /hub?id={token} HTTP/1.1\r\nhost: x\r\nx-user: ann\r\nconnection: Upgrade\r\nupgrade: \
         websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: \
         AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    );
    io.write_all(request.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(14)).await;
    let path = format!("/hub?id={token}");
    assert_eq!(site.websocket(&path).await.unwrap_err().status, 409);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(site.websocket(&path).await.unwrap_err().status, 404);
}
