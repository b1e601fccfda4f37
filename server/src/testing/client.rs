//! A strict SignalR client over WebSocket, for tests: knows only the wire.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error, Message};

/// Longer than anything here takes; a test that waits for it fails.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Client {
    socket: WebSocketStream<TcpStream>,
    address: SocketAddr,
    path: String,
    /// With stateful reconnect: number of the last counted message, and of the last that was new.
    counted: (u64, u64),
    /// Messages received and not asked for yet.
    waiting: VecDeque<Value>,
    calls: u64,
    /// Completions said.
    results: u64,
    pub(crate) greeting: Value,
}

impl Client {
    pub(crate) async fn open(address: SocketAddr, token: &str, query: &str) -> Self {
        let path = format!("/hubs/workflow?access_token={token}&{query}");
        Self::shake(address, path, 1).await.greeted().await
    }

    /// One that the hub may refuse.
    pub(crate) async fn unwelcome(address: SocketAddr, token: &str, query: &str) -> Self {
        let path = format!("/hubs/workflow?access_token={token}&{query}");
        Self::shake(address, path, 1).await
    }

    /// A connection that survives the loss of its socket.
    pub(crate) async fn stateful(address: SocketAddr, token: &str, query: &str) -> Self {
        let rest = format!("access_token={token}&{query}");
        let negotiate = format!(
            "http://{address}/hubs/workflow/negotiate?negotiateVersion=1&useStatefulReconnect=true&{rest}"
        );
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = http.post(negotiate).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(answer["useStatefulReconnect"], true, "{answer}");
        let secret = answer["connectionToken"].as_str().unwrap();
        let path = format!("/hubs/workflow?id={secret}&{rest}");
        Self::shake(address, path, 2).await.greeted().await
    }

    /// A socket on the path, or the status with which it was refused.
    pub(crate) async fn socket(
        address: SocketAddr,
        path: &str,
    ) -> Result<WebSocketStream<TcpStream>, u16> {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        match tokio_tungstenite::client_async(format!("ws://{address}{path}"), stream).await {
            Ok((socket, _)) => Ok(socket),
            Err(Error::Http(answer)) => Err(answer.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    async fn shake(address: SocketAddr, path: String, version: u32) -> Self {
        let mut client = Self {
            socket: Self::socket(address, &path).await.unwrap(),
            address,
            path,
            counted: (0, 0),
            waiting: VecDeque::new(),
            calls: 0,
            results: 0,
            greeting: Value::Null,
        };
        client
            .send(&json!({"protocol": "json", "version": version}))
            .await;
        assert_eq!(client.next().await, json!({}), "the handshake is answered");
        client
    }

    /// Past the greeting, which comes first.
    async fn greeted(mut self) -> Self {
        let greeting = self.next().await;
        assert_eq!(greeting["target"], "Greeting");
        self.greeting = greeting["arguments"][0].clone();
        self
    }

    /// The socket is gone without a word, as in a tunnel; `between` passes before there is a new one.
    pub(crate) async fn lose_socket<T>(
        mut self,
        between: impl Future<Output = T>,
    ) -> Result<(Self, T), u16> {
        let gone = self.socket;
        drop(gone);
        let passed = between.await;
        self.socket = Self::socket(self.address, &self.path).await?;
        // Every call so far was answered, and every result taken, so none has to be sent again.
        let said = self.calls + self.results;
        self.send(&json!({"type": 9, "sequenceId": said + 1})).await;
        Ok((self, passed))
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
                        .filter(|message| self.is_new(message))
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

    /// Neither a ping, nor about numbers, nor handled before.
    fn is_new(&mut self, message: &Value) -> bool {
        let (count, highest) = &mut self.counted;
        match message["type"].as_u64() {
            Some(9) => *count = message["sequenceId"].as_u64().unwrap() - 1,
            Some(1..=5) => {
                *count += 1;
                let new = *count > *highest;
                *highest = (*highest).max(*count);
                return new;
            }
            Some(6 | 8) => {}
            _ => return true,
        }
        false
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

    /// The next item and the id under which its result is asked for, if it is.
    pub(crate) async fn asked(&mut self) -> (Value, Option<String>) {
        let message = self.next().await;
        assert_eq!(message["type"], 1, "{message}");
        let id = message["invocationId"].as_str().map(str::to_owned);
        (message["arguments"][0].clone(), id)
    }

    /// Says what came of a handler: `{"result": …}`, `{"error": …}`, or nothing.
    pub(crate) async fn complete(&mut self, id: &str, outcome: Value) {
        self.results += 1;
        let mut completion = json!({"type": 3, "invocationId": id});
        for (name, value) in outcome.as_object().into_iter().flatten() {
            completion[name] = value.clone();
        }
        self.send(&completion).await;
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
