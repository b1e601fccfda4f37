//! A strict long-polling client, for tests: every request on a connection of its own, and polls only
//! when told, so that a test decides what is on its way.

use std::collections::VecDeque;
use std::net::SocketAddr;

use serde_json::{Value, json};

pub(crate) struct Poller {
    http: reqwest::Client,
    url: String,
    token: String,
    /// Messages received and not asked for yet.
    waiting: VecDeque<Value>,
    calls: u64,
}

impl Poller {
    /// Negotiates, opens, shakes hands, and reads the greeting.
    pub(crate) async fn open(address: SocketAddr, token: &str, query: &str) -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            .pool_max_idle_per_host(0)
            .build()
            .unwrap();
        let hub = format!("http://{address}/hubs/workflow");
        let negotiated: Value = http
            .post(format!("{hub}/negotiate?negotiateVersion=1&{query}"))
            .bearer_auth(token)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let id = negotiated["connectionToken"].as_str().unwrap();
        let mut poller = Self {
            http,
            url: format!("{hub}?id={id}&{query}"),
            token: token.to_owned(),
            waiting: VecDeque::new(),
            calls: 0,
        };
        poller.poll().await.unwrap();
        poller
            .post(&json!({"protocol": "json", "version": 1}))
            .await;
        assert_eq!(poller.next().await, json!({}), "the handshake is answered");
        assert_eq!(poller.next().await["target"], "Greeting");
        poller
    }

    async fn post(&self, message: &Value) {
        let answer = self.http.post(&self.url).bearer_auth(&self.token);
        let answer = answer.body(format!("{message}\u{1e}")).send().await;
        assert!(answer.unwrap().status().is_success());
    }

    /// One poll; what it brings is kept. An error when no answer came.
    pub(crate) async fn poll(&mut self) -> reqwest::Result<()> {
        let answer = self.http.get(&self.url).bearer_auth(&self.token);
        let body = answer.send().await?.error_for_status()?.text().await?;
        let messages = body.split('\u{1e}').filter(|text| !text.is_empty());
        self.waiting.extend(
            messages
                .map(|text| serde_json::from_str::<Value>(text).unwrap())
                .filter(|message| message["type"] != 6),
        );
        Ok(())
    }

    /// The next message, polled for until it comes.
    pub(crate) async fn next(&mut self) -> Value {
        loop {
            if let Some(message) = self.waiting.pop_front() {
                return message;
            }
            self.poll().await.unwrap();
        }
    }

    /// Calls a method without polling for its answer; its invocation id.
    pub(crate) async fn begin(&mut self, method: &str, arguments: Value) -> String {
        self.calls += 1;
        let id = self.calls.to_string();
        let call = json!({"type": 1, "invocationId": id, "target": method, "arguments": arguments});
        self.post(&call).await;
        id
    }

    /// The answer of a call, and what came before it.
    pub(crate) async fn end(&mut self, id: &str) -> (Value, Vec<Value>) {
        let mut before = Vec::new();
        loop {
            let message = self.next().await;
            if message["type"] == 3 && message["invocationId"] == id {
                assert_eq!(message.get("error"), None, "{message}");
                return (message["result"].clone(), before);
            }
            before.push(message);
        }
    }

    pub(crate) async fn call(&mut self, method: &str, arguments: Value) -> (Value, Vec<Value>) {
        let id = self.begin(method, arguments).await;
        self.end(&id).await
    }
}
