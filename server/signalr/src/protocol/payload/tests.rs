//! Payloads of hub code, and of clients of the one protocol on their way to those of the other.

use std::collections::BTreeMap;

use serde_json::{json, value::RawValue};

use super::*;

#[test]
fn a_value_is_written_as_serde_json_writes_it() {
    let value =
        json!({"a": [1, -1, 0.1, 1e300, null, true], "\u{1e}\"\\é": "\u{1e}\"\\é\u{1f600}"});
    let payload = Payload::of(&value).unwrap();
    assert_eq!(payload.to_json(), serde_json::to_string(&value).unwrap());
    assert_eq!(payload.read::<serde_json::Value>().unwrap(), value);
    assert!(!payload.is_null());
    assert!(Payload::of(&()).unwrap().is_null());
    assert!(Payload::null().is_null());
}

#[cfg(feature = "server")]
#[test]
fn fractions_are_read_exactly() {
    // Read a unit in the last place too small or large by a faster reader.
    for number in [
        -1.555_128_747_131_675_3e-20,
        1.745_609_091_594_815_2e-9,
        -10_277_184_704_318.643_f64,
    ] {
        let read: f64 = Payload::of(&number).unwrap().read().unwrap();
        assert_eq!(read.to_bits(), number.to_bits());
    }
}

#[test]
fn text_of_others_is_taken_over_as_it_stands() {
    let raw = RawValue::from_string("{ \"a\" :1.0}".to_owned()).unwrap();
    assert_eq!(Payload::from(&*raw).to_json(), "{ \"a\" :1.0}");
    assert_eq!(Payload::from(raw).to_json(), "{ \"a\" :1.0}");
}

#[test]
fn bytes_are_base64_in_json() {
    // More than one round of the writer's buffer, and each length of the last group.
    for length in [0, 1, 2, 3, 767, 768, 769, 2_000] {
        let bytes = (0..=255).cycle().take(length).collect::<Vec<u8>>();
        let payload = Payload::of(&Binary(bytes.clone())).unwrap();
        let text = payload.read::<String>().unwrap();
        assert_eq!(text.len(), length.div_ceil(3) * 4);
        assert_eq!(payload.read::<Binary>().unwrap().0, bytes);
    }
    assert!(Payload::of("no base64!").unwrap().read::<Binary>().is_err());
    let numbers = Payload::of(&[1, 2, 3]).unwrap();
    assert_eq!(numbers.read::<Binary>().unwrap().0, [1, 2, 3]);
}

#[test]
fn what_cannot_be_written_is_an_error() {
    let map = BTreeMap::from([([1, 2], 3)]);
    assert!(Payload::of(&map).is_err());
}

#[test]
fn a_value_of_another_type_is_an_error() {
    let payload = Payload::of("text").unwrap();
    assert!(payload.read::<u8>().is_err());
    assert!(payload.read::<Vec<String>>().is_err());
}

#[cfg(feature = "messagepack")]
mod messagepack {
    use serde::Deserialize;

    use super::*;

    fn written(payload: &Payload) -> Vec<u8> {
        let mut out = vec![0xee];
        payload.write_messagepack(&mut out);
        assert_eq!(out.remove(0), 0xee, "what was there stays");
        out
    }

    fn came(bytes: &[u8]) -> Payload {
        Payload::from_messagepack(bytes)
    }

    #[test]
    fn hub_code_s_bytes_are_bytes_wherever_they_are() {
        let value = BTreeMap::from([("a", vec![Binary(vec![7]), Binary(vec![])]), ("b", vec![])]);
        let payload = Payload::of(&value).unwrap();
        assert_eq!(payload.to_json(), r#"{"a":["Bw==",""],"b":[]}"#);
        assert_eq!(
            written(&payload),
            b"\x82\xa1a\x92\xc4\x01\x07\xc4\x00\xa1b\x90"
        );
        let same = Payload::of(&("Bw==", Binary(vec![7]), "Bw==")).unwrap();
        assert_eq!(written(&same), b"\x93\xa4Bw==\xc4\x01\x07\xa4Bw==");
    }

    #[test]
    fn a_client_s_value_goes_on_as_it_came() {
        let bytes = b"\x82\xcd\x00\x01\xd6\xff\0\0\0\x01\xc4\x01\xff\xca\x3f\x80\0\0";
        let payload = came(bytes);
        assert_eq!(written(&payload), bytes);
        assert_eq!(
            payload.to_json(),
            r#"{"1":"1970-01-01T00:00:01Z","/w==":1.0}"#
        );
        assert!(came(b"\xc0").is_null());
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Order {
        id: u64,
        note: Option<String>,
        #[serde(default)]
        state: State,
    }

    #[derive(Debug, Default, Deserialize, PartialEq)]
    enum State {
        #[default]
        Open,
        Sent(u8),
        Lost {
            at: String,
        },
        Split(u8, u8),
    }

    #[test]
    fn maps_and_lists_are_read_as_structs_and_variants() {
        let order = |state| Order {
            id: 7,
            note: None,
            state,
        };
        for (bytes, state) in [
            (&b"\x82\xa2id\x07\xa4note\xc0"[..], State::Open),
            (
                b"\x83\xa1x\x91\xc0\xa2id\xd3\0\0\0\0\0\0\0\x07\xa5state\xa4Open",
                State::Open,
            ),
            (b"\x82\xa5state\x81\xa4Sent\x05\xa2id\x07", State::Sent(5)),
            (
                b"\x82\xa5state\x81\xa4Lost\x81\xa2at\xd6\xff\0\0\0\0\xa2id\x07",
                State::Lost {
                    at: "1970-01-01T00:00:00Z".to_owned(),
                },
            ),
            (b"\x93\x07\xc0\x81\xa5Split\x92\x01\x02", State::Split(1, 2)),
        ] {
            assert_eq!(
                came(bytes).read::<Order>().unwrap(),
                order(state),
                "{bytes:?}"
            );
        }
        for bytes in [
            &b"\x80"[..],
            b"\xc0",
            b"\x81\xa2id\xff",
            b"\x82\xa2id\x07\xa5state\xa4Gone",
            b"\x82\xa2id\x07\xa5state\x01",
            b"\x82\xa2id\x07\xa4note\xa1\xff",
        ] {
            assert!(came(bytes).read::<Order>().is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn bytes_are_read_as_whatever_holds_bytes() {
        let payload = came(b"\xc4\x03\x01\x02\xff");
        assert_eq!(payload.read::<Vec<u8>>().unwrap(), [1, 2, 255]);
        assert_eq!(payload.read::<[u8; 3]>().unwrap(), [1, 2, 255]);
        assert_eq!(payload.read::<Binary>().unwrap().0, [1, 2, 255]);
        assert!(payload.read::<String>().is_err());
        let list = came(b"\x93\x01\x02\xcc\xff");
        assert_eq!(list.read::<Binary>().unwrap().0, [1, 2, 255]);
        let text = came(b"\xa4AQL/");
        assert_eq!(text.read::<Binary>().unwrap().0, [1, 2, 255]);
    }

    #[test]
    fn numbers_are_read_in_every_width() {
        for bytes in [
            &b"\x07"[..],
            b"\xcc\x07",
            b"\xcd\0\x07",
            b"\xce\0\0\0\x07",
            b"\xcf\0\0\0\0\0\0\0\x07",
            b"\xd0\x07",
            b"\xd1\0\x07",
            b"\xd2\0\0\0\x07",
            b"\xd3\0\0\0\0\0\0\0\x07",
        ] {
            assert_eq!(came(bytes).read::<u8>().unwrap(), 7);
            assert_eq!(came(bytes).read::<i64>().unwrap(), 7);
            assert!((came(bytes).read::<f64>().unwrap() - 7.0).abs() < f64::EPSILON);
            assert_eq!(came(bytes).read::<serde_json::Value>().unwrap(), json!(7));
        }
        for bytes in [
            &b"\xff"[..],
            b"\xd0\xff",
            b"\xd1\xff\xff",
            b"\xd2\xff\xff\xff\xff",
        ] {
            assert_eq!(came(bytes).read::<i8>().unwrap(), -1);
            assert!(came(bytes).read::<u8>().is_err());
        }
    }

    #[test]
    fn carried_json_text_is_transcoded_whatever_it_holds() {
        let of = |json: &str| {
            let raw = RawValue::from_string(json.to_owned()).unwrap();
            written(&Payload::from(raw))
        };
        for (json, bytes) in [
            (" null ", &b"\xc0"[..]),
            ("true", b"\xc3"),
            ("false", b"\xc2"),
            ("0", b"\x00"),
            ("-1", b"\xff"),
            ("-0", b"\xcb\x80\0\0\0\0\0\0\0"),
            ("0.5", b"\xcb\x3f\xe0\0\0\0\0\0\0"),
            ("1E2", b"\xcb\x40\x59\0\0\0\0\0\0"),
            (
                "18446744073709551615",
                b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
            ),
            ("-9223372036854775808", b"\xd3\x80\0\0\0\0\0\0\0"),
            ("18446744073709551616", b"\xcb\x43\xf0\0\0\0\0\0\0"),
            (r#""""#, b"\xa0"),
            (r#""\"\\\/\b\f\n\r\t""#, b"\xa8\"\\/\x08\x0c\n\r\t"),
            (r#""a\u00e9\u0041b""#, b"\xa5a\xc3\xa9Ab"),
            (r#""\ud83d\ude00!""#, b"\xa5\xf0\x9f\x98\x80!"),
            (r#""\ud83d!\ude00""#, b"\xa7\xef\xbf\xbd!\xef\xbf\xbd"),
            (r#""é\\""#, b"\xa3\xc3\xa9\\"),
            ("[ ]", b"\x90"),
            ("{ }", b"\x80"),
            (
                r#" { "a" : [ 1 , { } ] , "b" : "c" } "#,
                b"\x82\xa1a\x92\x01\x80\xa1b\xa1c",
            ),
            (r#"[[],[[]],"]"]"#, b"\x93\x90\x91\x90\xa1]"),
        ] {
            assert_eq!(of(json), bytes, "{json}");
        }
        let long = of(&format!("[{}0]", "0,".repeat(15)));
        assert_eq!(long[..3], [0xdc, 0, 16]);
        assert_eq!(long.len(), 19);
        let longer = of(&format!("[{}{{}}]", "[],".repeat(65_535)));
        assert_eq!(longer[..5], [0xdd, 0, 1, 0, 0]);
        assert_eq!(longer.len(), 5 + 65_536);
    }

    #[test]
    fn depth_takes_no_stack() {
        let deep = "[".repeat(1_000_000) + &"]".repeat(1_000_000);
        let raw: Box<RawValue> = RawValue::from_string(deep).unwrap();
        let bytes = written(&Payload::from(raw));
        assert_eq!(bytes.len(), 1_000_000);
        assert_eq!(bytes[999_998..], [0x91, 0x90]);
    }

    #[test]
    fn what_json_cannot_say_is_said_by_what_comes_nearest() {
        for (bytes, json) in [
            (&b"\xcb\x7f\xf8\0\0\0\0\0\0"[..], "null"),
            (b"\xca\xff\x80\0\0", "null"),
            (b"\xca\x3d\xcc\xcc\xcd", "0.1"),
            (b"\xa2a\xff", "\"a\u{fffd}\""),
            (b"\xd4\x05\xff", "\"/w==\""),
            (b"\xd4\xff\xff", "\"/w==\""),
            (
                b"\x84\xc0\x01\xc3\x02\xff\x03\x91\xa1a\x04",
                r#"{"null":1,"true":2,"-1":3,"[\"a\"]":4}"#,
            ),
        ] {
            let payload = came(bytes);
            assert_eq!(payload.to_json(), json);
            serde_json::from_str::<serde_json::Value>(json).unwrap();
        }
    }
}
