//! Byte stream to frames: a text message ends with 0x1E, a binary one begins with its length.
//!
//! Transports cut input where they like: one chunk may hold half a message or ten of them.
//! A frame that lies whole within one chunk is handed out without a copy; only a message that spans
//! chunks is gathered, and its buffer is given back when it is complete, so an idle connection
//! holds no memory here. What is gathered never exceeds the limit, whatever length is announced.

use bytes::{Buf, Bytes, BytesMut};

use super::{
    Protocol, TransferFormat,
    length::{self, Prefix},
};

/// Ends every JSON message and both handshake messages.
pub const SEPARATOR: u8 = 0x1e;

/// One message is larger than the limit given to [`Frames::new`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("The maximum message size of {limit}B was exceeded.")]
pub struct FrameTooLarge {
    /// The limit in bytes, without the separator or length.
    pub limit: usize,
}

/// Cuts a byte stream into messages: of text, until [`Frames::speak`] says otherwise.
///
/// ```
/// # use signalr::protocol::Frames;
/// let mut frames = Frames::new(64);
/// frames.push("{}\u{1e}{\"type\":".into());
/// assert_eq!(frames.next_frame().unwrap().unwrap(), "{}");
/// assert_eq!(frames.next_frame().unwrap(), None);
/// frames.push("6}\u{1e}".into());
/// assert_eq!(frames.next_frame().unwrap().unwrap(), "{\"type\":6}");
/// ```
#[derive(Debug)]
pub struct Frames {
    /// The unread rest of the newest chunk. Emptied by `next_frame`.
    chunk: Bytes,
    /// The start of a message whose end has not come yet; of a binary one its length too.
    partial: BytesMut,
    limit: usize,
    format: TransferFormat,
}

impl Frames {
    /// Frames of at most `limit` bytes each.
    pub fn new(limit: usize) -> Self {
        Self {
            chunk: Bytes::new(),
            partial: BytesMut::new(),
            limit,
            format: TransferFormat::Text,
        }
    }

    /// What follows is framed as `protocol` has it. To be called between two messages: after the
    /// handshake, before the next frame is asked for, since both may share a chunk.
    pub fn speak(&mut self, protocol: Protocol) {
        debug_assert!(self.partial.is_empty(), "a message has begun");
        self.format = protocol.transfer_format();
    }

    /// Adds what arrived. Take all frames out before the next push: a rest is copied otherwise.
    pub fn push(&mut self, chunk: Bytes) {
        if self.chunk.is_empty() {
            self.chunk = chunk;
        } else {
            let mut joined = BytesMut::with_capacity(self.chunk.len() + chunk.len());
            joined.extend_from_slice(&self.chunk);
            joined.extend_from_slice(&chunk);
            self.chunk = joined.freeze();
        }
    }

    /// The next whole frame without its separator or length, `None` until more bytes come.
    ///
    /// After an error the stream cannot be trusted any more: close the connection.
    pub fn next_frame(&mut self) -> Result<Option<Bytes>, FrameTooLarge> {
        match self.format {
            TransferFormat::Text => self.next_text(),
            TransferFormat::Binary => self.next_binary(),
        }
    }

    fn next_text(&mut self) -> Result<Option<Bytes>, FrameTooLarge> {
        let end = self.chunk.iter().position(|byte| *byte == SEPARATOR);
        let length = self.partial.len() + end.unwrap_or(self.chunk.len());
        if length > self.limit {
            return Err(FrameTooLarge { limit: self.limit });
        }
        let Some(end) = end else {
            self.gather();
            return Ok(None);
        };
        let piece = self.chunk.split_to(end);
        self.chunk.advance(1);
        Ok(Some(self.complete(piece)))
    }

    fn next_binary(&mut self) -> Result<Option<Bytes>, FrameTooLarge> {
        let start = self.partial.iter().chain(&self.chunk).copied();
        let (prefix, length) = match length::decode(start) {
            Prefix::Whole(prefix, length) if length <= self.limit => (prefix, length),
            Prefix::Whole(..) | Prefix::TooLong => {
                let limit = self.limit.min(length::MAX);
                return Err(FrameTooLarge { limit });
            }
            Prefix::Partial => {
                self.gather();
                return Ok(None);
            }
        };
        // Not negative: what is gathered is less than a message with its prefix.
        let missing = prefix + length - self.partial.len();
        if self.chunk.len() < missing {
            self.gather();
            return Ok(None);
        }
        let piece = self.chunk.split_to(missing);
        let mut frame = self.complete(piece);
        frame.advance(prefix);
        Ok(Some(frame))
    }

    /// Bytes held of a message that has begun.
    #[cfg(test)]
    pub(super) fn gathered(&self) -> usize {
        self.partial.len()
    }

    /// Keeps the start of a message.
    fn gather(&mut self) {
        self.partial.extend_from_slice(&self.chunk);
        self.chunk = Bytes::new();
    }

    /// What was gathered, and the rest of it.
    fn complete(&mut self, piece: Bytes) -> Bytes {
        if self.partial.is_empty() {
            return piece;
        }
        self.partial.extend_from_slice(&piece);
        std::mem::take(&mut self.partial).freeze()
    }

    /// Whether a message has begun and not ended.
    pub fn is_mid_message(&self) -> bool {
        !self.partial.is_empty() || !self.chunk.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn drain(frames: &mut Frames) -> Vec<Bytes> {
        std::iter::from_fn(|| frames.next_frame().unwrap()).collect()
    }

    #[test]
    fn an_empty_frame_is_a_frame() {
        let mut frames = Frames::new(8);
        frames.push(Bytes::from_static(b"\x1e\x1ea\x1e"));
        assert_eq!(drain(&mut frames), ["", "", "a"]);
        assert!(!frames.is_mid_message());
    }

    #[test]
    fn the_limit_counts_the_whole_message_and_not_its_separator() {
        let mut frames = Frames::new(4);
        frames.push(Bytes::from_static(b"ab"));
        assert_eq!(frames.next_frame(), Ok(None));
        assert!(frames.is_mid_message());
        frames.push(Bytes::from_static(b"cd\x1e"));
        assert_eq!(frames.next_frame().unwrap().unwrap(), "abcd");
        frames.push(Bytes::from_static(b"abc"));
        assert_eq!(frames.next_frame(), Ok(None));
        frames.push(Bytes::from_static(b"de"));
        assert_eq!(frames.next_frame(), Err(FrameTooLarge { limit: 4 }));
    }

    #[test]
    fn a_frame_within_one_chunk_is_not_copied() {
        let chunk = Bytes::from(vec![b'x', SEPARATOR]);
        let start = chunk.as_ptr();
        let mut frames = Frames::new(8);
        frames.push(chunk);
        assert_eq!(frames.next_frame().unwrap().unwrap().as_ptr(), start);
    }

    #[cfg(feature = "messagepack")]
    mod binary {
        use super::*;

        fn spoken(limit: usize) -> Frames {
            let mut frames = Frames::new(limit);
            frames.speak(Protocol::MessagePack);
            frames
        }

        #[test]
        fn messages_follow_the_handshake_in_one_chunk() {
            let mut frames = Frames::new(64);
            frames.push(Bytes::from_static(b"{}\x1e\x02\x91\x06\0\x03\x1e\x1e\x1e"));
            assert_eq!(frames.next_frame().unwrap().unwrap(), "{}");
            frames.speak(Protocol::MessagePack);
            assert_eq!(drain(&mut frames), [&b"\x91\x06"[..], b"", b"\x1e\x1e\x1e"]);
            assert!(!frames.is_mid_message());
        }

        #[test]
        fn a_message_of_two_length_bytes_comes_byte_by_byte() {
            let mut stream = vec![0x81, 0x01];
            stream.resize(131, 7);
            let mut frames = spoken(200);
            for byte in &stream[..130] {
                frames.push(vec![*byte].into());
                assert_eq!(frames.next_frame(), Ok(None));
                assert!(frames.is_mid_message());
            }
            frames.push(stream[130..].to_vec().into());
            assert_eq!(drain(&mut frames), [&stream[2..]]);
            assert!(!frames.is_mid_message());
        }

        #[test]
        fn a_length_over_the_limit_is_refused_before_its_message_comes() {
            for (bytes, limit) in [
                (&b"\x05"[..], 4),
                (b"\x85\0", 4),
                (b"\xff\xff\xff\xff\x07", 4),
                (b"\xff\xff\xff\xff\x08", 0x7fff_ffff),
                (b"\x80\x80\x80\x80\x80", usize::MAX),
            ] {
                let mut frames = spoken(limit);
                frames.push(Bytes::copy_from_slice(bytes));
                let limit = limit.min(0x7fff_ffff);
                assert_eq!(frames.next_frame(), Err(FrameTooLarge { limit }));
            }
            let mut frames = spoken(4);
            frames.push(Bytes::from_static(b"\x04abcd"));
            assert_eq!(drain(&mut frames), ["abcd"]);
        }

        #[test]
        fn an_announced_length_takes_no_memory() {
            let mut frames = spoken(usize::MAX);
            frames.push(Bytes::from_static(b"\xff\xff\xff\xff\x07a"));
            assert_eq!(frames.next_frame(), Ok(None));
            assert!(frames.partial.capacity() < 100);
        }

        #[test]
        fn a_frame_within_one_chunk_is_not_copied() {
            let chunk = Bytes::from(vec![1, b'x']);
            let start = chunk.as_ptr().wrapping_add(1);
            let mut frames = spoken(8);
            frames.push(chunk);
            assert_eq!(frames.next_frame().unwrap().unwrap().as_ptr(), start);
        }
    }

    proptest! {
        #[test]
        fn pushing_without_draining_loses_nothing(
            chunks in prop::collection::vec("[ab\u{1e}]{0,6}", 0..8),
        ) {
            let stream = chunks.concat();
            let mut frames = Frames::new(64);
            for chunk in chunks { frames.push(Bytes::from(chunk)); }
            let expected = stream.split_terminator('\u{1e}').map(str::to_owned);
            let whole = stream.matches('\u{1e}').count();
            prop_assert_eq!(drain(&mut frames), expected.take(whole).collect::<Vec<_>>());
        }
    }
}
