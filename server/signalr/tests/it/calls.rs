//! What a call is answered, on every transport.

use signalr::{
    HubOptions,
    protocol::TransportKind::{LongPolling, ServerSentEvents, WebSockets},
};

use crate::support::{ALL, Client, Event, Site, call, settle};

fn completion(id: &str, rest: &str) -> String {
    format!("{{\"type\":3,\"invocationId\":\"{id}\",{rest}}}")
}

#[tokio::test]
async fn calls_are_answered_in_order_over_each_transport() {
    for kind in ALL {
        let mut site = Site::new();
        let mut client = Client::connect(&mut site, kind).await;
        let both = call("0", "Echo", "[{\"a\":null}]") + &call("1", "Nothing", "[]");
        client.send(&site, &both).await;
        assert_eq!(
            client.next(&site).await,
            completion("0", "\"result\":{\"a\":null}")
        );
        assert_eq!(client.next(&site).await, completion("1", "\"result\":null"));
    }
}

#[tokio::test]
async fn failures_read_as_official_clients_expect() {
    let mut site = Site::with(HubOptions {
        detailed_errors: true,
        ..HubOptions::default()
    });
    let mut client = Client::connect(&mut site, WebSockets).await;
    for (target, arguments, error) in [
        (
            "Nope",
            "[]",
            "Failed to invoke 'Nope' due to an error on the server. HubException: Method does not exist.",
        ),
        (
            "Echo",
            "[]",
            "Failed to invoke 'Echo' due to an error on the server. InvalidDataException: Invocation provides 0 argument(s) but target expects 1.",
        ),
        (
            "Fail",
            "[]",
            "An unexpected error occurred invoking 'Fail' on the server. InvalidOperationException: secret detail",
        ),
    ] {
        client.send(&site, &call("9", target, arguments)).await;
        assert_eq!(
            client.next(&site).await,
            completion("9", &format!("\"error\":\"{error}\""))
        );
    }
}

#[tokio::test]
async fn without_detailed_errors_the_detail_stays_here() {
    let mut site = Site::new();
    let mut client = Client::connect(&mut site, ServerSentEvents).await;
    client.send(&site, &call("0", "Fail", "[]")).await;
    let said = client.next(&site).await;
    assert_eq!(
        said,
        completion(
            "0",
            "\"error\":\"An unexpected error occurred invoking 'Fail' on the server.\""
        )
    );
}

#[tokio::test]
async fn a_panic_fails_one_call_and_not_the_connection() {
    let mut site = Site::new();
    let mut client = Client::connect(&mut site, LongPolling).await;
    client
        .send(
            &site,
            &(call("0", "Panic", "[]") + &call("1", "Echo", "[1]")),
        )
        .await;
    assert!(client.next(&site).await.contains("error"));
    assert_eq!(client.next(&site).await, completion("1", "\"result\":1"));
}

#[tokio::test]
async fn a_call_without_id_is_never_answered() {
    let mut site = Site::new();
    let mut client = Client::connect(&mut site, WebSockets).await;
    for target in ["Nope", "Fail", "Nothing"] {
        let text = format!("{{\"type\":1,\"target\":\"{target}\",\"arguments\":[]}}\u{1e}");
        client.send(&site, &text).await;
    }
    client.send(&site, &call("0", "Echo", "[1]")).await;
    assert_eq!(client.next(&site).await, completion("0", "\"result\":1"));
}

#[tokio::test]
async fn calls_run_one_at_a_time() {
    let mut site = Site::new();
    let mut client = Client::connect(&mut site, WebSockets).await;
    client
        .send(
            &site,
            &(call("0", "Wait", "[]") + &call("1", "Echo", "[1]")),
        )
        .await;
    assert_eq!(site.event().await, Event::Called("Wait".to_owned()));
    settle().await;
    assert!(site.events.try_recv().is_err(), "the second waits");
    site.server.hub().gate.notify_one();
    assert_eq!(client.next(&site).await, completion("0", "\"result\":null"));
    assert_eq!(client.next(&site).await, completion("1", "\"result\":1"));
}

#[tokio::test]
async fn reply_later_does_not_block_the_next_call() {
    for kind in ALL {
        let mut site = Site::new();
        let mut client = Client::connect(&mut site, kind).await;
        let laters = (0..1000)
            .map(|id| call(&id.to_string(), "Later", "[]"))
            .collect::<String>();
        client.send(&site, &laters).await;
        client.send(&site, &call("typing", "Echo", "[1]")).await;
        assert_eq!(
            client.next(&site).await,
            completion("typing", "\"result\":1")
        );
        settle().await;
        site.server.hub().gate.notify_waiters();
        for _ in 0..1000 {
            let said = client.next(&site).await;
            assert!(said.contains("\"result\":\"late\""), "{kind:?}: {said}");
        }
    }
}

#[tokio::test]
async fn too_many_open_replies_hold_up_the_next_call() {
    let options = HubOptions {
        max_open_replies: 2,
        ..HubOptions::default()
    };
    let mut site = Site::with(options);
    let mut client = Client::connect(&mut site, WebSockets).await;
    let calls = call("0", "Later", "[]") + &call("1", "Later", "[]") + &call("2", "Echo", "[1]");
    client.send(&site, &calls).await;
    for _ in 0..2 {
        assert_eq!(site.event().await, Event::Called("Later".to_owned()));
    }
    settle().await;
    assert!(site.events.try_recv().is_err());
    site.server.hub().gate.notify_one();
    assert_eq!(site.event().await, Event::Called("Echo".to_owned()));
}

#[tokio::test]
async fn an_open_reply_is_dropped_with_its_connection() {
    let mut site = Site::new();
    let mut client = Client::connect(&mut site, WebSockets).await;
    client.send(&site, &call("0", "Later", "[]")).await;
    assert_eq!(site.event().await, Event::Called("Later".to_owned()));
    settle().await;
    let gate = std::sync::Arc::clone(&site.server.hub().gate);
    assert_eq!(
        std::sync::Arc::strong_count(&gate),
        3,
        "the hub's, ours and the reply's"
    );
    drop(client);
    site.disconnected().await;
    assert_eq!(std::sync::Arc::strong_count(&gate), 2);
}

#[tokio::test]
async fn a_stream_call_is_answered_with_an_error() {
    let mut site = Site::new();
    let mut client = Client::connect(&mut site, WebSockets).await;
    let text = "{\"type\":4,\"invocationId\":\"s\",\"target\":\"Echo\",\"arguments\":[]}\u{1e}";
    client.send(&site, text).await;
    assert_eq!(
        client.next(&site).await,
        completion(
            "s",
            "\"error\":\"The client attempted to invoke the non-streaming 'Echo' method with a streaming invocation.\""
        )
    );
}

#[tokio::test]
async fn unknown_and_stray_messages_are_skipped() {
    let mut site = Site::new();
    let mut client = Client::connect(&mut site, WebSockets).await;
    for text in [
        "{\"type\":77}",
        "{\"type\":2,\"invocationId\":\"1\",\"item\":1}",
        "{\"type\":3,\"invocationId\":\"1\"}",
        "{\"type\":5,\"invocationId\":\"1\"}",
        "{\"type\":8,\"sequenceId\":1}",
    ] {
        client.send(&site, &format!("{text}\u{1e}")).await;
    }
    client.send(&site, &call("0", "Echo", "[1]")).await;
    assert_eq!(client.next(&site).await, completion("0", "\"result\":1"));
}
