//! Whatever a client sends in whatever order: each call is answered exactly once.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};
use proptest::prelude::*;
use signalr::{HubError, HubOptions, Later, Upload};

use super::{methods, on_stage};
use crate::support::{call, cancel, completion, item, stream_call, upload_call};

/// Few ids, so that they meet.
const STREAMS: [&str; 3] = ["a", "b", "c"];
const UPLOADS: [&str; 2] = ["u", "v"];

#[derive(Debug, Clone)]
enum Step {
    Call(&'static str),
    Stream(usize, &'static str),
    Cancel(usize),
    Upload(usize),
    UploadToStream(usize, usize),
    Item(usize),
    Complete(usize, bool),
}

fn step() -> impl Strategy<Value = Step> {
    let (streams, uploads) = (0..STREAMS.len(), 0..UPLOADS.len());
    prop_oneof![
        prop::sample::select(vec!["Echo", "Slow", "Fail", "Panic", "Nope", "Forever"])
            .prop_map(Step::Call),
        (
            streams.clone(),
            prop::sample::select(vec!["Forever", "Few", "Break", "Echo"])
        )
            .prop_map(|(id, target)| Step::Stream(id, target)),
        streams.clone().prop_map(Step::Cancel),
        uploads.clone().prop_map(Step::Upload),
        (streams, uploads.clone()).prop_map(|(id, upload)| Step::UploadToStream(id, upload)),
        uploads.clone().prop_map(Step::Item),
        (uploads, any::<bool>()).prop_map(|(id, failed)| Step::Complete(id, failed)),
    ]
}

fn hub() -> signalr::Methods<crate::support::User> {
    methods()
        .on("Slow", || async { Later(tokio::task::yield_now()) })
        .on("Fail", || async { Err::<(), _>(HubError::new("No.")) })
        .on("Panic", || async {
            assert!(std::hint::black_box(false), "on purpose");
        })
        .on("Sum", |numbers: Upload<u32>| async move {
            numbers
                .fold(0, async |sum, number| sum + number.unwrap_or(0))
                .await
        })
        .on_stream("Forever", || async {
            stream::iter([1]).chain(stream::pending())
        })
        .on_stream("Few", || async { stream::iter(0..3) })
        .on_stream("Break", || async {
            stream::iter([Ok(1), Err(HubError::new("No."))])
        })
        .on_stream("Double", |numbers: Upload<u32>| async move {
            numbers.map(|number| number.map(|number| number * 2))
        })
}

/// The messages, and how often each id must be answered.
fn script(steps: &[Step]) -> (Vec<String>, BTreeMap<String, usize>) {
    let (mut messages, mut expected) = (Vec::new(), BTreeMap::<_, usize>::new());
    let mut expect = |id: &str| *expected.entry(id.to_owned()).or_default() += 1;
    for (number, step) in steps.iter().enumerate() {
        let own = number.to_string();
        messages.push(match step {
            Step::Call(target) => {
                expect(&own);
                let arguments = if *target == "Echo" { "[1]" } else { "[]" };
                call(&own, target, arguments)
            }
            Step::Stream(id, target) => {
                expect(STREAMS[*id]);
                let arguments = if *target == "Echo" { "[1]" } else { "[]" };
                stream_call(STREAMS[*id], target, arguments)
            }
            Step::Cancel(id) => cancel(STREAMS[*id]),
            Step::Upload(id) => {
                expect(&own);
                upload_call(&own, "Sum", &format!("[\"{}\"]", UPLOADS[*id]))
            }
            Step::UploadToStream(id, upload) => {
                expect(STREAMS[*id]);
                let call = upload_call(
                    STREAMS[*id],
                    "Double",
                    &format!("[\"{}\"]", UPLOADS[*upload]),
                );
                call.replacen("\"type\":1", "\"type\":4", 1)
            }
            Step::Item(id) => item(UPLOADS[*id], "7"),
            Step::Complete(id, failed) => completion(
                UPLOADS[*id],
                if *failed { ",\"error\":\"broken\"" } else { "" },
            ),
        });
    }
    messages.extend(UPLOADS.map(|id| completion(id, "")));
    messages.extend(STREAMS.map(cancel));
    messages.push(call("last", "Echo", "[1]"));
    expect("last");
    (messages, expected)
}

async fn play(steps: &[Step], cut: usize) {
    let (site, mut client) = on_stage(hub(), HubOptions::default()).await;
    let (messages, mut expected) = script(steps);
    // Some messages share a frame, as the official client's do.
    for chunk in messages.chunks(cut) {
        client.send(&site, &chunk.concat()).await;
    }
    while !expected.is_empty() {
        let wait = tokio::time::timeout(std::time::Duration::from_secs(5), client.next(&site));
        let said = wait
            .await
            .unwrap_or_else(|_| panic!("never answered: {expected:?}"));
        let message: serde_json::Value = serde_json::from_str(&said).unwrap();
        if message["type"] == 3 {
            let id = message["invocationId"].as_str().unwrap();
            let left = expected
                .get_mut(id)
                .unwrap_or_else(|| panic!("too many answers to {id}"));
            *left -= 1;
            if *left == 0 {
                expected.remove(id);
            }
        }
    }
    assert!(!site.only().is_closed());
    crate::support::settle().await;
    assert_eq!(site.only().running_calls(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_call_is_answered_exactly_once(
        steps in prop::collection::vec(step(), 0..60),
        cut in 1_usize..8,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(play(&steps, cut));
    }
}
