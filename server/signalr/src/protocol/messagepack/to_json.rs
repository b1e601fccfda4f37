//! A client's MessagePack value as JSON text.
//!
//! Never fails, since the peers that are to read it did nothing wrong: what JSON cannot say is said
//! by what comes nearest. Recursion is bounded, for the decoder has refused deeper values.

use base64::{Engine, prelude::BASE64_STANDARD};

use super::{
    reader::{Malformed, Reader, Token},
    timestamp,
};

/// `bytes` is one value as the decoder lets it pass.
pub(in crate::protocol) fn to_json(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + bytes.len() / 4);
    if write(&mut Reader(bytes), &mut out).is_err() {
        debug_assert!(false, "the decoder has checked it");
        "null".clone_into(&mut out);
    }
    out
}

fn write(reader: &mut Reader<'_>, out: &mut String) -> Result<(), Malformed> {
    match reader.token()? {
        Token::Nil => out.push_str("null"),
        Token::Bool(true) => out.push_str("true"),
        Token::Bool(false) => out.push_str("false"),
        Token::Unsigned(number) => out.push_str(&number.to_string()),
        Token::Signed(number) => out.push_str(&number.to_string()),
        Token::F32(number) => json(&number, out),
        Token::F64(number) => json(&number, out),
        Token::Text(bytes) => json(&*String::from_utf8_lossy(bytes), out),
        Token::Bytes(bytes) => base64(bytes, out),
        Token::Extension(kind, data) => match timestamp::rfc_3339(kind, data) {
            Some(text) => json(&text, out),
            None => base64(data, out),
        },
        Token::Array(count) => {
            out.push('[');
            for index in 0..count {
                if index > 0 {
                    out.push(',');
                }
                write(reader, out)?;
            }
            out.push(']');
        }
        Token::Map(count) => {
            out.push('{');
            for index in 0..count {
                if index > 0 {
                    out.push(',');
                }
                key(reader, out)?;
                out.push(':');
                write(reader, out)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

/// What is no string becomes one: a number by its digits, a list or map by its JSON.
fn key(reader: &mut Reader<'_>, out: &mut String) -> Result<(), Malformed> {
    let start = out.len();
    write(reader, out)?;
    if !out.get(start..).is_some_and(|key| key.starts_with('"')) {
        let plain = out.split_off(start);
        json(&plain, out);
    }
    Ok(())
}

/// Strings and numbers; not-a-number and the infinities become null.
fn json<T: serde::Serialize + ?Sized>(value: &T, out: &mut String) {
    out.push_str(&serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned()));
}

fn base64(bytes: &[u8], out: &mut String) {
    out.push('"');
    BASE64_STANDARD.encode_string(bytes, out);
    out.push('"');
}
