//! A reader of the plain event stream, `GET /api/v1/stream`: knows only the HTML standard's Server-Sent Events.

use reqwest::header::ACCEPT;
use serde_json::Value;

use super::hub::{Gone, root, short};

/// Longest event that is taken, in bytes; an item has at most some 270 KiB.
const MOST: usize = 1 << 20;

/// An open stream.
pub struct Events {
    answer: reqwest::Response,
    /// Read, and not a whole event yet: bytes, since a chunk may end inside of a letter.
    buffer: Vec<u8>,
}

/// One event. A comment, which only says that the server is there, is one without data.
#[derive(Debug, Default, PartialEq)]
pub struct Event {
    pub name: String,
    /// What to come back with, as `Last-Event-ID`.
    pub id: Option<String>,
    pub data: Value,
}

impl Events {
    /// Opens it. `cursor`: the id of the last event that was read, if there was one.
    pub async fn open(
        wire: &reqwest::Client,
        url: &str,
        token: &str,
        cursor: Option<&str>,
    ) -> Result<Self, Gone> {
        let mut ask = wire
            .get(url)
            .bearer_auth(token)
            .header(ACCEPT, "text/event-stream");
        if let Some(cursor) = cursor {
            ask = ask.header("last-event-id", cursor);
        }
        let answer = ask
            .send()
            .await
            .map_err(|error| Gone::because(root(&error)))?;
        if !answer.status().is_success() {
            let status = answer.status();
            let said = answer.text().await.unwrap_or_default();
            return Err(Gone(format!("refused with {status}: {}", short(&said))));
        }
        Ok(Self {
            answer,
            buffer: Vec::new(),
        })
    }

    /// The next event. May be dropped while it waits: nothing is lost by it.
    pub async fn next(&mut self) -> Result<Event, Gone> {
        loop {
            if let Some(event) = take(&mut self.buffer)? {
                return Ok(event);
            }
            if self.buffer.len() > MOST {
                return Err(Gone(format!("an event of more than {MOST} bytes")));
            }
            match self.answer.chunk().await {
                Ok(Some(bytes)) => self.buffer.extend_from_slice(&bytes),
                Ok(None) => return Err(Gone("the stream ended".into())),
                Err(error) => return Err(Gone::because(root(&error))),
            }
        }
    }
}

/// The first whole event of the buffer.
fn take(buffer: &mut Vec<u8>) -> Result<Option<Event>, Gone> {
    let Some(end) = buffer.windows(2).position(|two| two == b"\n\n") else {
        return Ok(None);
    };
    let block: Vec<u8> = buffer.drain(..end + 2).collect();
    let text = String::from_utf8(block).map_err(|_| Gone("the stream is no UTF-8".into()))?;
    let (mut event, mut data) = (Event::default(), Vec::new());
    for line in text.lines() {
        match line.split_once(": ") {
            Some(("event", name)) => name.clone_into(&mut event.name),
            Some(("id", id)) => event.id = Some(id.to_owned()),
            Some(("data", part)) => data.push(part),
            _ => {}
        }
    }
    if !data.is_empty() {
        event.data = serde_json::from_str(&data.join("\n"))
            .map_err(|error| Gone(format!("an event that is no JSON: {error}")))?;
    }
    Ok(Some(event))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_come_out_whole_and_a_comment_is_one_without_data() {
        let mut buffer =
            b"retry: 1700\n\n:\n\nid: 1:4\nevent: K\ndata: {\"seq\":4}\n\nevent: half".to_vec();
        assert_eq!(take(&mut buffer).unwrap(), Some(Event::default()));
        assert_eq!(take(&mut buffer).unwrap(), Some(Event::default()));
        let event = take(&mut buffer).unwrap().unwrap();
        assert_eq!(
            (event.name.as_str(), event.id.as_deref()),
            ("K", Some("1:4"))
        );
        assert_eq!(event.data, json!({"seq": 4}));
        assert_eq!(take(&mut buffer).unwrap(), None);
        assert_eq!(buffer, b"event: half");
    }
}
