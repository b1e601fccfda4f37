//! Streams that clients send beside a call.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt;
use signalr::{HubError, HubOptions, Upload};
use tokio::sync::Notify;

use super::{detailed, methods, on_stage, said};
use crate::support::{
    ALL, Client, Site, User, call, completion, item, settle, stream_call, upload_call,
};

async fn concat(mut parts: Upload<String>) -> Result<String, HubError> {
    let mut whole = String::new();
    while let Some(part) = parts.next().await {
        whole += &part?;
    }
    Ok(whole)
}

fn hub() -> signalr::Methods<User> {
    methods().on("Concat", concat)
}

#[tokio::test]
async fn items_reach_the_method_in_order_and_its_end_is_seen() {
    for kind in ALL {
        let site = Site::serving(hub(), HubOptions::default());
        let mut client = Client::join(&site, kind).await;
        client
            .send(&site, &upload_call("0", "Concat", "[\"1\"]"))
            .await;
        client
            .send(&site, &(item("1", "\"Hello \"") + &item("1", "\"world\"")))
            .await;
        client
            .send(&site, &(item("1", "\"!\"") + &completion("1", "")))
            .await;
        let answer = completion("0", ",\"result\":\"Hello world!\"");
        assert_eq!(client.next(&site).await, said(answer));
    }
}

#[tokio::test]
async fn one_call_may_take_several_streams() {
    let hub = methods().on(
        "Zip",
        |left: Upload<u8>, with: u8, right: Upload<u8>| async move {
            let pairs = left.zip(right).map(|(a, b)| Ok(a? * with + b?));
            pairs
                .collect::<Vec<Result<u8, HubError>>>()
                .await
                .into_iter()
                .collect::<Result<Vec<_>, _>>()
        },
    );
    let (site, mut client) = on_stage(hub, HubOptions::default()).await;
    let call =
        upload_call("0", "Zip", "[\"l\",\"r\"]").replace("\"arguments\":[]", "\"arguments\":[10]");
    let items = item("l", "1") + &item("r", "2") + &item("r", "4") + &item("l", "3");
    client
        .send(
            &site,
            &(call + &items + &completion("l", "") + &completion("r", "")),
        )
        .await;
    assert_eq!(
        client.next(&site).await,
        said(completion("0", ",\"result\":[12,34]"))
    );
}

#[tokio::test]
async fn a_stream_may_answer_a_stream() {
    let hub = methods().on_stream("Double", |numbers: Upload<u32>| async move {
        numbers.map(|number| number.map(|number| number * 2))
    });
    let (site, mut client) = on_stage(hub, HubOptions::default()).await;
    let call = upload_call("0", "Double", "[\"u\"]").replacen("\"type\":1", "\"type\":4", 1);
    client.send(&site, &(call + &item("u", "1"))).await;
    assert_eq!(client.next(&site).await, said(item("0", "2")));
    client
        .send(&site, &(item("u", "2") + &completion("u", "")))
        .await;
    assert_eq!(client.next(&site).await, said(item("0", "4")));
    assert_eq!(client.next(&site).await, said(completion("0", "")));
}

#[tokio::test]
async fn an_upload_that_the_client_fails_is_an_error_in_the_reader() {
    let (site, mut client) = on_stage(hub(), HubOptions::default()).await;
    client
        .send(&site, &upload_call("0", "Concat", "[\"1\"]"))
        .await;
    client
        .send(
            &site,
            &(item("1", "\"a\"") + &completion("1", ",\"error\":\"Something bad\"")),
        )
        .await;
    let error = ",\"error\":\"An unexpected error occurred invoking 'Concat' on the server. HubException: Something bad\"";
    assert_eq!(client.next(&site).await, said(completion("0", error)));
}

#[tokio::test]
async fn an_item_of_the_wrong_type_is_an_error_in_the_reader() {
    let (site, mut client) = on_stage(hub(), detailed()).await;
    let call = upload_call("0", "Concat", "[\"1\"]");
    client
        .send(&site, &(call + &item("1", "7") + &item("1", "\"b\"")))
        .await;
    let error = ",\"error\":\"An unexpected error occurred invoking 'Concat' on the server. HubException: Failed to bind Stream message.\"";
    assert_eq!(client.next(&site).await, said(completion("0", error)));
}

#[tokio::test]
async fn a_full_buffer_of_10_items_blocks_the_read_loop() {
    let gate = Arc::new(Notify::new());
    let hub = {
        let gate = Arc::clone(&gate);
        methods().on("Lazy", move |parts: Upload<String>| {
            let gate = Arc::clone(&gate);
            async move {
                gate.notified().await;
                concat(parts).await
            }
        })
    };
    let (site, mut client) = on_stage(hub, HubOptions::default()).await;
    client
        .send(&site, &upload_call("0", "Lazy", "[\"1\"]"))
        .await;
    client.send(&site, &item("1", "\"a\"").repeat(10)).await;
    client.send(&site, &call("e", "Echo", "[1]")).await;
    assert_eq!(
        client.next(&site).await,
        said(completion("e", ",\"result\":1")),
        "10 fit"
    );
    client
        .send(&site, &(item("1", "\"b\"") + &call("f", "Echo", "[2]")))
        .await;
    let blocked = tokio::time::timeout(Duration::from_millis(100), client.next(&site)).await;
    assert!(blocked.is_err(), "the eleventh blocks what follows");
    gate.notify_one();
    assert_eq!(
        client.next(&site).await,
        said(completion("f", ",\"result\":2"))
    );
    client.send(&site, &completion("1", "")).await;
    let answer = completion("0", ",\"result\":\"aaaaaaaaaab\"");
    assert_eq!(client.next(&site).await, said(answer));
}

#[tokio::test]
async fn a_full_buffer_is_no_obstacle_once_its_method_has_ended() {
    let gate = Arc::new(Notify::new());
    let hub = {
        let gate = Arc::clone(&gate);
        methods().on("Deaf", move |parts: Upload<String>| {
            let gate = Arc::clone(&gate);
            async move {
                gate.notified().await;
                drop(parts);
            }
        })
    };
    let (site, mut client) = on_stage(hub, HubOptions::default()).await;
    let calls = upload_call("0", "Deaf", "[\"1\"]") + &item("1", "\"a\"").repeat(50);
    client
        .send(&site, &(calls + &call("e", "Echo", "[1]")))
        .await;
    settle().await;
    gate.notify_one();
    assert_eq!(
        client.next(&site).await,
        said(completion("0", ",\"result\":null"))
    );
    assert_eq!(
        client.next(&site).await,
        said(completion("e", ",\"result\":1"))
    );
}

#[tokio::test]
async fn a_live_upload_id_cannot_be_used_twice_and_the_first_goes_on() {
    let (site, mut client) = on_stage(hub(), HubOptions::default()).await;
    client
        .send(&site, &upload_call("0", "Concat", "[\"1\"]"))
        .await;
    client
        .send(&site, &upload_call("1", "Concat", "[\"1\"]"))
        .await;
    let error = ",\"error\":\"An unexpected error occurred invoking 'Concat' on the server. HubException: Stream ID '1' is already in use.\"";
    assert_eq!(client.next(&site).await, said(completion("1", error)));
    client
        .send(&site, &(item("1", "\"a\"") + &completion("1", "")))
        .await;
    assert_eq!(
        client.next(&site).await,
        said(completion("0", ",\"result\":\"a\""))
    );
}

#[tokio::test]
async fn late_items_and_completions_are_ignored() {
    let (site, mut client) = on_stage(hub(), HubOptions::default()).await;
    let late = item("1", "\"b\"") + &completion("1", "") + &completion("1", ",\"error\":\"x\"");
    client
        .send(
            &site,
            &(upload_call("0", "Concat", "[\"1\"]") + &completion("1", "")),
        )
        .await;
    assert_eq!(
        client.next(&site).await,
        said(completion("0", ",\"result\":\"\""))
    );
    client
        .send(&site, &(late + &call("e", "Echo", "[1]")))
        .await;
    assert_eq!(
        client.next(&site).await,
        said(completion("e", ",\"result\":1"))
    );
}

#[tokio::test]
async fn an_upload_id_is_free_again_when_its_method_has_ended() {
    let hub = methods().on("Ignore", |_: Upload<u8>| async {});
    let (site, mut client) = on_stage(hub, HubOptions::default()).await;
    for id in ["0", "1"] {
        client
            .send(&site, &upload_call(id, "Ignore", "[\"u\"]"))
            .await;
        assert_eq!(
            client.next(&site).await,
            said(completion(id, ",\"result\":null"))
        );
    }
    client.send(&site, &stream_call("2", "Ignore", "[]")).await;
    assert!(client.next(&site).await.contains("non-streaming"));
}
