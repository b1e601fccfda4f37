//! Streams to the client.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt, stream};
use signalr::{Caller, Cancelled, HubError, HubOptions, protocol::Message};
use tokio::sync::Notify;

use super::{detailed, methods, on_stage, said};
use crate::support::{
    ALL, Client, Site, User, call, cancel, completion, item, settle, stream_call,
};

#[tokio::test]
async fn items_come_in_order_and_a_completion_without_result_ends_them() {
    for kind in ALL {
        let hub = methods().on_stream("Letters", |n: usize| async move {
            stream::iter(["a", "b", "c"]).take(n)
        });
        let site = Site::serving(hub, HubOptions::default());
        let mut client = Client::join(&site, kind).await;
        client
            .send(&site, &stream_call("s", "Letters", "[3]"))
            .await;
        for letter in ["\"a\"", "\"b\"", "\"c\""] {
            assert_eq!(client.next(&site).await, said(item("s", letter)));
        }
        assert_eq!(client.next(&site).await, said(completion("s", "")));
        client
            .send(&site, &stream_call("s", "Letters", "[0]"))
            .await;
        assert_eq!(
            client.next(&site).await,
            said(completion("s", "")),
            "the id is free again"
        );
    }
}

#[tokio::test]
async fn a_null_item_is_written() {
    let hub = methods().on_stream("Nulls", || async { stream::iter([None::<u8>]) });
    let (site, mut client) = on_stage(hub, HubOptions::default()).await;
    client.send(&site, &stream_call("s", "Nulls", "[]")).await;
    assert_eq!(client.next(&site).await, said(item("s", "null")));
}

#[tokio::test]
async fn a_cancel_in_the_same_chunk_works_and_ends_without_error() {
    for kind in ALL {
        let hub = methods().on_stream(
            "Forever",
            |caller: Caller<User>, Cancelled(cancelled)| async move {
                let farewell = Farewell(caller);
                stream::pending::<u8>().map(move |item| {
                    let _alive = &farewell;
                    assert!(!cancelled.is_cancelled());
                    item
                })
            },
        );
        let site = Site::serving(hub, HubOptions::default());
        let mut client = Client::join(&site, kind).await;
        client
            .send(&site, &(stream_call("s", "Forever", "[]") + &cancel("s")))
            .await;
        let farewell = "{\"type\":1,\"target\":\"StreamCanceled\",\"arguments\":[]}";
        assert_eq!(
            client.next(&site).await,
            farewell,
            "the stream is dropped first"
        );
        assert_eq!(client.next(&site).await, said(completion("s", "")));
    }
}

struct Farewell(Caller<User>);

impl Drop for Farewell {
    fn drop(&mut self) {
        let farewell = Message::call("StreamCanceled", Vec::new());
        let farewell = self.0.protocol().encode(&farewell);
        self.0.try_send(farewell).unwrap();
    }
}

#[tokio::test]
async fn a_cancel_reaches_work_that_runs_elsewhere() {
    let seen = Arc::new(Notify::new());
    let hub = {
        let seen = Arc::clone(&seen);
        methods().on_stream("Forever", move |Cancelled(cancelled)| {
            let seen = Arc::clone(&seen);
            async move {
                #[expect(clippy::disallowed_methods, reason = "a test's own task")]
                tokio::spawn(async move {
                    cancelled.cancelled().await;
                    seen.notify_one();
                });
                stream::pending::<u8>()
            }
        })
    };
    let (site, mut client) = on_stage(hub, HubOptions::default()).await;
    client.send(&site, &stream_call("s", "Forever", "[]")).await;
    settle().await;
    client.send(&site, &cancel("s")).await;
    seen.notified().await;
    assert_eq!(client.next(&site).await, said(completion("s", "")));
}

#[tokio::test]
async fn a_cancel_ends_a_stream_that_is_still_being_made() {
    let hub = methods().on_stream("Never", std::future::pending::<stream::Empty<u8>>);
    let (site, mut client) = on_stage(hub, HubOptions::default()).await;
    client.send(&site, &stream_call("s", "Never", "[]")).await;
    settle().await;
    client.send(&site, &cancel("s")).await;
    assert_eq!(client.next(&site).await, said(completion("s", "")));
}

#[tokio::test]
async fn a_cancel_of_an_unknown_id_is_ignored() {
    let (site, mut client) = on_stage(methods(), HubOptions::default()).await;
    client
        .send(&site, &(cancel("nothing") + &call("0", "Echo", "[1]")))
        .await;
    assert_eq!(
        client.next(&site).await,
        said(completion("0", ",\"result\":1"))
    );
}

#[tokio::test]
async fn a_live_stream_id_cannot_be_used_twice_and_the_first_stream_goes_on() {
    let gate = Arc::new(Notify::new());
    let hub = {
        let gate = Arc::clone(&gate);
        methods().on_stream("Gated", move || {
            let gate = Arc::clone(&gate);
            async move {
                stream::once(async move {
                    gate.notified().await;
                    1
                })
            }
        })
    };
    let (site, mut client) = on_stage(hub, HubOptions::default()).await;
    client
        .send(&site, &stream_call("s", "Gated", "[]").repeat(2))
        .await;
    let error = ",\"error\":\"Invocation ID 's' is already in use.\"";
    assert_eq!(client.next(&site).await, said(completion("s", error)));
    gate.notify_one();
    assert_eq!(client.next(&site).await, said(item("s", "1")));
    assert_eq!(client.next(&site).await, said(completion("s", "")));
}

#[tokio::test]
async fn an_error_before_the_first_item_names_the_method() {
    let hub = methods().on_stream("Throw", |text: String| async move {
        Err::<stream::Empty<u8>, _>(HubError::internal("InvalidOperationException", text))
    });
    let (site, mut client) = on_stage(hub, detailed()).await;
    client
        .send(&site, &stream_call("s", "Throw", "[\"An error.\"]"))
        .await;
    let error = ",\"error\":\"An unexpected error occurred invoking 'Throw' on the server. InvalidOperationException: An error.\"";
    assert_eq!(client.next(&site).await, said(completion("s", error)));
}

#[tokio::test]
async fn an_error_between_items_says_that_streaming_failed() {
    for (options, more) in [
        (HubOptions::default(), ""),
        (detailed(), " IOException: disk"),
    ] {
        let hub = methods()
            .on_stream("Break", || async {
                stream::iter([Ok(1), Err(HubError::internal("IOException", "disk")), Ok(2)])
            })
            .on_stream("Tell", || async {
                stream::iter([Err::<u8, _>(HubError::new("Too late."))])
            });
        let (site, mut client) = on_stage(hub, options).await;
        client.send(&site, &stream_call("s", "Break", "[]")).await;
        assert_eq!(client.next(&site).await, said(item("s", "1")));
        let start = "An error occurred on the server while streaming results.";
        let error = format!(",\"error\":\"{start}{more}\"");
        assert_eq!(client.next(&site).await, said(completion("s", &error)));
        client.send(&site, &stream_call("t", "Tell", "[]")).await;
        let error = format!(",\"error\":\"{start} HubException: Too late.\"");
        assert_eq!(client.next(&site).await, said(completion("t", &error)));
    }
}

#[tokio::test]
async fn a_panic_ends_one_stream_and_not_the_connection() {
    let hub = methods().on_stream("Panic", || async {
        stream::iter(0..3).map(|n| {
            assert!(n < 1, "on purpose");
            n
        })
    });
    let (site, mut client) = on_stage(hub, HubOptions::default()).await;
    client.send(&site, &stream_call("s", "Panic", "[]")).await;
    assert_eq!(client.next(&site).await, said(item("s", "0")));
    assert!(client.next(&site).await.contains("while streaming results"));
    client.send(&site, &call("0", "Echo", "[1]")).await;
    assert_eq!(
        client.next(&site).await,
        said(completion("0", ",\"result\":1"))
    );
}

#[tokio::test]
async fn a_stream_is_not_polled_while_the_queue_has_no_room() {
    let polled = Arc::new(AtomicUsize::new(0));
    let hub = {
        let polled = Arc::clone(&polled);
        methods().on_stream("Endless", move || {
            let polled = Arc::clone(&polled);
            async move {
                stream::iter(0_u64..).map(move |n| {
                    polled.fetch_add(1, Ordering::Relaxed);
                    (n, "x".repeat(1000))
                })
            }
        })
    };
    let site = Site::serving(hub, HubOptions::default());
    let token = site.token().await;
    let socket = site
        .websocket_on(site.dial(1024), &format!("/hub?id={token}"))
        .await;
    let mut client = Client::over(socket.unwrap(), token);
    client.send(&site, crate::support::HANDSHAKE).await;
    client.send(&site, &stream_call("s", "Endless", "[]")).await;
    settle().await;
    let before = polled.load(Ordering::Relaxed);
    settle().await;
    assert_eq!(polled.load(Ordering::Relaxed), before, "it waits");
    assert!(
        before < 300,
        "{before} items of 1 kB were made for a client that does not read"
    );
    for _ in 0..500 {
        client.next(&site).await;
    }
    assert!(
        polled.load(Ordering::Relaxed) >= 499,
        "and goes on when the client reads"
    );
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_dropped_with_its_connection() {
    let alive = Arc::new(());
    let hub = {
        let alive = Arc::clone(&alive);
        methods().on_stream("Forever", move || {
            let alive = Arc::clone(&alive);
            async move {
                stream::pending::<u8>().map(move |item| (item, Arc::strong_count(&alive)))
            }
        })
    };
    let (site, mut client) = on_stage(hub, HubOptions::default()).await;
    client.send(&site, &stream_call("s", "Forever", "[]")).await;
    settle().await;
    assert_eq!(Arc::strong_count(&alive), 3);
    drop(client);
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(Arc::strong_count(&alive), 2);
    assert_eq!(site.server.count(), 0);
}

#[tokio::test]
async fn streams_of_one_connection_take_turns() {
    let hub = methods().on_stream(
        "Count",
        |from: u32| async move { stream::iter(from..from + 50) },
    );
    let (site, mut client) = on_stage(hub, HubOptions::default()).await;
    let calls = stream_call("a", "Count", "[0]") + &stream_call("b", "Count", "[1000]");
    client.send(&site, &calls).await;
    let mut last = (None, None);
    for position in 0..102 {
        let said = client.next(&site).await;
        let of_a = said.contains("\"invocationId\":\"a\"");
        *(if of_a { &mut last.0 } else { &mut last.1 }) = Some(position);
    }
    assert!(last.0.is_some() && last.1.is_some());
}
