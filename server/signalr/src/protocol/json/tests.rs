//! Vectors and properties of the JSON codec.

use proptest::prelude::*;

use super::*;
use crate::protocol::{Frames, json::encode};

fn payload(json: &str) -> Payload {
    Payload::from(RawValue::from_string(json.to_owned()).unwrap())
}

fn call(id: Option<&str>, arguments: &[&str]) -> Invocation {
    Invocation {
        id: id.map(str::to_owned),
        target: "Send".to_owned(),
        arguments: arguments.iter().copied().map(payload).collect(),
        stream_ids: Vec::new(),
    }
}

#[test]
fn messages_are_written_as_the_official_clients_read_them() {
    let written = |message: &Message| {
        let bytes = encode::message(message);
        let (end, text) = bytes.split_last().unwrap();
        assert_eq!(*end, 0x1e);
        assert_eq!(decode(text).unwrap().as_ref(), Some(message));
        String::from_utf8(text.to_vec()).unwrap()
    };
    let id = || "7".to_owned();
    let outcome = |outcome| Message::Completion { id: id(), outcome };
    let cases = [
        (
            Message::Invocation(call(None, &[])),
            r#"{"type":1,"target":"Send","arguments":[]}"#,
        ),
        (
            Message::Invocation(call(Some("0"), &["1", "null", r#"{"a":[]}"#])),
            r#"{"type":1,"invocationId":"0","target":"Send","arguments":[1,null,{"a":[]}]}"#,
        ),
        (
            Message::Invocation(Invocation {
                stream_ids: vec![id()],
                ..call(None, &[])
            }),
            r#"{"type":1,"target":"Send","arguments":[],"streamIds":["7"]}"#,
        ),
        (
            Message::StreamItem {
                id: id(),
                item: Payload::null(),
            },
            r#"{"type":2,"invocationId":"7","item":null}"#,
        ),
        (outcome(Outcome::Void), r#"{"type":3,"invocationId":"7"}"#),
        (
            outcome(Outcome::Value(Payload::null())),
            r#"{"type":3,"invocationId":"7","result":null}"#,
        ),
        (
            outcome(Outcome::Error("x".into())),
            r#"{"type":3,"invocationId":"7","error":"x"}"#,
        ),
        (
            Message::StreamInvocation(call(Some("7"), &[])),
            r#"{"type":4,"invocationId":"7","target":"Send","arguments":[]}"#,
        ),
        (
            Message::CancelInvocation { id: id() },
            r#"{"type":5,"invocationId":"7"}"#,
        ),
        (Message::Ping, r#"{"type":6}"#),
        (
            Message::Close {
                error: None,
                allow_reconnect: false,
            },
            r#"{"type":7}"#,
        ),
        (
            Message::Close {
                error: Some("e".into()),
                allow_reconnect: true,
            },
            r#"{"type":7,"error":"e","allowReconnect":true}"#,
        ),
        (
            Message::Ack { sequence_id: 3 },
            r#"{"type":8,"sequenceId":3}"#,
        ),
        (
            Message::Sequence { sequence_id: 4 },
            r#"{"type":9,"sequenceId":4}"#,
        ),
    ];
    for (message, json) in &cases {
        assert_eq!(written(message), *json);
    }
}

#[test]
fn property_order_spacing_escapes_and_unknown_properties_do_not_matter() {
    let expected = Some(Message::Invocation(call(
        Some("7"),
        &["[1]", "\"\\u001e\""],
    )));
    for frame in [
        r#"{"arguments":[[1],"\u001e"],"target":"Send","invocationId":"7","type":1}"#,
        r#" { "type" : 1 , "x":{"type":9}, "invocationId":"7", "target":"Send", "arguments": [ [1] , "\u001e" ] } "#,
        r#"{"type":6,"type":1,"target":"x","target":"Send","arguments":[[1],"\u001e"],"invocationId":"7"}"#,
        r#"{"type":1,"headers":{"a":"b"},"target":"S\u0065nd","invocationId":"7","arguments":[[1],"\u001e"],"streamIds":null}"#,
        r#"{"\u0074ype":1,"target":"Send","arguments":[[1],"\u001e"],"invocationId":"7","result":0,"error":3}"#,
    ] {
        assert_eq!(decode(frame.as_bytes()).unwrap(), expected, "{frame}");
    }
    let item = Some(Message::StreamItem {
        id: "7".into(),
        item: payload("2"),
    });
    assert_eq!(
        decode(br#"{"item":2,"invocationId":"7","type":2}"#).unwrap(),
        item
    );
    let done = Some(Message::Completion {
        id: "7".into(),
        outcome: Outcome::Value(payload("2")),
    });
    assert_eq!(
        decode(br#"{"result":2,"type":3,"invocationId":"7"}"#).unwrap(),
        done
    );
}

#[test]
fn an_empty_or_null_id_wants_no_answer() {
    for id in [r#""""#, "null"] {
        let frame = format!(r#"{{"type":1,"invocationId":{id},"target":"Send","arguments":[]}}"#);
        let expected = Some(Message::Invocation(call(None, &[])));
        assert_eq!(decode(frame.as_bytes()).unwrap(), expected);
    }
}

#[test]
fn unknown_kinds_are_skipped_whatever_they_hold() {
    assert_eq!(
        decode(br#"{"type":10,"invocationId":5,"arguments":{}}"#).unwrap(),
        None
    );
    assert_eq!(decode(br#"{"type":0}"#).unwrap(), None);
    assert_eq!(decode(br#"{"type":-4}"#).unwrap(), None);
}

#[test]
fn malformed_messages_are_refused() {
    for frame in [
        "",
        "x",
        "42",
        "null",
        "\"a\"",
        "[]",
        "{",
        "{}",
        "{}{}",
        r#"{"type":6}}"#,
        r#"{"type":6},"#,
        r#"{"type":null}"#,
        r#"{"type":"1"}"#,
        r#"{"type":1.5}"#,
        r#"{"type":{}}"#,
        r#"{"type":1}"#,
        r#"{"type":1,"target":"a"}"#,
        r#"{"type":1,"arguments":[]}"#,
        r#"{"type":1,"target":5,"arguments":[]}"#,
        r#"{"type":1,"target":null,"arguments":[]}"#,
        r#"{"type":1,"target":"a","arguments":{}}"#,
        r#"{"type":1,"target":"a","arguments":"b"}"#,
        r#"{"type":1,"target":"a","arguments":null}"#,
        r#"{"type":1,"target":"a","arguments":[}"#,
        r#"{"type":1,"invocationId":4,"target":"a","arguments":[]}"#,
        r#"{"type":1,"target":"a","arguments":[],"streamIds":[1]}"#,
        r#"{"type":1,"target":"a","arguments":[],"headers":[]}"#,
        r#"{"type":1,"target":"a","arguments":[],"headers":{"a":1}}"#,
        r#"{"type":2}"#,
        r#"{"type":2,"invocationId":"1"}"#,
        r#"{"type":2,"item":1}"#,
        r#"{"type":2,"invocationId":1,"item":1}"#,
        r#"{"type":3}"#,
        r#"{"type":3,"invocationId":1}"#,
        r#"{"type":3,"invocationId":"1","error":[]}"#,
        r#"{"type":3,"invocationId":"1","error":"a","result":1}"#,
        r#"{"type":3,"invocationId":"1","error":"a","result":null}"#,
        r#"{"type":4,"target":"a","arguments":[]}"#,
        r#"{"type":4,"invocationId":"","target":"a","arguments":[]}"#,
        r#"{"type":5}"#,
        r#"{"type":5,"invocationId":1}"#,
        r#"{"type":7,"error":1}"#,
        r#"{"type":7,"allowReconnect":"yes"}"#,
        r#"{"type":8}"#,
        r#"{"type":8,"sequenceId":"1"}"#,
        r#"{"type":9,"sequenceId":-1}"#,
        r#"{"type":9,"sequenceId":1.5}"#,
    ] {
        assert!(decode(frame.as_bytes()).is_err(), "{frame}");
    }
    assert!(
        decode(b"{\"type\":6,\"x\":\"\xff\"}").is_err(),
        "bytes that are not UTF-8"
    );
}

#[test]
fn errors_never_quote_the_payload() {
    let error = decode(br#"{"type":1,"target":["hunter2"],"arguments":[]}"#).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

fn any_payload() -> impl Strategy<Value = Payload> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        ".{0,8}".prop_map(Into::into),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::hash_map(".{0,4}", inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
    .prop_map(|value| Payload::of(&value).unwrap())
}

fn any_call(id: impl Strategy<Value = Option<String>>) -> impl Strategy<Value = Invocation> {
    let arguments = prop::collection::vec(any_payload(), 0..4);
    let stream_ids = prop::collection::vec(".{1,4}", 0..3);
    (id, ".{0,8}", arguments, stream_ids).prop_map(|(id, target, arguments, stream_ids)| {
        Invocation {
            id,
            target,
            arguments,
            stream_ids,
        }
    })
}

fn any_message() -> impl Strategy<Value = Message> {
    let outcome = prop_oneof![
        Just(Outcome::Void),
        any_payload().prop_map(Outcome::Value),
        ".{0,8}".prop_map(Outcome::Error),
    ];
    prop_oneof![
        any_call(prop::option::of(".{1,8}")).prop_map(Message::Invocation),
        any_call(".{1,8}".prop_map(Some)).prop_map(Message::StreamInvocation),
        (".{0,4}", any_payload()).prop_map(|(id, item)| Message::StreamItem { id, item }),
        (".{0,4}", outcome).prop_map(|(id, outcome)| Message::Completion { id, outcome }),
        ".{0,4}".prop_map(|id| Message::CancelInvocation { id }),
        Just(Message::Ping),
        (prop::option::of(".{0,8}"), any::<bool>()).prop_map(|(error, allow_reconnect)| {
            Message::Close {
                error,
                allow_reconnect,
            }
        }),
        any::<u64>().prop_map(|sequence_id| Message::Ack { sequence_id }),
        any::<u64>().prop_map(|sequence_id| Message::Sequence { sequence_id }),
    ]
}

proptest! {
    #[test]
    fn every_message_survives_the_round_trip_in_any_pieces(
        messages in prop::collection::vec(any_message(), 1..5),
        size in 1_usize..40,
    ) {
        let stream = messages.iter().map(encode::message).collect::<Vec<_>>().concat();
        let mut frames = Frames::new(usize::MAX);
        let mut seen = Vec::new();
        for chunk in stream.chunks(size) {
            frames.push(chunk.to_vec().into());
            while let Some(frame) = frames.next_frame().unwrap() {
                seen.extend(decode(&frame).unwrap());
            }
        }
        prop_assert_eq!(seen, messages);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(&bytes);
        let _ = crate::protocol::HandshakeRequest::decode(&bytes);
    }

    #[test]
    fn nearly_valid_text_never_panics(text in r#"\{("(type|invocationId|target|arguments|item|error|result)":([0-9]{1,3}|"a"|null|\[\]|\{\}),?){0,5}\}"#) {
        let _ = decode(text.as_bytes());
    }
}
