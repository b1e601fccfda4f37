//! A strict reader of our event stream, for tests: knows only the HTML standard.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;

/// Longer than anything here takes; a test that waits for it fails.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Events {
    response: reqwest::Response,
    /// Read, and not a whole event yet.
    buffer: String,
    /// What would be sent as `Last-Event-ID`.
    pub(crate) cursor: String,
    /// As the server asked for, in milliseconds.
    pub(crate) retry: u64,
    pub(crate) greeting: Value,
}

/// One event.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) id: Option<String>,
    pub(crate) data: Value,
}

impl Events {
    /// Past its greeting. `cursor`: the header, if not empty.
    pub(crate) async fn open(address: SocketAddr, token: &str, query: &str, cursor: &str) -> Self {
        let response = Self::ask(address, token, query, cursor).await;
        assert_eq!(response.status(), 200, "{:?}", response.text().await);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut events = Self {
            response,
            buffer: String::new(),
            cursor: cursor.to_owned(),
            retry: 0,
            greeting: Value::Null,
        };
        let greeting = events.next().await.expect("a greeting");
        assert_eq!((greeting.name.as_str(), greeting.id), ("Greeting", None));
        events.greeting = greeting.data;
        events
    }

    /// Another stream of ours, which has no greeting.
    pub(crate) async fn follow(address: SocketAddr, token: &str, path: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = http.get(format!("http://{address}{path}"));
        let response = request.bearer_auth(token).send().await.unwrap();
        assert_eq!(response.status(), 200, "{:?}", response.text().await);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            response,
            buffer: String::new(),
            cursor: String::new(),
            retry: 0,
            greeting: Value::Null,
        }
    }

    /// The answer, whatever it is.
    pub(crate) async fn ask(
        address: SocketAddr,
        token: &str,
        query: &str,
        cursor: &str,
    ) -> reqwest::Response {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut request = http.get(format!("http://{address}/api/v1/stream?{query}"));
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        if !cursor.is_empty() {
            request = request.header("last-event-id", cursor);
        }
        request.send().await.unwrap()
    }

    /// The next event; `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            while let Some((block, rest)) = self.buffer.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.buffer = rest;
                if let Some(event) = self.read(&block) {
                    return Some(event);
                }
            }
            let chunk = tokio::time::timeout(PATIENCE, self.response.chunk()).await;
            let chunk = chunk.expect("an event within the patience of the test");
            let Some(bytes) = chunk.unwrap() else {
                assert_eq!(self.buffer, "", "it ends with a whole event");
                return None;
            };
            self.buffer.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }

    /// An event, unless it is a comment or about the stream itself.
    fn read(&mut self, block: &str) -> Option<Event> {
        let (mut name, mut id, mut data) = (None, None, Vec::new());
        for line in block.lines() {
            match line.split_once(": ") {
                Some(("event", value)) => name = Some(value.to_owned()),
                Some(("id", value)) => id = Some(value.to_owned()),
                Some(("data", value)) => data.push(value),
                Some(("retry", value)) => self.retry = value.parse().unwrap(),
                _ => assert!(line.starts_with(':'), "{line:?}"),
            }
        }
        if let Some(id) = &id {
            self.cursor.clone_from(id);
        }
        (!data.is_empty()).then(|| Event {
            name: name.expect("every event has a name"),
            id,
            data: serde_json::from_str(&data.join("\n")).unwrap(),
        })
    }

    /// The next event, which has a cursor.
    pub(crate) async fn item(&mut self) -> Event {
        let event = self.next().await.expect("the stream goes on");
        assert!(event.id.is_some(), "{event:?}");
        event
    }

    /// Titles of the next `count` items.
    pub(crate) async fn titles(&mut self, count: usize) -> Vec<String> {
        let mut titles = Vec::with_capacity(count);
        for _ in 0..count {
            titles.push(self.item().await.data["title"].as_str().unwrap().to_owned());
        }
        titles
    }

    /// What the server ends with.
    pub(crate) async fn ended(mut self) -> Value {
        loop {
            let event = self.next().await.expect("a last event");
            if event.name == "end-of-stream" {
                assert!(self.next().await.is_none());
                return event.data;
            }
        }
    }
}
