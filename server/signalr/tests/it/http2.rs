//! A WebSocket over HTTP/2: extended CONNECT through a real h2 client, and what a host must turn on.

use axum::body::Body;
use futures_util::{SinkExt, StreamExt};
use http::{Method, Request};
use hyper::ext::Protocol;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    service::TowerToHyperService,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, protocol::Role},
};

use crate::support::{Event, HANDSHAKE, Site, call};

/// A client of `site` over HTTP/2.
async fn client(site: &Site, extended: bool) -> hyper::client::conn::http2::SendRequest<Body> {
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    if extended {
        builder.enable_connect_protocol();
    }
    let service = TowerToHyperService::new(site.app.clone());
    let connection = builder.serve_connection(TokioIo::new(theirs), service);
    site.tracker.spawn(async move { drop(connection.await) });
    let executor = TokioExecutor::new();
    let (sender, connection) = hyper::client::conn::http2::handshake(executor, TokioIo::new(ours))
        .await
        .unwrap();
    site.tracker.spawn(async move { drop(connection.await) });
    sender
}

fn connect(path: &str) -> Request<Body> {
    let mut request = Request::builder()
        .method(Method::CONNECT)
        .uri(format!("https://test{path}"))
        .header("x-user", "ann")
        .header("sec-websocket-version", "13")
        .body(Body::empty())
        .unwrap();
    request
        .extensions_mut()
        .insert(Protocol::from_static("websocket"));
    request
}

#[tokio::test]
async fn a_websocket_over_extended_connect() {
    let mut site = Site::new();
    let mut sender = client(&site, true).await;
    let token = site.token().await;
    let answer = sender
        .send_request(connect(&format!("/hub?id={token}")))
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let stream = TokioIo::new(hyper::upgrade::on(answer).await.unwrap());
    let mut socket = WebSocketStream::from_raw_socket(stream, Role::Client, None).await;
    let text = format!("{HANDSHAKE}{}", call("0", "Echo", "[1]"));
    socket.send(Message::text(text)).await.unwrap();
    assert_eq!(
        socket.next().await.unwrap().unwrap().to_text().unwrap(),
        "{}\u{1e}"
    );
    let answer = "{\"type\":3,\"invocationId\":\"0\",\"result\":1}\u{1e}";
    assert_eq!(
        socket.next().await.unwrap().unwrap().to_text().unwrap(),
        answer
    );
    assert_eq!(site.event().await, Event::Connected);
    socket.close(None).await.unwrap();
    let Some(Ok(Message::Close(Some(frame)))) = socket.next().await else {
        panic!()
    };
    assert_eq!(u16::from(frame.code), 1000);
    assert_eq!(site.disconnected().await, None);
}

#[tokio::test]
async fn refusals_come_before_the_stream_opens() {
    let site = Site::new();
    let mut sender = client(&site, true).await;
    let answer = sender.send_request(connect("/hub?id=nope")).await.unwrap();
    assert_eq!(answer.status(), 404);
    let mut other = connect("/hub");
    other
        .extensions_mut()
        .insert(Protocol::from_static("other"));
    assert_eq!(sender.send_request(other).await.unwrap().status(), 400);
}

#[tokio::test]
async fn without_the_hosts_setting_it_does_not_work() {
    let site = Site::new();
    let mut sender = client(&site, false).await;
    assert!(sender.send_request(connect("/hub")).await.is_err());
    let request = Request::post("https://test/hub/negotiate?negotiateVersion=1")
        .header("x-user", "ann")
        .body(Body::empty())
        .unwrap();
    assert_eq!(sender.send_request(request).await.unwrap().status(), 200);
}
