//! MessagePack that is a message, each as it is written and as it may be read. Without the length
//! prefix, which framing's own tests have.

use super::*;

/// What is written exactly so, and read.
fn written() -> Vec<(&'static [u8], Message)> {
    vec![
        // Invocations: six places
        (
            b"\x96\x01\x80\xc0\xa4Send\x90\x90",
            invocation(None, &[], &[]),
        ),
        (
            b"\x96\x01\x80\xa10\xa4Send\x90\x90",
            invocation(Some("0"), &[], &[]),
        ),
        (
            b"\x96\x01\x80\xa17\xa4Send\x97\x01\xc0\xc3\xa1x\xcb\xbf\xe0\0\0\0\0\0\0\x90\x80\x90",
            invocation(
                Some("7"),
                &["1", "null", "true", "\"x\"", "-0.5", "[]", "{}"],
                &[],
            ),
        ),
        (
            b"\x96\x01\x80\xc0\xa4Send\x91\x81\xa1a\x92\x01\x81\xa1b\xc0\x90",
            invocation(None, &[r#"{"a":[1,{"b":null}]}"#], &[]),
        ),
        (
            b"\x96\x01\x80\xc0\xa4Send\x90\x91\xa11",
            invocation(None, &[], &["1"]),
        ),
        (
            b"\x96\x01\x80\xa19\xa4Send\x91\xa1a\x92\xa210\xa211",
            invocation(Some("9"), &["\"a\""], &["10", "11"]),
        ),
        (
            b"\x96\x01\x80\xc0\xa4Send\x93\x7f\xcc\x80\xcd\x01\0\x90",
            invocation(None, &["127", "128", "256"], &[]),
        ),
        (
            b"\x96\x01\x80\xc0\xa4Send\x93\xe0\xd0\xdf\xd1\xff\x7f\x90",
            invocation(None, &["-32", "-33", "-129"], &[]),
        ),
        (
            b"\x96\x01\x80\xc0\xa4Send\x92\xce\0\x01\0\0\xcf\0\0\0\x01\0\0\0\0\x90",
            invocation(None, &["65536", "4294967296"], &[]),
        ),
        // Items
        (b"\x94\x02\x80\xa17\x01", item("7", "1")),
        (b"\x94\x02\x80\xa17\xc0", item("7", "null")),
        (b"\x94\x02\x80\xa17\x81\xa1a\x90", item("7", r#"{"a":[]}"#)),
        (b"\x94\x02\x80\xa17\xa4text", item("7", "\"text\"")),
        // Completions
        (b"\x94\x03\x80\xa17\x02", void("7")),
        (b"\x95\x03\x80\xa17\x03\xc0", value("7", "null")),
        (b"\x95\x03\x80\xa17\x03\x2a", value("7", "42")),
        (b"\x95\x03\x80\xa17\x03\x91\xc2", value("7", "[false]")),
        (
            b"\x95\x03\x80\xa17\x01\xa9It broke.",
            failure("7", "It broke."),
        ),
        (b"\x95\x03\x80\xa17\x01\xa0", failure("7", "")),
        // Streams
        (b"\x96\x04\x80\xa17\xa4Send\x90\x90", stream("7", &[], &[])),
        (
            b"\x96\x04\x80\xa17\xa4Send\x92\x05\xa1a\x90",
            stream("7", &["5", "\"a\""], &[]),
        ),
        (
            b"\x96\x04\x80\xa17\xa4Send\x90\x91\xa18",
            stream("7", &[], &["8"]),
        ),
        (b"\x93\x05\x80\xa17", cancel("7")),
        // The connection: no headers
        (b"\x91\x06", Message::Ping),
        (b"\x93\x07\xc0\xc2", close(None, false)),
        (b"\x93\x07\xa4Bye.\xc2", close(Some("Bye."), false)),
        (b"\x93\x07\xc0\xc3", close(None, true)),
        (b"\x93\x07\xa4Bye.\xc3", close(Some("Bye."), true)),
        (b"\x92\x08\0", ack(0)),
        (
            b"\x92\x08\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
            ack(u64::MAX),
        ),
        (b"\x92\x09\x01", sequence(1)),
    ]
}

/// What others may write.
fn read() -> Vec<(&'static [u8], Message)> {
    vec![
        // Five places: older clients, and the JavaScript one when there are no streams
        (
            b"\x95\x01\x80\xc0\xa4Send\x91\x2a",
            invocation(None, &["42"], &[]),
        ),
        (
            b"\x95\x01\x80\xa17\xa4Send\x90",
            invocation(Some("7"), &[], &[]),
        ),
        (b"\x95\x04\x80\xa17\xa4Send\x90", stream("7", &[], &[])),
        // An id that wants no answer
        (
            b"\x96\x01\x80\xa0\xa4Send\x90\x90",
            invocation(None, &[], &[]),
        ),
        // Headers
        (
            b"\x96\x01\x82\xa1a\xa1b\xa1c\xa1d\xc0\xa4Send\x90\x90",
            invocation(None, &[], &[]),
        ),
        (b"\x94\x02\xde\0\x01\xa1a\xd9\x01b\xa17\x01", item("7", "1")),
        (b"\x94\x03\xdf\0\0\0\0\xa17\x02", void("7")),
        (b"\x93\x05\x81\xa1a\xa1b\xa17", cancel("7")),
        // Appended places
        (
            b"\x98\x01\x80\xc0\xa4Send\x90\x90\xc0\x81\xa1x\x92\x01\x02",
            invocation(None, &[], &[]),
        ),
        (b"\x95\x02\x80\xa17\x01\xa1x", item("7", "1")),
        (b"\x95\x03\x80\xa17\x02\xc0", void("7")),
        (
            b"\x96\x03\x80\xa17\x03\x05\xc7\x01\x05\xff",
            value("7", "5"),
        ),
        (b"\x94\x05\x80\xa17\xc0", cancel("7")),
        (b"\x92\x06\xc0", Message::Ping),
        (b"\x94\x07\xc0\xc2\x90", close(None, false)),
        (b"\x93\x08\x01\x80", ack(1)),
        // A place less
        (b"\x92\x07\xc0", close(None, false)),
        (b"\x92\x07\xa1e", close(Some("e"), false)),
        // Integers of any width, also signed ones
        (
            b"\x96\xcc\x01\x80\xc0\xa4Send\x91\xd3\0\0\0\0\0\0\0\x01\x90",
            invocation(None, &["1"], &[]),
        ),
        (b"\x91\xcd\0\x06", Message::Ping),
        (b"\x91\xd2\0\0\0\x06", Message::Ping),
        (b"\x95\x03\x80\xa17\xce\0\0\0\x03\xc0", value("7", "null")),
        (b"\x94\x03\x80\xa17\xd0\x02", void("7")),
        (b"\x92\x08\xcc\x05", ack(5)),
        (b"\x92\x09\xd3\0\0\0\0\0\0\0\x05", sequence(5)),
        // Strings and lists with lengths longer than they need
        (
            b"\xdc\0\x06\x01\x80\xd9\x017\xda\0\x04Send\xdd\0\0\0\x01\x01\xdc\0\0",
            invocation(Some("7"), &["1"], &[]),
        ),
        (b"\xdd\0\0\0\x03\x05\x80\xdb\0\0\0\x017", cancel("7")),
        // Values that JSON has not
        (
            b"\x94\x02\x80\xa17\xc4\x03\x01\x02\xff",
            item("7", "\"AQL/\""),
        ),
        (
            b"\x94\x02\x80\xa17\xd6\xff\0\0\0\x01",
            item("7", "\"1970-01-01T00:00:01Z\""),
        ),
        (b"\x94\x02\x80\xa17\xca\x3f\0\0\0", item("7", "0.5")),
    ]
}

#[test]
fn messages_are_written_as_the_official_clients_read_them() {
    let written = written();
    for (bytes, message) in &written {
        let frame = Protocol::MessagePack.encode(message);
        let (length, body) = frame.split_first().unwrap();
        assert_eq!(usize::from(*length), body.len());
        assert_eq!(body, *bytes, "{message:?}");
    }
    assert_eq!(written.len() + read().len(), 61, "none got lost");
}

#[test]
fn messages_are_read_however_they_are_spelled() {
    for (bytes, message) in written().into_iter().chain(read()) {
        let decoded = Protocol::MessagePack.decode(bytes);
        assert_eq!(decoded, Ok(Some(message)), "{bytes:02x?}");
    }
}

#[test]
fn shortcuts_write_the_same_as_the_long_way() {
    let arguments = [payload("1"), payload("{}")];
    assert_eq!(
        Protocol::MessagePack.encode_call("Send", &arguments),
        Protocol::MessagePack.encode(&Message::call("Send", arguments.to_vec()))
    );
    assert_eq!(Protocol::MessagePack.ping(), &b"\x02\x91\x06"[..]);
}

#[test]
fn unknown_kinds_are_skipped_whatever_they_hold() {
    for bytes in [
        &b"\x91\0"[..],
        b"\x91\x0a",
        b"\x91\xff",
        b"\x94\x0a\xc0\x01",
        b"\x91\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
    ] {
        assert_eq!(
            Protocol::MessagePack.decode(bytes),
            Ok(None),
            "{bytes:02x?}"
        );
    }
}

#[test]
fn null_is_a_value_and_void_is_none() {
    let outcome = |bytes: &[u8]| match Protocol::MessagePack.decode(bytes) {
        Ok(Some(Message::Completion { outcome, .. })) => outcome,
        other => panic!("{other:?}"),
    };
    assert_eq!(outcome(b"\x94\x03\x80\xa17\x02"), Outcome::Void);
    let Outcome::Value(null) = outcome(b"\x95\x03\x80\xa17\x03\xc0") else {
        panic!("null is a value");
    };
    assert!(null.is_null());
    assert_eq!(null.read::<Option<u8>>().unwrap(), None);
}

#[test]
fn a_long_message_has_a_long_prefix() {
    let text = "x".repeat(300);
    let item = item("7", &format!("\"{text}\""));
    let frame = Protocol::MessagePack.encode(&item);
    let body = [b"\x94\x02\x80\xa17\xda\x01\x2c", text.as_bytes()].concat();
    assert_eq!(frame[..2], [0xb4, 0x02], "52 and twice 128");
    assert_eq!(frame[2..], body);
}
