//! MessagePack that is no message. Each is fatal for its connection.

use super::*;
use DecodeError::{Missing, NotAnArray, TooMany, WrongType};

#[test]
fn malformed_messages_are_refused() {
    let cases: [(&[u8], DecodeError); 65] = [
        // Not one array
        (b"", NotAnArray),
        (b"\xc0", NotAnArray),
        (b"\x01", NotAnArray),
        (b"\x80", NotAnArray),
        (b"\xa16", NotAnArray),
        (b"\xc1", NotAnArray),
        (b"\xdc\0", NotAnArray),
        (b"\xdd\0\0\0", NotAnArray),
        (b"\xc4\x02\x91\x06", NotAnArray),
        (b"\x91\x06\xc0", NotAnArray),
        (b"\x91\x06\x91\x06", NotAnArray),
        (b"\x92\x06", NotAnArray),
        // The type
        (b"\x90", Missing("type")),
        (b"\x91", NotAnArray),
        (b"\x91\xc0", WrongType("type")),
        (b"\x91\xa16", WrongType("type")),
        (b"\x91\xcb\x40\x18\0\0\0\0\0\0", WrongType("type")),
        (b"\x91\x90", WrongType("type")),
        // Headers
        (b"\x91\x01", Missing("headers")),
        (b"\x96\x01\xc0\xc0\xa4Send\x90\x90", WrongType("headers")),
        (b"\x96\x01\x90\xc0\xa4Send\x90\x90", WrongType("headers")),
        (
            b"\x96\x01\x81\x01\xa1b\xc0\xa4Send\x90\x90",
            WrongType("headers"),
        ),
        (
            b"\x96\x01\x81\xa1a\x01\xc0\xa4Send\x90\x90",
            WrongType("headers"),
        ),
        (
            b"\x96\x01\x81\xa1a\xc0\xc0\xa4Send\x90\x90",
            WrongType("headers"),
        ),
        (
            b"\x96\x01\x81\xa0\xa1b\xc0\xa4Send\x90\x90",
            WrongType("headers"),
        ),
        (
            b"\x96\x01\x81\xa1a\xa0\xc0\xa4Send\x90\x90",
            WrongType("headers"),
        ),
        (b"\x93\x05\xdf\xff\xff\xff\xff\xa1a", NotAnArray),
        // Invocations
        (b"\x92\x01\x80", Missing("invocationId")),
        (
            b"\x96\x01\x80\x07\xa4Send\x90\x90",
            WrongType("invocationId"),
        ),
        (
            b"\x96\x01\x80\x90\xa4Send\x90\x90",
            WrongType("invocationId"),
        ),
        (
            b"\x96\x01\x80\xa1\xff\xa4Send\x90\x90",
            WrongType("invocationId"),
        ),
        (b"\x93\x01\x80\xc0", Missing("target")),
        (b"\x96\x01\x80\xc0\xc0\x90\x90", Missing("target")),
        (b"\x96\x01\x80\xc0\x07\x90\x90", WrongType("target")),
        (b"\x96\x01\x80\xc0\xc4\x04Send\x90\x90", WrongType("target")),
        (b"\x94\x01\x80\xc0\xa4Send", Missing("arguments")),
        (b"\x95\x01\x80\xc0\xa4Send\xc0", Missing("arguments")),
        (b"\x96\x01\x80\xc0\xa4Send\x80\x90", WrongType("arguments")),
        (b"\x95\x01\x80\xc0\xa4Send\x91", NotAnArray),
        (b"\x95\x01\x80\xc0\xa4Send\x92\x01", NotAnArray),
        (b"\x95\x01\x80\xc0\xa4Send\x91\xa3ab", NotAnArray),
        (b"\x95\x01\x80\xc0\xa4Send\x91\xc1", NotAnArray),
        (b"\x95\x01\x80\xc0\xa4Send\x91\x81\xa1a", NotAnArray),
        (
            b"\x95\x01\x80\xc0\xa4Send\xdd\xff\xff\xff\xff",
            TooMany("arguments"),
        ),
        (b"\x96\x01\x80\xc0\xa4Send\x90\xc0", Missing("streamIds")),
        (b"\x96\x01\x80\xc0\xa4Send\x90\xa18", WrongType("streamIds")),
        (
            b"\x96\x01\x80\xc0\xa4Send\x90\x91\x08",
            WrongType("streamIds"),
        ),
        // Items
        (b"\x94\x02\x80\xc0\x01", Missing("invocationId")),
        (b"\x94\x02\x80\x07\x01", WrongType("invocationId")),
        (b"\x93\x02\x80\xa17", Missing("item")),
        // Completions
        (b"\x92\x03\x80", Missing("invocationId")),
        (b"\x93\x03\x80\xa17", Missing("resultKind")),
        (b"\x94\x03\x80\xa17\0", WrongType("resultKind")),
        (b"\x94\x03\x80\xa17\x04", WrongType("resultKind")),
        (b"\x94\x03\x80\xa17\xa11", WrongType("resultKind")),
        (b"\x94\x03\x80\xa17\x01", Missing("error")),
        (b"\x95\x03\x80\xa17\x01\x05", WrongType("error")),
        (b"\x94\x03\x80\xa17\x03", Missing("result")),
        // Streams
        (b"\x96\x04\x80\xc0\xa4Send\x90\x90", Missing("invocationId")),
        (b"\x96\x04\x80\xa0\xa4Send\x90\x90", Missing("invocationId")),
        (b"\x92\x05\x80", Missing("invocationId")),
        // The connection
        (b"\x91\x07", Missing("error")),
        (b"\x93\x07\xc0\x01", WrongType("allowReconnect")),
        (b"\x91\x08", Missing("sequenceId")),
        (b"\x92\x09\xff", WrongType("sequenceId")),
    ];
    for (bytes, error) in cases {
        let decoded = Protocol::MessagePack.decode(bytes);
        assert_eq!(decoded, Err(error), "{bytes:02x?}");
    }
}

#[test]
fn a_message_cut_off_anywhere_is_refused() {
    let whole = b"\x98\x01\x81\xa1a\xa1b\xa17\xa4Send\x92\xc4\x01\0\xcd\x01\0\x91\xa18\xc0\xcb\0\0\0\0\0\0\0\0";
    assert!(Protocol::MessagePack.decode(whole).is_ok());
    for end in 0..whole.len() {
        let decoded = Protocol::MessagePack.decode(&whole[..end]);
        assert_eq!(decoded, Err(NotAnArray), "{end}");
    }
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| {
        let mut frame = b"\x94\x02\x80\xa17".to_vec();
        frame.resize(frame.len() + depth - 1, 0x91);
        frame.push(0x90);
        Protocol::MessagePack.decode(&frame)
    };
    let Ok(Some(Message::StreamItem { item, .. })) = nested(128) else {
        panic!("128 levels are fine");
    };
    assert_eq!(item.to_json().len(), 256);
    assert_eq!(nested(129), Err(NotAnArray));
    assert_eq!(nested(1_000_000), Err(NotAnArray));
}

#[test]
fn errors_never_quote_the_payload() {
    let frame = b"\x96\x01\x80\xc0\xc4\x07hunter2\x90\x90";
    let error = Protocol::MessagePack.decode(frame).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

#[test]
fn lists_of_a_call_are_bounded() {
    let with = |arguments: u16, streams: u16| {
        let mut frame = b"\x96\x01\x80\xc0\xa1t\xdc".to_vec();
        frame.extend(arguments.to_be_bytes());
        frame.resize(frame.len() + usize::from(arguments), 0xc0);
        frame.push(0xdc);
        frame.extend(streams.to_be_bytes());
        frame.resize(frame.len() + usize::from(streams), 0xa0);
        Protocol::MessagePack.decode(&frame)
    };
    assert!(with(1_024, 1_024).is_ok());
    assert_eq!(with(1_025, 0), Err(TooMany("arguments")));
    assert_eq!(with(0, 1_025), Err(TooMany("streamIds")));
}
