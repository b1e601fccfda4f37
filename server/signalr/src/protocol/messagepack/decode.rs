//! One frame to one message.
//!
//! Places that a later version may append are skipped; those of this version must be there, except
//! an invocation's sixth (stream ids), which older clients leave out, and Close's third.

use super::reader::{Reader, Token};
use crate::protocol::{DecodeError, Invocation, Message, Outcome, Payload, error::MAX_ELEMENTS};

/// Reads one frame without its length prefix. `None` is a message of a kind that later versions may
/// define; it is not looked into.
pub(crate) fn decode(frame: &[u8]) -> Result<Option<Message>, DecodeError> {
    let mut reader = Reader(frame);
    let Ok(Token::Array(count)) = reader.token() else {
        return Err(DecodeError::NotAnArray);
    };
    let mut places = Places {
        reader,
        left: count,
    };
    let kind = match places.next("type")? {
        Token::Unsigned(kind) => kind,
        Token::Signed(_) => return Ok(None),
        _ => return Err(DecodeError::WrongType("type")),
    };
    if (1..=5).contains(&kind) {
        places.headers()?;
    }
    let message = match kind {
        1 => Message::Invocation(places.invocation()?),
        2 => Message::StreamItem {
            id: places.text("invocationId")?.to_owned(),
            item: places.payload("item")?,
        },
        3 => Message::Completion {
            id: places.text("invocationId")?.to_owned(),
            outcome: places.outcome()?,
        },
        4 => {
            let call = places.invocation()?;
            call.id
                .as_ref()
                .ok_or(DecodeError::Missing("invocationId"))?;
            Message::StreamInvocation(call)
        }
        5 => Message::CancelInvocation {
            id: places.text("invocationId")?.to_owned(),
        },
        6 => Message::Ping,
        7 => Message::Close {
            error: places.optional_text("error")?.map(str::to_owned),
            allow_reconnect: places.left > 0 && places.bool("allowReconnect")?,
        },
        8 => Message::Ack {
            sequence_id: places.number("sequenceId")?,
        },
        9 => Message::Sequence {
            sequence_id: places.number("sequenceId")?,
        },
        _ => return Ok(None),
    };
    places.end()?;
    Ok(Some(message))
}

/// The places of the outermost array that have not been read.
struct Places<'a> {
    reader: Reader<'a>,
    left: usize,
}

impl<'a> Places<'a> {
    /// A place that is taken by one token, or the start of a list or map.
    fn next(&mut self, name: &'static str) -> Result<Token<'a>, DecodeError> {
        self.take(name)?;
        self.token()
    }

    fn take(&mut self, name: &'static str) -> Result<(), DecodeError> {
        self.left = self.left.checked_sub(1).ok_or(DecodeError::Missing(name))?;
        Ok(())
    }

    fn token(&mut self) -> Result<Token<'a>, DecodeError> {
        self.reader.token().map_err(|_| DecodeError::NotAnArray)
    }

    fn text(&mut self, name: &'static str) -> Result<&'a str, DecodeError> {
        self.optional_text(name)?.ok_or(DecodeError::Missing(name))
    }

    fn optional_text(&mut self, name: &'static str) -> Result<Option<&'a str>, DecodeError> {
        match self.next(name)? {
            Token::Nil => Ok(None),
            token => text(name, token).map(Some),
        }
    }

    fn bool(&mut self, name: &'static str) -> Result<bool, DecodeError> {
        match self.next(name)? {
            Token::Bool(value) => Ok(value),
            _ => Err(DecodeError::WrongType(name)),
        }
    }

    fn number(&mut self, name: &'static str) -> Result<u64, DecodeError> {
        match self.next(name)? {
            Token::Unsigned(number) => Ok(number),
            _ => Err(DecodeError::WrongType(name)),
        }
    }

    fn array(&mut self, name: &'static str) -> Result<usize, DecodeError> {
        match self.next(name)? {
            Token::Array(count) => Ok(count),
            Token::Nil => Err(DecodeError::Missing(name)),
            _ => Err(DecodeError::WrongType(name)),
        }
    }

    /// How many elements a list of a call has.
    fn elements(&mut self, name: &'static str) -> Result<usize, DecodeError> {
        let count = self.array(name)?;
        if count > MAX_ELEMENTS {
            return Err(DecodeError::TooMany(name));
        }
        Ok(count)
    }

    fn payload(&mut self, name: &'static str) -> Result<Payload, DecodeError> {
        self.take(name)?;
        self.value()
    }

    fn value(&mut self) -> Result<Payload, DecodeError> {
        let value = self.reader.value().map_err(|_| DecodeError::NotAnArray)?;
        Ok(Payload::from_messagepack(value))
    }

    /// Headers have no meaning yet; they must still be a map of strings that say something.
    fn headers(&mut self) -> Result<(), DecodeError> {
        const NAME: &str = "headers";
        let Token::Map(count) = self.next(NAME)? else {
            return Err(DecodeError::WrongType(NAME));
        };
        for _ in 0..count {
            self.header(NAME)?;
            self.header(NAME)?;
        }
        Ok(())
    }

    /// A key or a value.
    fn header(&mut self, name: &'static str) -> Result<(), DecodeError> {
        let token = self.token()?;
        if text(name, token)?.is_empty() {
            return Err(DecodeError::WrongType(name));
        }
        Ok(())
    }

    fn invocation(&mut self) -> Result<Invocation, DecodeError> {
        let id = self.optional_text("invocationId")?;
        let target = self.text("target")?.to_owned();
        // Grown as values are found: the claimed count is the client's.
        let mut arguments = Vec::new();
        for _ in 0..self.elements("arguments")? {
            arguments.push(self.value()?);
        }
        let mut stream_ids = Vec::new();
        if self.left > 0 {
            for _ in 0..self.elements("streamIds")? {
                let token = self.token()?;
                stream_ids.push(text("streamIds", token)?.to_owned());
            }
        }
        Ok(Invocation {
            id: id.filter(|id| !id.is_empty()).map(str::to_owned),
            target,
            arguments,
            stream_ids,
        })
    }

    fn outcome(&mut self) -> Result<Outcome, DecodeError> {
        match self.number("resultKind")? {
            1 => Ok(Outcome::Error(self.text("error")?.to_owned())),
            2 => Ok(Outcome::Void),
            3 => Ok(Outcome::Value(self.payload("result")?)),
            _ => Err(DecodeError::WrongType("resultKind")),
        }
    }

    /// Skips appended places; after them nothing may come.
    fn end(mut self) -> Result<(), DecodeError> {
        for _ in 0..self.left {
            self.reader.value().map_err(|_| DecodeError::NotAnArray)?;
        }
        if self.reader.0.is_empty() {
            Ok(())
        } else {
            Err(DecodeError::NotAnArray)
        }
    }
}

fn text<'a>(name: &'static str, token: Token<'a>) -> Result<&'a str, DecodeError> {
    let Token::Text(bytes) = token else {
        return Err(DecodeError::WrongType(name));
    };
    std::str::from_utf8(bytes).map_err(|_| DecodeError::WrongType(name))
}
