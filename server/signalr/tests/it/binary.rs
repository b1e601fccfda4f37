//! MessagePack over the transports that carry bytes.

use futures_util::{SinkExt, StreamExt};
use signalr::{
    HubOptions,
    protocol::{Invocation, Message, Payload, Protocol},
};
use tokio_tungstenite::tungstenite;

use crate::support::{Event, Site};

const HANDSHAKE: &str = "{\"protocol\":\"messagepack\",\"version\":1}\u{1e}";
const OK: &[u8] = b"{}\x1e";

fn call() -> Vec<u8> {
    let call = Invocation {
        id: Some("0".to_owned()),
        target: "Nothing".to_owned(),
        arguments: Vec::new(),
        stream_ids: Vec::new(),
    };
    Protocol::MessagePack
        .encode(&Message::Invocation(call))
        .to_vec()
}

fn answer() -> Vec<u8> {
    let outcome = signalr::protocol::Outcome::Value(Payload::null());
    let id = "0".to_owned();
    let answer = Message::Completion { id, outcome };
    Protocol::MessagePack.encode(&answer).to_vec()
}

#[tokio::test]
async fn a_websockets_frames_are_binary_and_input_is_a_byte_stream() {
    let site = Site::new();
    let path = format!("/hub?id={}", site.token().await);
    let mut socket = site.websocket(&path).await.unwrap();
    // The handshake's last byte comes with the first of the call.
    let all = [HANDSHAKE.as_bytes(), &call()].concat();
    for piece in [
        &all[..10],
        &all[10..HANDSHAKE.len() + 3],
        &all[HANDSHAKE.len() + 3..],
    ] {
        let piece = tungstenite::Message::binary(piece.to_vec());
        socket.send(piece).await.unwrap();
    }
    for expected in [OK.to_vec(), answer()] {
        let frame = socket.next().await.unwrap().unwrap();
        assert!(frame.is_binary());
        assert_eq!(frame.into_data(), expected);
    }
}

#[tokio::test]
async fn polls_and_posts_carry_bytes() {
    let mut site = Site::new();
    let path = format!("/hub?id={}", site.token().await);
    assert_eq!(site.request("GET", &path, "").await.status, 200);
    let all = [HANDSHAKE.as_bytes(), &call()].concat();
    let (head, tail) = all.split_at(HANDSHAKE.len() + 5);
    for body in [head, tail] {
        assert_eq!(site.request("POST", &path, body.to_vec()).await.status, 200);
    }
    site.event_like(|event| matches!(event, Event::Called(_)))
        .await;
    let expected = [OK, &answer()].concat();
    let mut seen = Vec::new();
    while seen.len() < expected.len() {
        let poll = site.request("GET", &path, "").await;
        assert_eq!(poll.headers["content-type"], "application/octet-stream");
        seen.extend_from_slice(&poll.body);
    }
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn stateful_reconnect_counts_binary_messages() {
    let mut site = Site::with(HubOptions {
        stateful_reconnect: true,
        ..HubOptions::default()
    });
    let path = "/hub/negotiate?negotiateVersion=1&useStatefulReconnect=true";
    let negotiated = site.request("POST", path, "").await;
    let negotiated: signalr::protocol::NegotiateResponse =
        serde_json::from_slice(&negotiated.body).unwrap();
    let path = format!("/hub?id={}", negotiated.connection_token.unwrap());
    let mut socket = site.websocket(&path).await.unwrap();
    let handshake = HANDSHAKE.replace('1', "2");
    let first = [handshake.as_bytes(), &call()].concat();
    socket
        .send(tungstenite::Message::binary(first))
        .await
        .unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap().into_data(), OK);
    assert_eq!(socket.next().await.unwrap().unwrap().into_data(), answer());
    let mut next = site.websocket(&path).await.unwrap();
    drop(socket);
    let sequence = Protocol::MessagePack.encode(&Message::Sequence { sequence_id: 1 });
    let again = [&sequence[..], &call()].concat();
    next.send(tungstenite::Message::binary(again))
        .await
        .unwrap();
    for expected in [sequence.to_vec(), answer()] {
        assert_eq!(next.next().await.unwrap().unwrap().into_data(), expected);
    }
    let seen = |event: &Event| matches!(event, Event::Resumed(_));
    assert_eq!(site.event_like(seen).await, Event::Resumed(1));
    crate::support::settle().await;
    while let Ok(event) = site.events.try_recv() {
        assert!(!matches!(event, Event::Called(_)), "called once");
    }
}
