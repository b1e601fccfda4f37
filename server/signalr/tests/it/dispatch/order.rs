//! Which call runs when.

use std::sync::Arc;

use futures_util::stream;
use signalr::{HubOptions, Later};
use tokio::sync::{Notify, Semaphore};

use super::{methods, on_stage, said};
use crate::support::{Client, call, completion, item, settle, stream_call, upload_call};

#[tokio::test]
async fn invocations_run_one_at_a_time_in_order() {
    let gate = Arc::new(Notify::new());
    let hub = {
        let gate = Arc::clone(&gate);
        methods().on("Wait", move || {
            let gate = Arc::clone(&gate);
            async move { gate.notified().await }
        })
    };
    let (site, mut client) = on_stage(hub, HubOptions::default()).await;
    let calls = call("0", "Wait", "[]") + &call("1", "Echo", "[1]") + &call("2", "Echo", "[2]");
    client.send(&site, &calls).await;
    settle().await;
    gate.notify_one();
    for answer in [
        ("0", ",\"result\":null"),
        ("1", ",\"result\":1"),
        ("2", ",\"result\":2"),
    ] {
        assert_eq!(
            client.next(&site).await,
            said(completion(answer.0, answer.1))
        );
    }
}

#[tokio::test]
async fn max_parallel_invocations_bounds_how_many_run_at_once() {
    let running = Arc::new(Semaphore::new(0));
    let gate = Arc::new(Notify::new());
    let hub = {
        let (running, gate) = (Arc::clone(&running), Arc::clone(&gate));
        methods().on("Wait", move || {
            let (running, gate) = (Arc::clone(&running), Arc::clone(&gate));
            async move {
                running.add_permits(1);
                gate.notified().await;
            }
        })
    };
    let options = HubOptions {
        max_parallel_invocations: 3,
        ..HubOptions::default()
    };
    let (site, mut client) = on_stage(hub, options).await;
    let calls = (0..5)
        .map(|id| call(&id.to_string(), "Wait", "[]"))
        .collect::<String>();
    client.send(&site, &calls).await;
    settle().await;
    assert_eq!(running.available_permits(), 3);
    gate.notify_one();
    assert_eq!(
        client.next(&site).await,
        said(completion("0", ",\"result\":null"))
    );
    settle().await;
    assert_eq!(running.available_permits(), 4);
}

#[tokio::test]
async fn later_lets_the_next_call_begin() {
    let gate = Arc::new(Notify::new());
    let hub = {
        let gate = Arc::clone(&gate);
        methods().on("Slow", move || {
            let gate = Arc::clone(&gate);
            async move {
                Later(async move {
                    gate.notified().await;
                    "late"
                })
            }
        })
    };
    let (site, mut client) = on_stage(hub, HubOptions::default()).await;
    client
        .send(
            &site,
            &(call("0", "Slow", "[]") + &call("1", "Echo", "[1]")),
        )
        .await;
    assert_eq!(
        client.next(&site).await,
        said(completion("1", ",\"result\":1"))
    );
    gate.notify_one();
    assert_eq!(
        client.next(&site).await,
        said(completion("0", ",\"result\":\"late\""))
    );
}

#[tokio::test]
async fn streaming_calls_start_in_order_and_run_beside_others() {
    let started = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let hub = {
        let (first, second) = (Arc::clone(&started), Arc::clone(&started));
        methods()
            .on_stream("Forever", move |name: String| {
                first.lock().push(name);
                async { stream::pending::<u8>() }
            })
            .on("Note", move |name: String| {
                second.lock().push(name);
                async {}
            })
    };
    let (site, mut client) = on_stage(hub, HubOptions::default()).await;
    let calls = stream_call("a", "Forever", "[\"a\"]")
        + &call("b", "Note", "[\"b\"]")
        + &stream_call("c", "Forever", "[\"c\"]")
        + &call("d", "Note", "[\"d\"]");
    client.send(&site, &calls).await;
    for id in ["b", "d"] {
        assert_eq!(
            client.next(&site).await,
            said(completion(id, ",\"result\":null"))
        );
    }
    assert_eq!(*started.lock(), ["a", "b", "c", "d"]);
}

#[tokio::test]
async fn a_call_with_an_upload_runs_beside_others() {
    let hub = methods().on("Count", |mut items: signalr::Upload<u8>| async move {
        let mut count = 0;
        while let Some(Ok(_)) = items.next().await {
            count += 1;
        }
        count
    });
    let (site, mut client) = on_stage(hub, HubOptions::default()).await;
    let calls = upload_call("0", "Count", "[\"s\"]") + &call("1", "Echo", "[1]");
    client.send(&site, &calls).await;
    assert_eq!(
        client.next(&site).await,
        said(completion("1", ",\"result\":1"))
    );
    client
        .send(&site, &(item("s", "1") + &completion("s", "")))
        .await;
    assert_eq!(
        client.next(&site).await,
        said(completion("0", ",\"result\":1"))
    );
}

#[tokio::test]
async fn method_names_are_matched_without_regard_to_case() {
    for kind in crate::support::ALL {
        let site = crate::support::Site::serving(methods(), HubOptions::default());
        let mut client = Client::join(&site, kind).await;
        client.send(&site, &call("0", "eCHO", "[1]")).await;
        assert_eq!(
            client.next(&site).await,
            said(completion("0", ",\"result\":1"))
        );
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_is_not_served_further_calls() {
    let calls = Arc::new(Semaphore::new(0));
    let hub = {
        let calls = Arc::clone(&calls);
        methods().on("Much", move || {
            calls.add_permits(1);
            async { "x".repeat(60_000) }
        })
    };
    let site = crate::support::Site::serving(hub, HubOptions::default());
    let token = site.token().await;
    let socket = site
        .websocket_on(site.dial(1024), &format!("/hub?id={token}"))
        .await;
    let mut client = Client::over(socket.unwrap(), token);
    client.send(&site, crate::support::HANDSHAKE).await;
    for id in 0..10 {
        client
            .send(&site, &call(&id.to_string(), "Much", "[]"))
            .await;
    }
    settle().await;
    let served = calls.available_permits();
    assert!((1..6).contains(&served), "{served} calls were served");
    for _ in 0..11 {
        client.next(&site).await;
    }
    assert_eq!(calls.available_permits(), 10);
}
