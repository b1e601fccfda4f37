//! The sentences that callers read.

use futures_util::stream;
use signalr::{HubError, HubOptions, Methods, Upload};

use super::{detailed, methods, on_stage, said};
use crate::support::{User, call, completion, stream_call, upload_call};

fn failing() -> Methods<User> {
    methods()
        .on("Throw", |text: String| async move {
            Err::<(), _>(HubError::internal("InvalidOperationException", text))
        })
        .on("Refuse", || async {
            Err::<(), _>(HubError::new("Not on Sundays."))
        })
        .on("Panic", || async {
            let empty: [u8; 0] = [];
            empty.first().copied().expect("on purpose")
        })
        .on("Two", |a: u8, b: String| async move { (a, b) })
        .on("Upload", |_: Upload<u8>| async {})
        .on_stream("Stream", || async { stream::empty::<u8>() })
}

async fn error_of(options: HubOptions, message: String) -> String {
    let (site, mut client) = on_stage(failing(), options).await;
    client.send(&site, &message).await;
    let said = client.next(&site).await;
    let completion: serde_json::Value = serde_json::from_str(&said).unwrap();
    completion["error"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn each_failure_has_the_sentence_that_official_clients_assert() {
    let failed = |name: &str| format!("Failed to invoke '{name}' due to an error on the server.");
    let unexpected =
        |name: &str| format!("An unexpected error occurred invoking '{name}' on the server.");
    for (message, always, detail) in [
        (call("0", "Nope", "[]"), failed("Nope") + " HubException: Method does not exist.", ""),
        (stream_call("0", "Nope", "[]"), failed("Nope") + " HubException: Method does not exist.", ""),
        (
            call("0", "Two", "[1]"),
            failed("Two"),
            " InvalidDataException: Invocation provides 1 argument(s) but target expects 2.",
        ),
        (
            call("0", "Two", "[1,2]"),
            failed("Two"),
            " InvalidDataException: Error binding arguments. Make sure that the types of the provided values match the types of the hub method being invoked.",
        ),
        (call("0", "throw", "[\"Oh.\"]"), unexpected("throw"), " InvalidOperationException: Oh."),
        (call("0", "Refuse", "[]"), unexpected("Refuse") + " HubException: Not on Sundays.", ""),
        (call("0", "Panic", "[]"), unexpected("Panic"), " Panic: the method panicked"),
        (
            call("0", "Stream", "[]"),
            "The client attempted to invoke the streaming 'Stream' method with a non-streaming invocation.".to_owned(),
            "",
        ),
        (
            stream_call("0", "Echo", "[1]"),
            "The client attempted to invoke the non-streaming 'Echo' method with a streaming invocation.".to_owned(),
            "",
        ),
        (
            upload_call("0", "Upload", "[\"1\",\"2\"]"),
            unexpected("Upload") + " HubException: Client sent 2 stream(s), Hub method expects 1.",
            "",
        ),
        (
            call("0", "Upload", "[]"),
            unexpected("Upload") + " HubException: Client sent 0 stream(s), Hub method expects 1.",
            "",
        ),
        (
            upload_call("0", "Refuse", "[\"1\"]"),
            unexpected("Refuse") + " HubException: Client sent 1 stream(s), Hub method expects 0.",
            "",
        ),
    ] {
        assert_eq!(error_of(HubOptions::default(), message.clone()).await, always);
        assert_eq!(error_of(detailed(), message).await, format!("{always}{detail}"));
    }
}

#[tokio::test]
async fn an_invocation_without_id_is_never_answered() {
    let (site, mut client) = on_stage(failing(), HubOptions::default()).await;
    for target in [
        "Nope", "Two", "Throw", "Refuse", "Panic", "Stream", "Upload", "Echo",
    ] {
        let call = format!("{{\"type\":1,\"target\":\"{target}\",\"arguments\":[1]}}\u{1e}");
        client.send(&site, &call).await;
    }
    client.send(&site, &call("0", "Echo", "[1]")).await;
    assert_eq!(
        client.next(&site).await,
        said(completion("0", ",\"result\":1"))
    );
}

/// Lists of tiny values cost many times their bytes, and deep ones the stack of whoever reads them.
#[tokio::test]
async fn too_many_arguments_and_too_deep_ones_close_with_an_error() {
    let list = |count: usize| format!("[{}1]", "1,".repeat(count - 1));
    let nested = |depth: usize| format!("[{}1{}]", "[".repeat(depth), "]".repeat(depth));
    let deep_text = format!("[\"{}\"]", "[".repeat(1_000));
    for fine in [list(1_024), nested(128), deep_text] {
        let (site, mut client) = on_stage(methods(), HubOptions::default()).await;
        client.send(&site, &call("0", "Echo", &fine)).await;
        let answer = client.next(&site).await;
        assert!(answer.contains("\"type\":3"), "{answer}");
    }
    for (bad, error) in [
        (
            list(1_025),
            "property 'arguments' has more than 1024 elements",
        ),
        (nested(129), "the frame is nested deeper than 128 levels"),
        (nested(16_000), "the frame is nested deeper than 128 levels"),
    ] {
        let (site, mut client) = on_stage(methods(), HubOptions::default()).await;
        client.send(&site, &call("0", "Echo", &bad)).await;
        assert_eq!(
            client.next(&site).await,
            format!(
                "{{\"type\":7,\"error\":\"Connection closed with an error. {error}\",\"allowReconnect\":true}}"
            )
        );
    }
}
