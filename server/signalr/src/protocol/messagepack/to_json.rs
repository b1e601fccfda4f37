//! A client's MessagePack value as JSON text.
//!
//! Never fails, since the peers that are to read it did nothing wrong: what JSON cannot say is said
//! by what comes nearest. Recursion is bounded, for the decoder has refused deeper values.

use base64::{Engine, prelude::BASE64_STANDARD};

use super::{
    encode::infallible,
    reader::{Malformed, Reader, Token},
    timestamp,
};

/// `bytes` is one value as the decoder lets it pass.
pub(in crate::protocol) fn to_json(bytes: &[u8]) -> String {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 4);
    let written = write(&mut Reader(bytes), &mut out);
    debug_assert!(written.is_ok(), "the decoder has checked it");
    match (written, String::from_utf8(out)) {
        (Ok(()), Ok(json)) => json,
        _ => "null".to_owned(),
    }
}

fn write(reader: &mut Reader<'_>, out: &mut Vec<u8>) -> Result<(), Malformed> {
    match reader.token()? {
        Token::Nil => out.extend_from_slice(b"null"),
        Token::Bool(true) => out.extend_from_slice(b"true"),
        Token::Bool(false) => out.extend_from_slice(b"false"),
        Token::Unsigned(number) => json(&number, out),
        Token::Signed(number) => json(&number, out),
        Token::F32(number) => json(&number, out),
        Token::F64(number) => json(&number, out),
        Token::Text(bytes) => json(&*String::from_utf8_lossy(bytes), out),
        Token::Bytes(bytes) => base64(bytes, out),
        Token::Extension(kind, data) => match timestamp::rfc_3339(kind, data) {
            Some(text) => json(&text, out),
            None => base64(data, out),
        },
        Token::Array(count) => {
            out.push(b'[');
            for index in 0..count {
                if index > 0 {
                    out.push(b',');
                }
                write(reader, out)?;
            }
            out.push(b']');
        }
        Token::Map(count) => {
            out.push(b'{');
            for index in 0..count {
                if index > 0 {
                    out.push(b',');
                }
                key(reader, out)?;
                out.push(b':');
                write(reader, out)?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}

/// What is no string becomes one: a number by its digits, a list or map by its JSON.
fn key(reader: &mut Reader<'_>, out: &mut Vec<u8>) -> Result<(), Malformed> {
    let start = out.len();
    write(reader, out)?;
    if out.get(start) != Some(&b'"') {
        let plain = out.split_off(start);
        json(&*String::from_utf8_lossy(&plain), out);
    }
    Ok(())
}

/// Strings and numbers; not-a-number and the infinities become null.
fn json<T: serde::Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    infallible(serde_json::to_writer(out, value));
}

fn base64(bytes: &[u8], out: &mut Vec<u8>) {
    json(&BASE64_STANDARD.encode(bytes), out);
}
