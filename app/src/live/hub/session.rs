//! One connection's input: text to messages, the handshake first.

use signalr::protocol::{Frames, HandshakeRequest, HandshakeResponse, Message, Protocol};

/// Larger than any page of notifications a sane server sends at once.
const LARGEST_MESSAGE: usize = 8 * 1024 * 1024;

/// The hub protocol as seen by the client.
#[derive(Debug)]
pub struct Session {
    frames: Frames,
    shaken: bool,
}

/// What came in.
#[derive(Debug, PartialEq, Eq)]
pub enum Incoming {
    /// The server agreed to the handshake.
    Ready,
    /// Everything afterwards.
    Message(Message),
}

/// The connection is of no use any more.
#[derive(Debug, PartialEq, Eq)]
pub struct Broken;

impl Default for Session {
    fn default() -> Self {
        Self {
            frames: Frames::new(LARGEST_MESSAGE),
            shaken: false,
        }
    }
}

impl Session {
    /// What to send first.
    pub fn hello() -> String {
        let protocol = Protocol::Json.name().to_owned();
        text(
            &HandshakeRequest {
                protocol,
                version: 1,
            }
            .encode(),
        )
    }

    /// Reads what a transport delivered, cut anywhere. Kinds of message that later versions may
    /// define are skipped. Messages that share a
    /// chunk with a broken frame are lost with it: unacknowledged, they come again.
    pub fn receive(&mut self, chunk: String) -> Result<Vec<Incoming>, Broken> {
        self.frames.push(chunk.into());
        let mut incoming = Vec::new();
        while let Some(frame) = self.frames.next_frame().map_err(|_| Broken)? {
            if self.shaken {
                let message = Protocol::Json.decode(&frame).map_err(|_| Broken)?;
                incoming.extend(message.map(Incoming::Message));
            } else {
                let answer = HandshakeResponse::decode(&frame).map_err(|_| Broken)?;
                if answer.error.is_some() {
                    return Err(Broken);
                }
                self.shaken = true;
                incoming.push(Incoming::Ready);
            }
        }
        Ok(incoming)
    }
}

/// A message as text, separator included.
pub fn encode(message: &Message) -> String {
    text(&Protocol::Json.encode(message))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handshake_and_messages_may_share_a_chunk_or_be_cut_anywhere() {
        let stream = "{}\u{1e}{\"type\":6}\u{1e}{\"type\":77}\u{1e}{\"type\":6}\u{1e}";
        let mut session = Session::default();
        let ping = || Incoming::Message(Message::Ping);
        assert_eq!(
            session.receive(stream.to_owned()),
            Ok(vec![Incoming::Ready, ping(), ping()])
        );
        let mut session = Session::default();
        let pieces = stream.split_inclusive(|c| "{:".contains(c));
        let all = pieces.flat_map(|piece| session.receive(piece.to_owned()).unwrap());
        assert_eq!(all.collect::<Vec<_>>(), [Incoming::Ready, ping(), ping()]);
    }

    #[test]
    fn a_refused_handshake_and_nonsense_end_it() {
        for stream in [
            "{\"error\":\"no\"}\u{1e}",
            "<html>\u{1e}",
            "{}\u{1e}{\"type\":1}\u{1e}",
        ] {
            assert_eq!(
                Session::default().receive(stream.to_owned()),
                Err(Broken),
                "{stream}"
            );
        }
        assert_eq!(
            Session::hello(),
            "{\"protocol\":\"json\",\"version\":1}\u{1e}"
        );
    }
}
