//! Valid JSON text as MessagePack.
//!
//! JSON's own readers are not used for three reasons: they recurse, and text that was only carried
//! may be nested as deep as a message is long; they may read a fraction one unit beside what was
//! written; and here bytes and strings look alike. Lists and maps say their length first, so the
//! values are written without their starts, which are put in between at the end: twice one copy,
//! where moving the rest of the text at every start could take the square of its length.

use base64::{Engine, prelude::BASE64_STANDARD};
use rmp::encode as write;

use super::encode::{infallible, size};

/// Appends the value in `json`; the strings that begin at `bytes_at` (offsets of their quotes,
/// ascending) are base64 and become bytes.
///
/// The text must be valid JSON: of other text something is written, but nothing in particular.
pub(in crate::protocol) fn from_json(json: &str, bytes_at: &[usize], out: &mut Vec<u8>) {
    let mut transcoder = Transcoder {
        json,
        at: 0,
        bytes_at,
        body: out,
        starts: Vec::new(),
        open: Vec::new(),
    };
    let begin = transcoder.body.len();
    transcoder.run();
    let starts = transcoder.starts;
    if !starts.is_empty() {
        let body = out.split_off(begin);
        join(&body, begin, &starts, out);
    }
}

/// A list or map.
struct Start {
    /// Where it belongs in the body.
    at: usize,
    /// Its values; in a map also its names.
    values: usize,
    is_map: bool,
}

struct Transcoder<'a> {
    json: &'a str,
    at: usize,
    bytes_at: &'a [usize],
    body: &'a mut Vec<u8>,
    /// In the order of the text.
    starts: Vec<Start>,
    /// Those of `starts` that have not ended, the innermost last.
    open: Vec<usize>,
}

impl<'a> Transcoder<'a> {
    fn run(&mut self) {
        while let Some(byte) = self.json.as_bytes().get(self.at) {
            match byte {
                b'"' => self.string(),
                b'{' | b'[' => {
                    self.count();
                    self.open.push(self.starts.len());
                    self.starts.push(Start {
                        at: self.body.len(),
                        values: 0,
                        is_map: *byte == b'{',
                    });
                    self.at += 1;
                }
                b'}' | b']' => {
                    self.open.pop();
                    self.at += 1;
                }
                b'-' | b'0'..=b'9' => self.number(),
                b'n' => self.word(4, |out| infallible(write::write_nil(out))),
                b't' => self.word(4, |out| infallible(write::write_bool(out, true))),
                b'f' => self.word(5, |out| infallible(write::write_bool(out, false))),
                // Space, commas and colons.
                _ => self.at += 1,
            }
        }
    }

    fn count(&mut self) {
        if let Some(start) = self.open.last().and_then(|open| self.starts.get_mut(*open)) {
            start.values += 1;
        }
    }

    fn word(&mut self, length: usize, write: impl FnOnce(&mut Vec<u8>)) {
        self.count();
        write(self.body);
        self.at += length;
    }

    /// What is before the first character that `ends` says.
    fn take_until(&mut self, ends: impl Fn(u8) -> bool) -> &'a str {
        let rest = self.json.get(self.at..).unwrap_or_default();
        let length = rest.bytes().position(ends).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    fn number(&mut self) {
        self.count();
        let text =
            self.take_until(|byte| !matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9'));
        if let Ok(number) = text.parse::<u64>() {
            infallible(write::write_uint(self.body, number));
        } else if let Ok(number) = text.parse::<i64>()
            && number != 0
        {
            infallible(write::write_sint(self.body, number));
        } else {
            // Fractions, what is too large for 64 bits, and -0, which only a fraction can be.
            infallible(write::write_f64(
                self.body,
                text.parse().unwrap_or(f64::NAN),
            ));
        }
    }

    fn string(&mut self) {
        self.count();
        let is_bytes = match self.bytes_at.split_first() {
            Some((first, rest)) if *first == self.at => {
                self.bytes_at = rest;
                true
            }
            _ => false,
        };
        self.at += 1;
        let plain = self.take_until(|byte| matches!(byte, b'"' | b'\\'));
        if self.json.as_bytes().get(self.at) == Some(&b'\\') {
            let text = self.unescape(plain);
            infallible(write::write_str(self.body, &text));
        } else if is_bytes {
            let bytes = BASE64_STANDARD.decode(plain).unwrap_or_default();
            infallible(write::write_bin(self.body, &bytes));
        } else {
            infallible(write::write_str(self.body, plain));
        }
        self.at += 1;
    }

    /// The rest of a string after `plain`, up to its quote. Half a surrogate pair, which JavaScript
    /// can write, becomes U+FFFD.
    fn unescape(&mut self, plain: &str) -> String {
        let mut text = plain.to_owned();
        while self.json.as_bytes().get(self.at) == Some(&b'\\') {
            self.at += 1;
            match self.json.as_bytes().get(self.at) {
                Some(b'u') => {
                    self.at -= 1;
                    self.surrogates(&mut text);
                }
                escaped => {
                    text.push(match escaped {
                        Some(b'n') => '\n',
                        Some(b't') => '\t',
                        Some(b'r') => '\r',
                        Some(b'b') => '\u{8}',
                        Some(b'f') => '\u{c}',
                        other => other.copied().map_or('\\', char::from),
                    });
                    self.at += 1;
                }
            }
            text.push_str(self.take_until(|byte| matches!(byte, b'"' | b'\\')));
        }
        text
    }

    /// All `\uXXXX` that follow each other: a character may take two.
    fn surrogates(&mut self, text: &mut String) {
        let mut units = Vec::new();
        while let Some(digits) = self
            .json
            .get(self.at..self.at + 6)
            .and_then(|escape| escape.strip_prefix("\\u"))
        {
            units.push(u16::from_str_radix(digits, 16).unwrap_or(0xfffd));
            self.at += 6;
        }
        text.push_str(&String::from_utf16_lossy(&units));
        if units.is_empty() {
            self.at += 2;
        }
    }
}

/// `body` with the starts in their places; its first byte has the place `begin`.
fn join(body: &[u8], begin: usize, starts: &[Start], out: &mut Vec<u8>) {
    out.reserve(body.len() + 5 * starts.len());
    let (mut rest, mut at) = (body, begin);
    for start in starts {
        let (before, after) = rest.split_at(start.at - at);
        out.extend_from_slice(before);
        (rest, at) = (after, start.at);
        if start.is_map {
            infallible(write::write_map_len(out, size(start.values / 2)));
        } else {
            infallible(write::write_array_len(out, size(start.values)));
        }
    }
    out.extend_from_slice(rest);
}
