//! JSON that is a message, each as it is written and as it may be read.

use super::*;

/// What is written exactly so, and read.
fn written() -> Vec<(&'static str, Message)> {
    vec![
        // Invocations
        (
            r#"{"type":1,"target":"Send","arguments":[]}"#,
            invocation(None, &[], &[]),
        ),
        (
            r#"{"type":1,"invocationId":"0","target":"Send","arguments":[]}"#,
            invocation(Some("0"), &[], &[]),
        ),
        (
            r#"{"type":1,"invocationId":"7","target":"Send","arguments":[1,null,true,"x",-0.5,[],{}]}"#,
            invocation(
                Some("7"),
                &["1", "null", "true", "\"x\"", "-0.5", "[]", "{}"],
                &[],
            ),
        ),
        (
            r#"{"type":1,"target":"Send","arguments":[{"a":{"b":[1,{"c":null}]}}]}"#,
            invocation(None, &[r#"{"a":{"b":[1,{"c":null}]}}"#], &[]),
        ),
        (
            r#"{"type":1,"target":"Send","arguments":[],"streamIds":["1"]}"#,
            invocation(None, &[], &["1"]),
        ),
        (
            r#"{"type":1,"invocationId":"9","target":"Send","arguments":["a"],"streamIds":["10","11"]}"#,
            invocation(Some("9"), &["\"a\""], &["10", "11"]),
        ),
        (
            r#"{"type":1,"target":"Send","arguments":["\u001e","é","\n\"\\"]}"#,
            invocation(None, &[r#""\u001e""#, "\"é\"", r#""\n\"\\""#], &[]),
        ),
        (
            r#"{"type":1,"invocationId":"a\"b","target":"Send","arguments":[]}"#,
            invocation(Some("a\"b"), &[], &[]),
        ),
        // Items
        (r#"{"type":2,"invocationId":"7","item":1}"#, item("7", "1")),
        (
            r#"{"type":2,"invocationId":"7","item":null}"#,
            item("7", "null"),
        ),
        (
            r#"{"type":2,"invocationId":"7","item":{"a":[]}}"#,
            item("7", r#"{"a":[]}"#),
        ),
        (
            r#"{"type":2,"invocationId":"7","item":"text"}"#,
            item("7", "\"text\""),
        ),
        // Completions
        (r#"{"type":3,"invocationId":"7"}"#, void("7")),
        (
            r#"{"type":3,"invocationId":"7","result":null}"#,
            value("7", "null"),
        ),
        (
            r#"{"type":3,"invocationId":"7","result":42}"#,
            value("7", "42"),
        ),
        (
            r#"{"type":3,"invocationId":"7","result":[{"error":"no"}]}"#,
            value("7", r#"[{"error":"no"}]"#),
        ),
        (
            r#"{"type":3,"invocationId":"7","error":"It broke."}"#,
            failure("7", "It broke."),
        ),
        (
            r#"{"type":3,"invocationId":"7","error":""}"#,
            failure("7", ""),
        ),
        // Streams
        (
            r#"{"type":4,"invocationId":"7","target":"Send","arguments":[]}"#,
            stream("7", &[], &[]),
        ),
        (
            r#"{"type":4,"invocationId":"7","target":"Send","arguments":[5,"a"]}"#,
            stream("7", &["5", "\"a\""], &[]),
        ),
        (
            r#"{"type":4,"invocationId":"7","target":"Send","arguments":[],"streamIds":["8"]}"#,
            stream("7", &[], &["8"]),
        ),
        (r#"{"type":5,"invocationId":"7"}"#, cancel("7")),
        // The connection
        (r#"{"type":6}"#, Message::Ping),
        (r#"{"type":7}"#, close(None, false)),
        (r#"{"type":7,"error":"Bye."}"#, close(Some("Bye."), false)),
        (r#"{"type":7,"allowReconnect":true}"#, close(None, true)),
        (
            r#"{"type":7,"error":"Bye.","allowReconnect":true}"#,
            close(Some("Bye."), true),
        ),
        (r#"{"type":8,"sequenceId":0}"#, ack(0)),
        (
            r#"{"type":8,"sequenceId":18446744073709551615}"#,
            ack(u64::MAX),
        ),
        (r#"{"type":9,"sequenceId":1}"#, sequence(1)),
    ]
}

/// What others may write.
fn read() -> Vec<(&'static str, Message)> {
    vec![
        // Properties in another order: what needs the type or the id may come before it.
        (
            r#"{"arguments":[1,[2]],"target":"Send","invocationId":"7","type":1}"#,
            invocation(Some("7"), &["1", "[2]"], &[]),
        ),
        (
            r#"{"type":1,"streamIds":["8"],"arguments":[],"target":"Send"}"#,
            invocation(None, &[], &["8"]),
        ),
        (
            r#"{"item":{"type":9},"invocationId":"7","type":2}"#,
            item("7", r#"{"type":9}"#),
        ),
        (r#"{"type":2,"item":2,"invocationId":"7"}"#, item("7", "2")),
        (
            r#"{"result":2,"type":3,"invocationId":"7"}"#,
            value("7", "2"),
        ),
        (
            r#"{"error":"no","invocationId":"7","type":3}"#,
            failure("7", "no"),
        ),
        (
            r#"{"arguments":["a"],"type":4,"target":"Send","invocationId":"7"}"#,
            stream("7", &["\"a\""], &[]),
        ),
        (r#"{"invocationId":"7","type":5}"#, cancel("7")),
        (
            r#"{"allowReconnect":true,"error":"e","type":7}"#,
            close(Some("e"), true),
        ),
        (r#"{"sequenceId":3,"type":9}"#, sequence(3)),
        // An id that wants no answer
        (
            r#"{"type":1,"invocationId":"","target":"Send","arguments":[]}"#,
            invocation(None, &[], &[]),
        ),
        (
            r#"{"type":1,"invocationId":null,"target":"Send","arguments":[]}"#,
            invocation(None, &[], &[]),
        ),
        // Absent in other words
        (
            r#"{"type":1,"target":"Send","arguments":[],"streamIds":[]}"#,
            invocation(None, &[], &[]),
        ),
        (
            r#"{"type":1,"target":"Send","arguments":[],"streamIds":null}"#,
            invocation(None, &[], &[]),
        ),
        (r#"{"type":3,"invocationId":"7","error":null}"#, void("7")),
        (
            r#"{"type":3,"invocationId":"7","error":null,"result":1}"#,
            value("7", "1"),
        ),
        (
            r#"{"type":7,"error":null,"allowReconnect":false}"#,
            close(None, false),
        ),
        // Headers
        (
            r#"{"type":1,"headers":{},"target":"Send","arguments":[]}"#,
            invocation(None, &[], &[]),
        ),
        (
            r#"{"type":1,"headers":{"a":"b","c":"\u0064"},"target":"Send","arguments":[]}"#,
            invocation(None, &[], &[]),
        ),
        (
            r#"{"type":2,"headers":{"a":"b"},"invocationId":"7","item":1}"#,
            item("7", "1"),
        ),
        (r#"{"type":3,"headers":null,"invocationId":"7"}"#, void("7")),
        (
            r#"{"type":5,"headers":{"a":""},"invocationId":"7"}"#,
            cancel("7"),
        ),
        // Properties that are not known or not this type's
        (
            r#"{"type":1,"target":"Send","arguments":[],"later":{"x":[1,"}"]}}"#,
            invocation(None, &[], &[]),
        ),
        (
            r#"{"type":1,"target":"Send","arguments":[],"result":0,"error":3,"sequenceId":[]}"#,
            invocation(None, &[], &[]),
        ),
        (r#"{"type":6,"target":5,"headers":7}"#, Message::Ping),
        // Doubled properties: the last counts
        (
            r#"{"type":6,"type":1,"target":"x","target":"Send","arguments":[1],"arguments":[]}"#,
            invocation(None, &[], &[]),
        ),
        (
            r#"{"type":3,"invocationId":"7","result":1,"result":2}"#,
            value("7", "2"),
        ),
        // Space and escapes
        (
            " { \"type\" : 1 ,\r\n\t\"target\" : \"Send\" , \"arguments\" : [ 1 , [ ] ] } ",
            invocation(None, &["1", "[ ]"], &[]),
        ),
        (
            r#"{"\u0074ype":1,"target":"S\u0065nd","arguments":[]}"#,
            invocation(None, &[], &[]),
        ),
        (
            r#"{"type":1,"target":"Send","arguments":["\ud83d\ude00"]}"#,
            invocation(None, &[r#""\ud83d\ude00""#], &[]),
        ),
        // A number as its sender spelled it
        (
            r#"{"type":2,"invocationId":"7","item":1.50e3}"#,
            item("7", "1.50e3"),
        ),
    ]
}

#[test]
fn messages_are_written_as_the_official_clients_read_them() {
    let written = written();
    for (json, message) in &written {
        let frame = Protocol::Json.encode(message);
        assert_eq!(frame, format!("{json}\u{1e}"));
    }
    assert_eq!(written.len() + read().len(), 61, "none got lost");
}

#[test]
fn messages_are_read_however_they_are_spelled() {
    for (json, message) in written().into_iter().chain(read()) {
        let decoded = Protocol::Json.decode(json.as_bytes());
        assert_eq!(decoded, Ok(Some(message)), "{json}");
    }
}

#[test]
fn shortcuts_write_the_same_as_the_long_way() {
    let arguments = [payload("1"), payload("{}")];
    assert_eq!(
        Protocol::Json.encode_call("Send", &arguments),
        Protocol::Json.encode(&Message::call("Send", arguments.to_vec()))
    );
    assert_eq!(Protocol::Json.ping(), Protocol::Json.encode(&Message::Ping));
}

#[test]
fn unknown_kinds_are_skipped_whatever_they_hold() {
    for json in [
        r#"{"type":0}"#,
        r#"{"type":-4}"#,
        r#"{"type":10,"invocationId":5,"arguments":{},"headers":[]}"#,
        r#"{"type":9223372036854775807,"error":1,"result":1}"#,
    ] {
        assert_eq!(Protocol::Json.decode(json.as_bytes()), Ok(None), "{json}");
    }
}

#[test]
fn null_is_a_value_and_absent_is_none() {
    let outcome = |json: &str| match Protocol::Json.decode(json.as_bytes()) {
        Ok(Some(Message::Completion { outcome, .. })) => outcome,
        other => panic!("{other:?}"),
    };
    assert_eq!(outcome(r#"{"type":3,"invocationId":"7"}"#), Outcome::Void);
    let Outcome::Value(null) = outcome(r#"{"type":3,"invocationId":"7","result":null}"#) else {
        panic!("null is a value");
    };
    assert!(null.is_null());
    assert_eq!(null.read::<Option<u8>>().unwrap(), None);
}
