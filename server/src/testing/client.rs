//! A strict SignalR client over WebSocket, for tests: knows only the wire.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

/// Longer than anything here takes; a test that waits for it fails.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Client {
    socket: WebSocketStream<TcpStream>,
    /// Messages received and not asked for yet.
    waiting: VecDeque<Value>,
    calls: u64,
    pub(crate) greeting: Value,
}

impl Client {
    pub(crate) async fn open(address: SocketAddr, token: &str, query: &str) -> Self {
        let url = format!("ws://{address}/hubs/workflow?access_token={token}&{query}");
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (socket, _) = tokio_tungstenite::client_async(url, stream).await.unwrap();
        let mut client = Self {
            socket,
            waiting: VecDeque::new(),
            calls: 0,
            greeting: Value::Null,
        };
        client
            .send(&json!({"protocol": "json", "version": 1}))
            .await;
        assert_eq!(client.next().await, json!({}), "the handshake is answered");
        let greeting = client.next().await;
        assert_eq!(greeting["target"], "Greeting");
        client.greeting = greeting["arguments"][0].clone();
        client
    }

    pub(crate) async fn send(&mut self, message: &Value) {
        self.socket
            .send(Message::text(format!("{message}\u{1e}")))
            .await
            .unwrap();
    }

    /// The next message that is not a ping, whatever it is.
    async fn receive(&mut self) -> Option<Value> {
        loop {
            let frame = tokio::time::timeout(PATIENCE, self.socket.next())
                .await
                .expect("a message within the patience of the test")?;
            match frame {
                Ok(Message::Text(text)) => {
                    let mut messages = text
                        .split('\u{1e}')
                        .filter(|text| !text.is_empty())
                        .map(|text| serde_json::from_str::<Value>(text).unwrap())
                        .filter(|message| message["type"] != 6)
                        .collect::<VecDeque<_>>();
                    if let Some(first) = messages.pop_front() {
                        self.waiting.append(&mut messages);
                        return Some(first);
                    }
                }
                // Answered by the library when the socket is polled again.
                Ok(Message::Ping(_) | Message::Pong(_)) => {}
                Ok(_) | Err(_) => return None,
            }
        }
    }

    async fn next(&mut self) -> Value {
        match self.waiting.pop_front() {
            Some(message) => message,
            None => self.receive().await.expect("the connection is open"),
        }
    }

    /// The argument of the next invocation; others than invocations may not come.
    pub(crate) async fn item(&mut self) -> Value {
        let message = self.next().await;
        assert_eq!(message["type"], 1, "{message}");
        let mut argument = message["arguments"][0].clone();
        argument["target"] = message["target"].clone();
        argument
    }

    /// Titles of the next `count` items.
    pub(crate) async fn titles(&mut self, count: usize) -> Vec<String> {
        let mut titles = Vec::with_capacity(count);
        for _ in 0..count {
            titles.push(self.item().await["title"].as_str().unwrap().to_owned());
        }
        titles
    }

    /// Calls a method without waiting; its invocation id.
    pub(crate) async fn begin(&mut self, method: &str, arguments: Value) -> String {
        self.calls += 1;
        let id = self.calls.to_string();
        let call = json!({"type": 1, "invocationId": id, "target": method, "arguments": arguments});
        self.send(&call).await;
        id
    }

    /// The completion of a call; items that come before it are kept.
    pub(crate) async fn end(&mut self, id: &str) -> Result<Value, String> {
        let is_it = |message: &Value| message["type"] == 3 && message["invocationId"] == id;
        let found = self.waiting.iter().position(is_it);
        let answer = match found.and_then(|at| self.waiting.remove(at)) {
            Some(answer) => answer,
            None => loop {
                let message = self.receive().await.expect("the connection is open");
                if is_it(&message) {
                    break message;
                }
                self.waiting.push_back(message);
            },
        };
        match answer.get("error").and_then(Value::as_str) {
            Some(error) => Err(error.to_owned()),
            None => Ok(answer["result"].clone()),
        }
    }

    pub(crate) async fn call(&mut self, method: &str, arguments: Value) -> Result<Value, String> {
        let id = self.begin(method, arguments).await;
        self.end(&id).await
    }

    /// Nothing but completions came until the answer of a call made now: what had to come by then
    /// has come.
    pub(crate) async fn expect_nothing(&mut self) {
        self.call("LeaveGroup", json!(["inbox"])).await.unwrap();
        let items: Vec<_> = self
            .waiting
            .iter()
            .filter(|message| message["type"] == 1)
            .collect();
        assert!(items.is_empty(), "{items:?}");
    }

    /// The error of the Close message the server ends with; `None` if it gave none.
    pub(crate) async fn closed(&mut self) -> (Option<String>, bool) {
        loop {
            let message = self.next().await;
            if message["type"] == 7 {
                let error = message["error"].as_str().map(str::to_owned);
                return (error, message["allowReconnect"].as_bool().unwrap_or(false));
            }
        }
    }
}
