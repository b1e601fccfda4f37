//! The negotiate answer in all its forms, as clients read it and as others write it.

use serde_json::{Value, json};

use super::*;

fn both_ways(json: &Value, answer: &NegotiateResponse) {
    assert_eq!(serde_json::to_value(answer).unwrap(), *json);
    let read: NegotiateResponse = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(read, *answer);
}

fn all() -> Vec<AvailableTransport> {
    [
        TransportKind::WebSockets,
        TransportKind::ServerSentEvents,
        TransportKind::LongPolling,
    ]
    .map(AvailableTransport::from)
    .to_vec()
}

fn listed() -> Value {
    json!([
        {"transport": "WebSockets", "transferFormats": ["Text", "Binary"]},
        {"transport": "ServerSentEvents", "transferFormats": ["Text"]},
        {"transport": "LongPolling", "transferFormats": ["Text", "Binary"]},
    ])
}

#[test]
fn version_0_has_one_id_for_both_purposes() {
    both_ways(
        &json!({"negotiateVersion": 0, "connectionId": "secret", "availableTransports": listed()}),
        &NegotiateResponse {
            negotiate_version: Some(0),
            connection_id: Some("secret".to_owned()),
            available_transports: all(),
            ..NegotiateResponse::default()
        },
    );
}

#[test]
fn version_1_has_a_public_id_and_a_secret_token() {
    both_ways(
        &json!({
            "negotiateVersion": 1,
            "connectionId": "public",
            "connectionToken": "secret",
            "availableTransports": listed(),
        }),
        &NegotiateResponse {
            negotiate_version: Some(1),
            connection_id: Some("public".to_owned()),
            connection_token: Some("secret".to_owned()),
            available_transports: all(),
            ..NegotiateResponse::default()
        },
    );
}

#[test]
fn stateful_reconnect_is_said_only_when_granted() {
    both_ways(
        &json!({"negotiateVersion": 1, "connectionId": "a", "connectionToken": "b", "useStatefulReconnect": true}),
        &NegotiateResponse {
            negotiate_version: Some(1),
            connection_id: Some("a".to_owned()),
            connection_token: Some("b".to_owned()),
            use_stateful_reconnect: true,
            ..NegotiateResponse::default()
        },
    );
    let json = serde_json::to_string(&NegotiateResponse::default()).unwrap();
    assert_eq!(json, "{}", "clients abort when it comes unasked");
}

#[test]
fn a_redirect_names_a_place_and_perhaps_a_token() {
    both_ways(
        &json!({"url": "https://elsewhere/hub", "accessToken": "t"}),
        &NegotiateResponse {
            url: Some("https://elsewhere/hub".to_owned()),
            access_token: Some("t".to_owned()),
            ..NegotiateResponse::default()
        },
    );
    both_ways(
        &json!({"url": "/hub"}),
        &NegotiateResponse {
            url: Some("/hub".to_owned()),
            ..NegotiateResponse::default()
        },
    );
}

#[test]
fn a_refusal_holds_nothing_but_its_words() {
    both_ways(
        &json!({"error": "No."}),
        &NegotiateResponse {
            error: Some("No.".to_owned()),
            ..NegotiateResponse::default()
        },
    );
}

#[test]
fn others_may_say_more_and_name_transports_of_their_own() {
    let read: NegotiateResponse = serde_json::from_value(json!({
        "tokenLifetimeSeconds": 60,
        "availableTransports": [{"transport": "Carrier", "transferFormats": ["Pigeon"], "x": 1}],
        "connectionId": null,
        "error": null,
    }))
    .unwrap();
    assert_eq!(read.connection_id, None);
    assert_eq!(read.available_transports[0].transport, "Carrier");
}

#[test]
fn what_is_no_answer_is_refused() {
    for json in [
        json!(null),
        json!(1),
        json!("x"),
        json!({"connectionId": 5}),
        json!({"availableTransports": {}}),
        json!({"availableTransports": [{"transport": "WebSockets"}]}),
        json!({"availableTransports": [{"transferFormats": []}]}),
        json!({"negotiateVersion": "1"}),
        json!({"useStatefulReconnect": "yes"}),
    ] {
        let read = serde_json::from_value::<NegotiateResponse>(json.clone());
        assert!(read.is_err(), "{json}");
    }
}
