//! Both first messages.

use super::*;
use DecodeError::{Missing, NotAnObject, WrongType};

fn request(protocol: &str, version: u32) -> HandshakeRequest {
    HandshakeRequest {
        protocol: protocol.to_owned(),
        version,
    }
}

#[test]
fn requests_are_read_however_they_are_spelled() {
    for (frame, expected) in [
        (r#"{"protocol":"json","version":1}"#, request("json", 1)),
        (
            r#"{"version":1,"protocol":"messagepack"}"#,
            request("messagepack", 1),
        ),
        (r#"{"protocol":"JSON","version":2}"#, request("JSON", 2)),
        (
            r#" { "protocol" : "json" , "version" : 0 } "#,
            request("json", 0),
        ),
        (
            r#"{"protocol":"j\u0073on","version":1}"#,
            request("json", 1),
        ),
        (
            r#"{"protocol":"json","version":1,"later":[{}]}"#,
            request("json", 1),
        ),
        (
            r#"{"protocol":"json","version":1,"error":"no"}"#,
            request("json", 1),
        ),
        (
            r#"{"x":[{}],"version":7,"protocol":"a","version":1,"protocol":"json"}"#,
            request("json", 1),
        ),
        (
            r#"{"protocol":"","version":4294967295}"#,
            request("", u32::MAX),
        ),
    ] {
        assert_eq!(
            HandshakeRequest::decode(frame.as_bytes()),
            Ok(expected),
            "{frame}"
        );
    }
}

#[test]
fn what_is_no_request_is_refused() {
    for (frame, error) in [
        ("", NotAnObject),
        ("42", NotAnObject),
        ("null", NotAnObject),
        ("[]", NotAnObject),
        ("\"\"", NotAnObject),
        ("{", NotAnObject),
        (r#"{"protocol":"json","version":1"#, NotAnObject),
        (r#"{"protocol":"json","version":1}{}"#, NotAnObject),
        ("{}", Missing("protocol")),
        (r#"{"type":6}"#, Missing("protocol")),
        (
            r#"{"type":1,"target":"a","arguments":[]}"#,
            Missing("protocol"),
        ),
        (r#"{"protocol":"json"}"#, Missing("version")),
        (r#"{"version":1}"#, Missing("protocol")),
        (r#"{"protocol":null,"version":1}"#, Missing("protocol")),
        (r#"{"protocol":"json","version":null}"#, Missing("version")),
        (r#"{"protocol":5,"version":1}"#, WrongType("protocol")),
        (r#"{"protocol":"json","version":"1"}"#, WrongType("version")),
        (r#"{"protocol":"json","version":-1}"#, WrongType("version")),
        (r#"{"protocol":"json","version":1.5}"#, WrongType("version")),
        (
            r#"{"protocol":"json","version":4294967296}"#,
            WrongType("version"),
        ),
    ] {
        assert_eq!(
            HandshakeRequest::decode(frame.as_bytes()),
            Err(error),
            "{frame}"
        );
    }
    assert_eq!(HandshakeRequest::decode(b"\x02\x91\x06"), Err(NotAnObject));
    assert_eq!(HandshakeRequest::decode(b"{\"\xff\":1}"), Err(NotAnObject));
}

#[test]
fn responses_are_read_and_written() {
    assert_eq!(HandshakeResponse::default().encode(), "{}\u{1e}");
    let refused = HandshakeResponse {
        error: Some("No \"way\"\u{1e}.".to_owned()),
    };
    assert_eq!(
        refused.encode(),
        "{\"error\":\"No \\\"way\\\"\\u001e.\"}\u{1e}"
    );
    for (frame, error) in [
        ("{}", None),
        (r#"{"error":null}"#, None),
        (r#"{"minorVersion":1}"#, None),
        (r#"{"error":"no"}"#, Some("no")),
        (r#"{"x":{"error":"a"},"error":"no"}"#, Some("no")),
    ] {
        let error = error.map(str::to_owned);
        let response = HandshakeResponse::decode(frame.as_bytes());
        assert_eq!(response, Ok(HandshakeResponse { error }), "{frame}");
    }
    for (frame, error) in [
        ("", NotAnObject),
        ("[]", NotAnObject),
        ("{}x", NotAnObject),
        (r#"{"error":1}"#, WrongType("error")),
        (r#"{"error":{}}"#, WrongType("error")),
    ] {
        let response = HandshakeResponse::decode(frame.as_bytes());
        assert_eq!(response, Err(error), "{frame}");
    }
}

#[test]
fn a_request_survives_its_own_encoding() {
    let request = request("j\"son\u{1e}", 2);
    let written = request.encode();
    let (separator, frame) = written.split_last().unwrap();
    assert_eq!(*separator, SEPARATOR);
    assert_eq!(HandshakeRequest::decode(frame), Ok(request));
}

#[test]
fn protocols_are_found_by_name_in_any_case() {
    assert_eq!(Protocol::by_name("json"), Some(Protocol::Json));
    assert_eq!(Protocol::by_name("Json"), Some(Protocol::Json));
    for name in ["", "json ", "jason", "message pack", "protobuf"] {
        assert_eq!(Protocol::by_name(name), None, "{name}");
    }
    for protocol in Protocol::ALL {
        assert_eq!(Protocol::by_name(protocol.name()), Some(*protocol));
        assert_eq!(protocol.newest_version(), 2);
    }
    #[cfg(feature = "messagepack")]
    {
        let protocol = Protocol::by_name("MessagePack").unwrap();
        assert_eq!(protocol, Protocol::MessagePack);
        assert_eq!(protocol.transfer_format(), TransferFormat::Binary);
    }
}
