//! What a WebSocket ping carries: the mark that its pong proves.
//!
//! It is written as a ping of the hub protocol in JSON, because signalrcore (Python) takes the payload
//! of any frame for messages: bytes of our own ended its connection at every probe. It finds a message
//! that says nothing now. Official servers send no pings with a payload.

use bytes::Bytes;

use crate::WriteMark;

const START: &str = "{\"type\":6,\"mark\":";

pub(super) fn payload(mark: WriteMark) -> Bytes {
    format!("{START}{}}}", mark.0).into()
}

/// What a pong answers; `None` if it is an answer to nothing of ours.
pub(super) fn mark(payload: &[u8]) -> Option<WriteMark> {
    let text = std::str::from_utf8(payload).ok()?;
    let digits = text.strip_prefix(START)?.strip_suffix('}')?;
    digits.parse().ok().map(WriteMark)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Message, Protocol};

    #[test]
    fn the_mark_comes_back() {
        for number in [0, 1, u64::MAX] {
            let payload = payload(WriteMark(number));
            assert!(payload.len() <= 125, "a control frame is small");
            assert_eq!(mark(&payload), Some(WriteMark(number)));
        }
        for other in [
            &b""[..],
            b"\xff",
            b"{\"type\":6}",
            b"{\"type\":6,\"mark\":}",
        ] {
            assert_eq!(mark(other), None);
        }
    }

    #[test]
    fn taken_for_a_message_it_says_nothing() {
        let read = Protocol::Json.decode(&payload(WriteMark(7)));
        assert!(matches!(read, Ok(Some(Message::Ping))), "{read:?}");
    }
}
