//! JSON that is no message. Each is fatal for its connection.

use super::*;
use DecodeError::{ErrorAndResult, Missing, NotAnObject, WrongType};

#[test]
fn malformed_messages_are_refused() {
    let cases = [
        // Not one object
        ("", NotAnObject),
        (" ", NotAnObject),
        ("x", NotAnObject),
        ("42", NotAnObject),
        ("null", NotAnObject),
        ("\"type\"", NotAnObject),
        ("[]", NotAnObject),
        (r#"[{"type":6}]"#, NotAnObject),
        ("{", NotAnObject),
        (r#"{"type":6"#, NotAnObject),
        (r#"{"type":6}}"#, NotAnObject),
        (r#"{"type":6},"#, NotAnObject),
        (r#"{"type":6}{"type":6}"#, NotAnObject),
        (r#"{"type":6,}"#, NotAnObject),
        (r"{type:6}", NotAnObject),
        (r"{'type':6}", NotAnObject),
        (r#"{"type":6,"x":01}"#, NotAnObject),
        (r#"{"type":6,"x":"\q"}"#, NotAnObject),
        ("{\"type\":6,\"x\":\"\n\"}", NotAnObject),
        (r#"{"type":1,"target":"a","arguments":[}"#, NotAnObject),
        // The type
        ("{}", Missing("type")),
        (r#"{"target":"a","arguments":[]}"#, Missing("type")),
        (r#"{"type":null}"#, Missing("type")),
        (r#"{"type":"1"}"#, WrongType("type")),
        (r#"{"type":1.5}"#, WrongType("type")),
        (r#"{"type":{}}"#, WrongType("type")),
        (r#"{"type":true}"#, WrongType("type")),
        // Invocations
        (r#"{"type":1}"#, Missing("arguments")),
        (r#"{"type":1,"target":"a"}"#, Missing("arguments")),
        (r#"{"type":1,"arguments":[]}"#, Missing("target")),
        (
            r#"{"type":1,"target":null,"arguments":[]}"#,
            Missing("target"),
        ),
        (
            r#"{"type":1,"target":5,"arguments":[]}"#,
            WrongType("target"),
        ),
        (
            r#"{"type":1,"target":"a","arguments":null}"#,
            Missing("arguments"),
        ),
        (
            r#"{"type":1,"target":"a","arguments":{}}"#,
            WrongType("arguments"),
        ),
        (
            r#"{"type":1,"target":"a","arguments":"b"}"#,
            WrongType("arguments"),
        ),
        (
            r#"{"type":1,"invocationId":4,"target":"a","arguments":[]}"#,
            WrongType("invocationId"),
        ),
        (
            r#"{"type":1,"target":"a","arguments":[],"streamIds":[1]}"#,
            WrongType("streamIds"),
        ),
        (
            r#"{"type":1,"target":"a","arguments":[],"streamIds":"1"}"#,
            WrongType("streamIds"),
        ),
        (
            r#"{"type":1,"target":"a","arguments":[],"headers":[]}"#,
            WrongType("headers"),
        ),
        (
            r#"{"type":1,"target":"a","arguments":[],"headers":{"a":1}}"#,
            WrongType("headers"),
        ),
        // Items
        (r#"{"type":2}"#, Missing("item")),
        (r#"{"type":2,"invocationId":"1"}"#, Missing("item")),
        (r#"{"type":2,"item":1}"#, Missing("invocationId")),
        (
            r#"{"type":2,"invocationId":1,"item":1}"#,
            WrongType("invocationId"),
        ),
        // Completions
        (r#"{"type":3}"#, Missing("invocationId")),
        (r#"{"type":3,"invocationId":null}"#, Missing("invocationId")),
        (r#"{"type":3,"invocationId":1}"#, WrongType("invocationId")),
        (
            r#"{"type":3,"invocationId":"1","error":[]}"#,
            WrongType("error"),
        ),
        (
            r#"{"type":3,"invocationId":"1","error":"a","result":1}"#,
            ErrorAndResult,
        ),
        (
            r#"{"type":3,"invocationId":"1","error":"a","result":null}"#,
            ErrorAndResult,
        ),
        (
            r#"{"result":1,"error":"a","invocationId":"1","type":3}"#,
            ErrorAndResult,
        ),
        // Streams
        (
            r#"{"type":4,"target":"a","arguments":[]}"#,
            Missing("invocationId"),
        ),
        (
            r#"{"type":4,"invocationId":"","target":"a","arguments":[]}"#,
            Missing("invocationId"),
        ),
        (
            r#"{"type":4,"invocationId":"1","arguments":[]}"#,
            Missing("target"),
        ),
        (r#"{"type":5}"#, Missing("invocationId")),
        (r#"{"type":5,"invocationId":1}"#, WrongType("invocationId")),
        (
            r#"{"type":5,"invocationId":"1","headers":"a"}"#,
            WrongType("headers"),
        ),
        // The connection
        (r#"{"type":7,"error":1}"#, WrongType("error")),
        (
            r#"{"type":7,"allowReconnect":"yes"}"#,
            WrongType("allowReconnect"),
        ),
        (
            r#"{"type":7,"allowReconnect":1}"#,
            WrongType("allowReconnect"),
        ),
        (r#"{"type":8}"#, Missing("sequenceId")),
        (r#"{"type":8,"sequenceId":"1"}"#, WrongType("sequenceId")),
        (r#"{"type":8,"sequenceId":null}"#, Missing("sequenceId")),
        (r#"{"type":9,"sequenceId":-1}"#, WrongType("sequenceId")),
        (r#"{"type":9,"sequenceId":1.5}"#, WrongType("sequenceId")),
        (
            r#"{"type":9,"sequenceId":18446744073709551616}"#,
            WrongType("sequenceId"),
        ),
    ];
    assert_eq!(cases.len(), 66);
    for (json, error) in cases {
        assert_eq!(Protocol::Json.decode(json.as_bytes()), Err(error), "{json}");
    }
}

#[test]
fn what_is_not_utf_8_is_refused_even_where_it_is_skipped() {
    for frame in [
        &b"{\"type\":6,\"x\":\"\xff\"}"[..],
        b"{\"type\":2,\"invocationId\":\"1\",\"item\":\"\xc3\"}",
        b"\xef\xbb\xbf{\"type\":6}",
    ] {
        assert_eq!(Protocol::Json.decode(frame), Err(NotAnObject), "{frame:?}");
    }
}

#[test]
fn errors_never_quote_the_payload() {
    for frame in [
        r#"{"type":1,"target":["hunter2"],"arguments":[]}"#,
        r#"{"type":1,"target":"hunter2","arguments":"hunter2"}"#,
        r#"{"type":1,"hunter2""#,
    ] {
        let error = Protocol::Json.decode(frame.as_bytes()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
}
