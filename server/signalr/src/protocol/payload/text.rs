//! A value to JSON text, in one pass that also notes which strings stand for bytes.

use std::io::{self, Write};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use super::PayloadError;

pub(super) struct Text {
    pub(super) json: String,
    /// Offsets of the opening quotes of the strings that stand for bytes, ascending.
    pub(super) bytes_at: Vec<usize>,
}

/// As `serde_json::to_string`, but bytes become base64.
pub(super) fn serialize<T: Serialize + ?Sized>(value: &T) -> Result<Text, PayloadError> {
    let mut out = Output {
        json: Vec::with_capacity(128),
        bytes_at: Vec::new(),
    };
    value.serialize(&mut Serializer::with_formatter(&mut out, Base64))?;
    let json = String::from_utf8(out.json)
        .map_err(|_| <serde_json::Error as serde::ser::Error>::custom("not UTF-8"))?;
    Ok(Text {
        json,
        bytes_at: out.bytes_at,
    })
}

/// The text so far. A formatter sees it only as [`io::Write`], and of that trait the serialiser has
/// no use for `flush`: here it says that a byte string begins.
struct Output {
    json: Vec<u8>,
    bytes_at: Vec<usize>,
}

impl Write for Output {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.json.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.json.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.bytes_at.push(self.json.len());
        Ok(())
    }
}

struct Base64;

impl Formatter for Base64 {
    fn write_byte_array<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        bytes: &[u8],
    ) -> io::Result<()> {
        writer.flush()?;
        writer.write_all(b"\"")?;
        let mut text = [0; 1024];
        // Whole groups of three bytes: only the last piece is padded.
        for piece in bytes.chunks(text.len() / 4 * 3) {
            let length = BASE64_STANDARD
                .encode_slice(piece, &mut text)
                .map_err(io::Error::other)?;
            writer.write_all(text.get(..length).unwrap_or_default())?;
        }
        writer.write_all(b"\"")
    }
}
