//! `epoch:seq`: how far this browser has come in its user's stream.
//!
//! The epoch is the server's word for one history of the database. After a restore to an earlier
//! point numbers are given out again, so a number means nothing without its epoch.

use std::fmt;

/// Everything up to `seq` was shown and the server confirmed our acknowledgement of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The server's history; opaque.
    pub epoch: String,
    /// Last number that needs no replay.
    pub seq: i64,
}

impl Cursor {
    /// Reads `epoch:seq`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (epoch, seq) = text.rsplit_once(':')?;
        let seq = seq.parse::<i64>().ok().filter(|seq| *seq >= 0)?;
        (!epoch.is_empty()).then(|| Self {
            epoch: epoch.to_owned(),
            seq,
        })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.epoch, self.seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        for text in ["7f3a-2:0", "a:b:41"] {
            assert_eq!(Cursor::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "41", ":41", "e:", "e:x", "e:-1", "e:4.0"] {
            assert_eq!(Cursor::parse(text), None, "{text}");
        }
    }
}
