//! The second protocol, over the transports that carry bytes: its handshake is text, the rest is not.

use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::tungstenite::Message;

use super::support::{Client, Site};
use signalr::protocol::TransportKind;

const HANDSHAKE: &str = "{\"protocol\":\"MessagePack\",\"version\":1}\u{1e}";

/// Calls `Echo` with a map of null, a large number and a string.
const ECHO: &[u8] = b"\x20\x95\x01\x80\xa17\xa4Echo\x91\x83\xa1a\xc0\xa1b\xcf\xff\xff\xff\xff\xff\xff\xff\xff\xa1c\xa3\xc3\xa9d";
/// Its answer.
const ECHOED: &[u8] =
    b"\x1b\x95\x03\x80\xa17\x03\x83\xa1a\xc0\xa1b\xcf\xff\xff\xff\xff\xff\xff\xff\xff\xa1c\xa3\xc3\xa9d";
const PING: &[u8] = b"\x02\x91\x06";

/// What comes, joined, until it is as long as `expected`; pings are skipped.
async fn heard(client: &mut Client, expected: usize) -> Vec<u8> {
    let mut heard = Vec::new();
    while heard.len() < expected {
        match client.socket().next().await.unwrap().unwrap() {
            Message::Binary(bytes) if bytes[..] != *PING => heard.extend_from_slice(&bytes),
            Message::Binary(_) => {}
            other => panic!("{other:?} is no bytes"),
        }
    }
    heard
}

#[tokio::test(start_paused = true)]
async fn binary_calls_are_answered_over_websocket_in_binary_frames() {
    let site = Site::new();
    let mut client = Client::connect_to(&site, TransportKind::WebSockets, "").await;
    // The handshake and the first call share a frame, the second call is cut.
    let first = [HANDSHAKE.as_bytes(), ECHO].concat();
    let socket = client.socket();
    socket.send(Message::binary(first)).await.unwrap();
    for piece in ECHO.chunks(5) {
        socket.send(Message::binary(piece.to_vec())).await.unwrap();
    }
    let expected = [b"{}\x1e", ECHOED, ECHOED].concat();
    assert_eq!(heard(&mut client, expected.len()).await, expected);
}

#[tokio::test(start_paused = true)]
async fn nothing_returned_is_nil_and_a_failure_is_words() {
    let site = Site::new();
    let mut client = Client::connect_to(&site, TransportKind::WebSockets, "").await;
    let calls = [
        HANDSHAKE.as_bytes(),
        b"\x0f\x96\x01\x80\xa18\xa7Nothing\x90\x90",
        b"\x0c\x96\x01\x80\xa19\xa4Gone\x90\x90",
    ];
    let socket = client.socket();
    socket.send(Message::binary(calls.concat())).await.unwrap();
    let nil = b"\x07\x95\x03\x80\xa18\x03\xc0";
    let answer = heard(&mut client, 3 + nil.len() + 40).await;
    assert_eq!(answer[..3], *b"{}\x1e");
    assert_eq!(answer[3..3 + nil.len()], nil[..]);
    let failure = &answer[3 + nil.len()..];
    assert_eq!(failure[1..8], *b"\x95\x03\x80\xa19\x01\xd9");
    assert!(failure.ends_with(b"HubException: Method does not exist."));
}

#[tokio::test(start_paused = true)]
async fn binary_calls_are_answered_over_long_polling() {
    let site = Site::new();
    let client = Client::connect_to(&site, TransportKind::LongPolling, "").await;
    let path = client.path();
    assert_eq!(site.request("POST", &path, HANDSHAKE).await.status, 200);
    assert_eq!(site.request("GET", &path, "").await.body, "{}\u{1e}");
    assert_eq!(site.request("POST", &path, ECHO).await.status, 200);
    assert_eq!(site.request("GET", &path, "").await.body, ECHOED);
}

#[tokio::test(start_paused = true)]
async fn an_event_stream_cannot_carry_it() {
    let site = Site::new();
    let mut client = Client::connect_to(&site, TransportKind::ServerSentEvents, "").await;
    client.send(&site, HANDSHAKE).await;
    assert_eq!(
        client.next(&site).await,
        "{\"error\":\"Cannot use the 'MessagePack' protocol on the current transport. The transport \
         does not support 'Binary' transfer format.\"}"
    );
    assert_eq!(client.try_next(&site).await, None);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_message_ends_the_connection_with_a_reason() {
    for (bytes, reason) in [
        (&b"\x01\xc0"[..], "the frame is not one MessagePack array"),
        (
            b"\x81\x80\x02",
            "The maximum message size of 32768B was exceeded.",
        ),
        (
            b"\xff\xff\xff\xff\xff",
            "The maximum message size of 32768B was exceeded.",
        ),
    ] {
        let site = Site::new();
        let mut client = Client::connect_to(&site, TransportKind::WebSockets, "").await;
        let socket = client.socket();
        let sent = [HANDSHAKE.as_bytes(), bytes].concat();
        socket.send(Message::binary(sent)).await.unwrap();
        let answer = heard(&mut client, 4).await;
        let close = if answer.len() > 3 {
            answer[3..].to_vec()
        } else {
            heard(&mut client, 1).await
        };
        let text = format!("Connection closed with an error. {reason}");
        let expected = [
            b"\x93\x07\xd9",
            &[u8::try_from(text.len()).unwrap()][..],
            text.as_bytes(),
            b"\xc3",
        ]
        .concat();
        assert_eq!(close[1..], expected, "the last place lets it come back");
    }
}
