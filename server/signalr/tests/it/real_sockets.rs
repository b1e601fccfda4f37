//! Once more with everything real: TCP, HTTP client, WebSocket client.

use futures_util::{SinkExt, StreamExt};
use signalr::protocol::NegotiateResponse;
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};

use crate::support::{Event, HANDSHAKE, Site, call};

async fn listen(site: &Site) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = site.app.clone();
    site.tracker
        .spawn(async move { axum::serve(listener, app).await.unwrap() });
    format!("{address}/hub")
}

async fn negotiate(client: &reqwest::Client, base: &str) -> String {
    let url = format!("http://{base}/negotiate?negotiateVersion=1");
    let answer = client
        .post(url)
        .header("x-user", "ann")
        .send()
        .await
        .unwrap();
    let answer: NegotiateResponse = answer.json().await.unwrap();
    answer.connection_token.unwrap()
}

#[tokio::test]
async fn a_websocket_over_tcp() {
    let site = Site::new();
    let base = listen(&site).await;
    let token = negotiate(&reqwest::Client::new(), &base).await;
    let mut request = format!("ws://{base}?id={token}")
        .into_client_request()
        .unwrap();
    request
        .headers_mut()
        .insert("x-user", "ann".parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    socket
        .send(Message::text(format!(
            "{HANDSHAKE}{}",
            call("0", "Echo", "[1]")
        )))
        .await
        .unwrap();
    assert_eq!(
        socket.next().await.unwrap().unwrap().to_text().unwrap(),
        "{}\u{1e}"
    );
    let answer = "{\"type\":3,\"invocationId\":\"0\",\"result\":1}\u{1e}";
    assert_eq!(
        socket.next().await.unwrap().unwrap().to_text().unwrap(),
        answer
    );
    socket.close(None).await.unwrap();
    let Some(Ok(Message::Close(Some(frame)))) = socket.next().await else {
        panic!()
    };
    assert_eq!(u16::from(frame.code), 1000);
    assert!(
        socket.next().await.is_none(),
        "and the connection ends cleanly"
    );
}

#[tokio::test]
async fn events_and_polls_over_tcp() {
    let site = Site::new();
    let base = listen(&site).await;
    let client = reqwest::Client::new();
    for accept in ["text/event-stream", "*/*"] {
        let url = format!("http://{base}?id={}", negotiate(&client, &base).await);
        let get = || {
            client
                .get(&url)
                .header("x-user", "ann")
                .header("accept", accept)
                .send()
        };
        let mut first = get().await.unwrap();
        assert_eq!(first.status(), 200);
        let body = HANDSHAKE.to_owned() + &call("0", "Echo", "[1]");
        let sent = client
            .post(&url)
            .header("x-user", "ann")
            .body(body)
            .send()
            .await
            .unwrap();
        assert_eq!(sent.status(), 200);
        let mut seen = String::new();
        while !seen.contains("\"result\":1") {
            let bytes = if accept == "*/*" {
                get().await.unwrap().bytes().await.unwrap()
            } else {
                first.chunk().await.unwrap().unwrap()
            };
            seen.push_str(std::str::from_utf8(&bytes).unwrap());
        }
        assert!(seen.contains("{}\u{1e}"));
    }
}

#[tokio::test]
async fn one_slow_client_never_delays_another() {
    const MESSAGES: usize = 1_000;
    let mut site = Site::new();
    let base = listen(&site).await;
    let mut sockets = Vec::new();
    for query in ["slow", "quick"] {
        let mut request = format!("ws://{base}?device={query}")
            .into_client_request()
            .unwrap();
        request
            .headers_mut()
            .insert("x-user", "ann".parse().unwrap());
        let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        socket.send(Message::text(HANDSHAKE)).await.unwrap();
        assert_eq!(site.event().await, Event::Connected);
        assert_eq!(socket.next().await.unwrap().unwrap().len(), 3);
        sockets.push(socket);
    }
    let find = |device: &str| {
        let mut all = site.server.connections().into_iter();
        all.find(|one| one.query("device") == Some(device)).unwrap()
    };
    let (slow, quick) = (find("slow"), find("quick"));
    let message = bytes::Bytes::from("x".repeat(16_000) + "\u{1e}");
    // 16 MB for each, far more than the kernel's buffers hold; the slow one reads nothing.
    let mut refused = 0;
    for _ in 0..MESSAGES {
        refused += usize::from(slow.try_send(message.clone()).is_err());
        quick.try_send(message.clone()).unwrap();
        let frame = sockets[1].next().await.unwrap().unwrap();
        assert_eq!(frame.len(), message.len());
    }
    assert!(refused > MESSAGES / 2, "{refused}");
    assert!(slow.queued_bytes() <= 64 * 1024, "bounded");
    assert_eq!(quick.queued_bytes(), 0);
    assert!(!slow.is_closed(), "and it is still there");
}
