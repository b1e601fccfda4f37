//! Nothing that proves who somebody is reaches the log, even at TRACE.

use std::net::SocketAddr;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;

use super::site::Site;
use crate::auth::Scope;
use crate::run::accept;
use crate::testing::log::CaughtLog;

/// What a client holds.
struct Client {
    address: SocketAddr,
    http: reqwest::Client,
    token: String,
    key: String,
}

impl Client {
    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Negotiates; the secret id of the connection.
    async fn negotiate(&self) -> String {
        let url = self.url("/hubs/workflow/negotiate?negotiateVersion=1");
        let answer = self.http.post(url).bearer_auth(&self.token);
        let answer: Value = answer.send().await.unwrap().json().await.unwrap();
        answer["connectionToken"].as_str().unwrap().to_owned()
    }

    /// Connects over WebSocket, has something published, receives it; then the other transports,
    /// and calls that fail. Answers the secret ids used.
    async fn exercise(&self) -> Vec<String> {
        let mut ids = vec![self.negotiate().await];
        let url = format!(
            "ws://{}/hubs/workflow?id={}&access_token={}",
            self.address, ids[0], self.token
        );
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut socket, _) = tokio_tungstenite::client_async(url, stream).await.unwrap();
        let handshake = "{\"protocol\":\"json\",\"version\":1}\u{1e}";
        socket.send(Message::text(handshake)).await.unwrap();
        let body = json!({"kind": "NewTask", "title": "hello", "audience": {"users": ["u1"]}});
        let publish = self.http.post(self.url("/api/v1/notifications"));
        let answer = publish.bearer_auth(&self.key).json(&body).send().await;
        assert_eq!(answer.unwrap().status(), 202);
        loop {
            let message = socket.next().await.unwrap().unwrap();
            if message.into_text().is_ok_and(|text| text.contains("hello")) {
                break;
            }
        }
        socket.close(None).await.unwrap();

        for accept in ["text/event-stream", "*/*"] {
            let id = self.negotiate().await;
            let url = self.url("/hubs/workflow");
            let query = [("id", id.as_str()), ("access_token", self.token.as_str())];
            let begin = self.http.get(&url).query(&query).header("accept", accept);
            let open = begin.send().await.unwrap();
            assert_eq!(open.status(), 200);
            let send = self.http.post(&url).query(&query).body(handshake);
            assert_eq!(send.send().await.unwrap().status(), 200);
            drop(open); // not before: that ends the connection
            ids.push(id);
        }
        let twisted = format!("{}x", self.token);
        for (path, token) in [
            ("/hubs/workflow/negotiate", &twisted),
            ("/api/v1/notifications", &twisted),
            ("/api/v1/nothing", &self.key),
        ] {
            let query = [("access_token", token), ("id", &ids[0])];
            let call = self.http.post(self.url(path)).query(&query);
            let answer = call.bearer_auth(token).send().await.unwrap();
            assert!(answer.status().is_client_error());
        }
        ids
    }
}

#[tokio::test]
async fn tokens_connection_ids_and_keys_are_in_no_line_of_a_trace_log() {
    let log = CaughtLog::start();
    let site = Site::open().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let life = site.product.parts.life.clone();
    let serving = accept::accept(listener, site.router.clone(), life.clone(), 64);
    life.spawn("accept", serving);
    let client = Client {
        address,
        http: reqwest::Client::builder().no_proxy().build().unwrap(),
        token: site.user("acme", "u1"),
        key: site.api_key("acme", &[Scope::Publish]).await,
    };
    let mut secrets = vec![client.token.clone(), client.key.clone()];
    // The parts alone are as bad as the whole.
    secrets.push(client.token.rsplit('.').next().unwrap().to_owned());
    secrets.push(client.key.rsplit_once('_').unwrap().1.to_owned());
    // On a thread of its own, whose log is not ours: a client may say what it sends.
    let ids = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(client.exercise())
    });
    secrets.extend(ids.await.unwrap());

    let log = log.text();
    assert!(log.contains("TRACE"), "it is the whole log:\n{log}");
    assert!(log.contains("/api/v1/notifications"), "routes are named");
    for secret in secrets {
        if let Some(line) = log.lines().find(|line| line.contains(&secret)) {
            panic!("{secret} is in the log:\n{line}");
        }
    }
    let query = log.lines().find(|line| line.contains("access_token="));
    assert_eq!(query, None, "not even a query");
}
