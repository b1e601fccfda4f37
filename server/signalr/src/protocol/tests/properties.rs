//! What holds for every message and for every input.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;

/// A value that looks the same in both protocols.
fn any_payload() -> impl Strategy<Value = Payload> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        prop::num::f64::NORMAL.prop_map(Into::into),
        ".{0,40}".prop_map(Into::into),
    ];
    leaf.prop_recursive(3, 40, 20, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..20).prop_map(Into::into),
            prop::collection::hash_map(".{0,4}", inner, 0..20)
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

/// What stands in the arrays of messages, and what must not.
#[cfg(feature = "messagepack")]
const PLACES: &[&[u8]] = &[
    b"\x80",
    b"\xc0",
    b"\xa17",
    b"\x90",
    b"\x91\xa1a",
    b"\x03",
    b"\xd6\xff\0\0\0\0",
    b"\xc4\x01\xff",
    b"\xdd\xff\xff\xff\xff",
    b"\x81\x91\xc1",
    b"\x81\x91\x01\xa1\xff",
    b"\xc7\x0c\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
];

fn any_protocol() -> impl Strategy<Value = Protocol> {
    prop::sample::select(Protocol::ALL)
}

/// Reads a stream that comes in pieces of the given sizes, over and over.
fn read(
    protocol: Protocol,
    stream: &[u8],
    sizes: &[usize],
    limit: usize,
) -> Result<Vec<Bytes>, FrameTooLarge> {
    let mut rest = Bytes::copy_from_slice(stream);
    let mut frames = Frames::new(limit);
    frames.speak(protocol);
    let mut seen = Vec::new();
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        frames.push(rest.split_to((*size).min(rest.len())));
        while let Some(frame) = frames.next_frame()? {
            seen.push(frame);
        }
        assert!(
            frames.gathered() <= limit + length::MAX_BYTES,
            "memory is bounded"
        );
    }
    Ok(seen)
}

proptest! {
    #[test]
    fn every_message_survives_the_round_trip_in_any_pieces(
        protocol in any_protocol(),
        messages in prop::collection::vec(any_message(), 1..5),
        sizes in prop::collection::vec(1_usize..60, 1..8),
    ) {
        let stream = messages.iter().map(|message| protocol.encode(message)).collect::<Vec<_>>().concat();
        let frames = read(protocol, &stream, &sizes, usize::MAX - 8).unwrap();
        let seen = frames.iter().map(|frame| protocol.decode(frame).unwrap().unwrap()).collect::<Vec<_>>();
        prop_assert_eq!(seen, messages);
    }

    /// A hub passes on what it was given, to clients of both protocols.
    #[cfg(feature = "messagepack")]
    #[test]
    fn a_value_survives_the_way_through_the_other_protocol(payload in any_payload()) {
        let message = item_of(&payload);
        let there = Protocol::MessagePack.encode(&message);
        let frames = read(Protocol::MessagePack, &there, &[usize::MAX], usize::MAX - 8).unwrap();
        let Some(Message::StreamItem { item, .. }) = Protocol::MessagePack.decode(&frames[0]).unwrap() else {
            panic!("an item");
        };
        prop_assert_eq!(item.to_json(), payload.to_json());
        let read = item.read::<serde_json::Value>().unwrap();
        prop_assert_eq!(read.to_string(), payload.to_json());
        prop_assert_eq!(Protocol::Json.encode(&item_of(&item)), Protocol::Json.encode(&message));
    }

    #[test]
    fn framing_gives_the_same_in_any_pieces(
        protocol in any_protocol(),
        stream in prop::collection::vec(prop_oneof![0_u8..6, Just(0x1e), Just(0x80), any::<u8>()], 0..120),
        sizes in prop::collection::vec(1_usize..20, 1..8),
        limit in 0_usize..40,
    ) {
        let whole = read(protocol, &stream, &[usize::MAX], limit);
        prop_assert_eq!(read(protocol, &stream, &sizes, limit).ok(), whole.clone().ok());
        for frame in whole.into_iter().flatten() {
            prop_assert!(frame.len() <= limit);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        swallow(&bytes);
    }

    #[test]
    fn nearly_valid_text_never_panics(text in r#"\{("(type|invocationId|target|arguments|streamIds|headers|item|error|result|protocol|version)":([0-9]{1,3}|"a"|null|\[\]|\{\}|\["\\ud800"\]),?){0,5}\}"#) {
        swallow(text.as_bytes());
    }

    #[cfg(feature = "messagepack")]
    #[test]
    fn nearly_valid_arrays_never_panic(
        kind in 1_u8..10,
        places in prop::collection::vec(
            prop::sample::select(PLACES),
            0..7,
        ),
    ) {
        let mut frame = vec![0x91 + u8::try_from(places.len()).unwrap(), kind];
        frame.extend(places.concat());
        swallow(&frame);
    }
}

/// Decodes in every way, and does with the result what hubs do.
fn swallow(bytes: &[u8]) {
    let _ = HandshakeRequest::decode(bytes);
    let _ = HandshakeResponse::decode(bytes);
    for protocol in Protocol::ALL {
        let Ok(Some(message)) = protocol.decode(bytes) else {
            continue;
        };
        // What was understood can be said again in any protocol.
        for other in Protocol::ALL {
            let said = other.encode(&message);
            let frames = read(*other, &said, &[usize::MAX], usize::MAX - 8).unwrap();
            let heard = other.decode(&frames[0]).unwrap().unwrap();
            assert_eq!(
                std::mem::discriminant(&heard),
                std::mem::discriminant(&message)
            );
        }
        if let Message::Invocation(call) = message {
            for argument in &call.arguments {
                let _ = argument.read::<serde_json::Value>();
                let _ = argument.read::<Vec<u8>>();
            }
        }
    }
}

#[cfg(feature = "messagepack")]
fn item_of(payload: &Payload) -> Message {
    Message::StreamItem {
        id: "7".to_owned(),
        item: payload.clone(),
    }
}
