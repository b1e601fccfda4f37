//! Each row of what the services answer, and what it costs the device.

use std::time::Duration;

use serde_json::{Value, json};

use super::stage::Stage;
use crate::push::{Extent, Outcome, Report};

/// Waits are spread over a fifth more.
fn waits(report: &Report, seconds: u64) {
    let Outcome::RetryAfter(wait) = report.outcome else {
        panic!("{report:?}");
    };
    let least = Duration::from_secs(seconds);
    assert!(
        (least..=least.mul_f64(1.21)).contains(&wait),
        "{wait:?}: {report:?}"
    );
}

fn fcm(status: u16, code: &str) -> Value {
    json!([{"status": status, "code": code, "message": "no"}])
}

fn bare(status: u16) -> Value {
    json!([{"status": status, "message": "no"}])
}

#[tokio::test]
async fn fcm_takes_refuses_or_wants_to_be_asked_later() {
    let stage = Stage::new().await;
    let phone = stage.phone().await;
    let say = async |steps: Value| {
        stage.script(&phone, steps).await;
        stage.send(&phone).await
    };

    let taken = stage.send(&phone).await;
    let Outcome::Taken { id: Some(id) } = &taken.outcome else {
        panic!("{taken:?}");
    };
    assert!(id.starts_with("projects/bellhop-devpush/messages/"));
    assert_eq!((taken.provider, taken.status), ("fcm", Some(200)));

    // 400 never costs the token, whoever is to blame.
    let violation = json!({"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "bad",
        "details": [{"@type": "type.googleapis.com/google.rpc.BadRequest",
                     "fieldViolations": [{"field": "message.data", "description": "no"}]}]}});
    let ours = say(json!([{"status": 400, "body": violation.to_string()}])).await;
    assert!(matches!(&ours.outcome, Outcome::Refused(why) if why.contains("message.data")));
    let malformed = say(fcm(400, "INVALID_ARGUMENT")).await;
    assert!(matches!(&malformed.outcome, Outcome::Refused(why) if why.contains("malformed")));

    // One platform's key does not stop the other's phones.
    let apns = say(fcm(401, "THIRD_PARTY_AUTH_ERROR")).await;
    assert!(matches!(&apns.outcome, Outcome::Misconfigured(why) if why.contains("APNs")));
    assert_eq!(apns.extent, Extent::Device);

    // A bare 403 or 404 is our configuration and never the device.
    for status in [403, 404] {
        let report = say(bare(status)).await;
        assert!(
            matches!(report.outcome, Outcome::Misconfigured(_)),
            "{report:?}"
        );
        assert_eq!(
            (report.extent, report.status),
            (Extent::Service, Some(status))
        );
    }

    stage.send(&phone).await;
    waits(&say(fcm(500, "INTERNAL")).await, 10);
    stage.send(&phone).await; // what fails in a row waits longer: begin anew
    let mut asked = fcm(503, "UNAVAILABLE");
    asked[0]["headers"] = json!({"retry-after": "77"});
    waits(&say(asked).await, 77);
    stage.send(&phone).await;

    // Of one device: the others go on.
    let device = json!([{"status": 429, "code": "QUOTA_EXCEEDED",
        "message": "the rate of this device is exceeded", "headers": {"retry-after": "20"}}]);
    let device = say(device).await;
    waits(&device, 20);
    assert_eq!(device.extent, Extent::Device);
    assert!(matches!(
        stage.send(&phone).await.outcome,
        Outcome::Taken { .. }
    ));

    // Of the project: everybody waits, by our own count too.
    let project = say(fcm(429, "QUOTA_EXCEEDED")).await;
    waits(&project, 60);
    assert_eq!(project.extent, Extent::Service);
    let before = stage.count("sends").await;
    waits(&stage.send(&phone).await, 60);
    assert_eq!(
        stage.count("sends").await,
        before,
        "nothing goes out in between"
    );
    stage.clock.advance(75_000);
    assert!(matches!(
        stage.send(&phone).await.outcome,
        Outcome::Taken { .. }
    ));

    stage.uninstall(&phone).await;
    let gone = stage.send(&phone).await;
    assert_eq!(
        (&gone.outcome, gone.status),
        (&Outcome::TokenGone, Some(404))
    );
}

#[tokio::test]
async fn a_wrong_key_file_deletes_nobody() {
    let stage = Stage::new().await;
    let phone = stage.phone().await;
    let mismatch = async || {
        stage.script(&phone, fcm(403, "SENDER_ID_MISMATCH")).await;
        stage.send(&phone).await
    };
    // Nothing was ever taken with this key: it is as likely to be the wrong one.
    let first = mismatch().await;
    assert!(
        matches!(first.outcome, Outcome::Misconfigured(_)),
        "{first:?}"
    );
    assert_eq!(first.extent, Extent::Device);
    stage.send(&phone).await;
    for _ in 0..4 {
        assert_eq!(mismatch().await.outcome, Outcome::TokenGone);
    }
    let many = mismatch().await;
    assert!(
        matches!(many.outcome, Outcome::Misconfigured(_)),
        "{many:?}"
    );
    assert_eq!(many.extent, Extent::Service);
    assert_eq!(stage.screen(&phone).await, ["An approval is waiting"]);
}

#[tokio::test]
async fn a_token_that_never_was_one_is_kept_and_named() {
    let stage = Stage::new().await;
    let hosts = stage.pusher.hosts();
    let token = "not-a-token-of-anybody";
    let target = crate::push::Target::parse("fcm", token, hosts).unwrap();
    let report = stage.pusher.send(&target, &super::message()).await;
    assert!(matches!(report.outcome, Outcome::Refused(_)), "{report:?}");
    assert!(!format!("{report:?}").contains(token));
}

#[tokio::test]
async fn push_services_take_refuse_or_want_to_be_asked_later() {
    let stage = Stage::new().await;
    for browser in ["chrome", "mozilla", "apple", "wns"] {
        let device = stage.browser(browser).await;
        let say = async |step: Value| {
            stage.script(&device, json!([step])).await;
            stage.send(&device).await
        };
        let taken = stage.send(&device).await;
        assert!(
            matches!(&taken.outcome, Outcome::Taken { id: Some(id) } if id.starts_with("/message/")),
            "{browser}: {taken:?}"
        );
        assert_eq!((taken.provider, taken.status), ("webpush", Some(201)));

        // Windows throttles with 406.
        for status in [406, 429] {
            let throttled = say(json!({"status": status})).await;
            waits(&throttled, 60);
            assert_eq!(throttled.extent, Extent::Device);
            waits(
                &say(json!({"status": status, "headers": {"retry-after": "33"}})).await,
                33,
            );
        }
        for status in [500, 502, 503] {
            waits(&say(json!({"status": status})).await, 10);
            stage.send(&device).await;
        }
        for status in [400, 413, 405, 302, 307] {
            let refused =
                say(json!({"status": status, "headers": {"location": "/elsewhere"}})).await;
            assert!(
                matches!(refused.outcome, Outcome::Refused(_)),
                "{browser}: {refused:?}"
            );
            assert_eq!(refused.extent, Extent::Device);
        }
        for status in [401, 403] {
            let ours = say(json!({"status": status})).await;
            assert!(
                matches!(ours.outcome, Outcome::Misconfigured(_)),
                "{browser}: {ours:?}"
            );
            assert_eq!(ours.extent, Extent::Service);
        }
        assert_eq!(
            say(json!({"status": 404})).await.outcome,
            Outcome::TokenGone
        );
        stage.uninstall(&device).await;
        let gone = stage.send(&device).await;
        assert_eq!(
            (&gone.outcome, gone.status),
            (&Outcome::TokenGone, Some(410))
        );
    }
    let said: Vec<_> = stage
        .pusher
        .tally()
        .map(|tally| (tally.service, tally.outcomes))
        .collect();
    let of_one = [
        ("taken", 4),
        ("retry_after", 7),
        ("token_gone", 2),
        ("refused", 5),
        ("misconfigured", 2),
    ];
    let none = of_one.map(|(name, _)| (name, 0));
    assert_eq!(
        said,
        [
            ("fcm", none),
            ("google", of_one),
            ("mozilla", of_one),
            ("apple", of_one),
            ("windows", of_one),
            ("other", none)
        ]
    );
}

#[tokio::test]
async fn what_windows_says_in_headers_is_kept() {
    let stage = Stage::new().await;
    let device = stage.browser("wns").await;
    let step = json!([{"status": 406, "headers": {"x-wns-status": "channelthrottled",
                                                   "x-wns-error-description": "too many"}}]);
    stage.script(&device, step).await;
    let report = stage.send(&device).await;
    assert!(
        report.detail.contains("x-wns-status: channelthrottled"),
        "{report:?}"
    );
    assert!(report.detail.contains("too many"));
}

#[tokio::test]
async fn a_secret_in_the_query_is_struck_too() {
    let stage = Stage::new().await;
    let device = stage.browser("wns").await;
    let path = format!("push/{}", device.id);
    let registration = device
        .registration
        .replace(&path, &format!("{path}?token=Bs3cret"));
    let target =
        crate::push::Target::parse("webpush", &registration, stage.pusher.hosts()).unwrap();
    stage
        .script(
            &device,
            json!([{"status": 400, "body": "bad: token=Bs3cret"}]),
        )
        .await;
    let report = stage.pusher.send(&target, &super::message()).await;
    assert_eq!((report.status, &*report.detail), (Some(400), "bad: …"));
}

#[tokio::test]
async fn an_answer_that_never_ends_is_not_read_to_its_end() {
    let stage = Stage::new().await;
    let device = stage.browser("chrome").await;
    let body = "x".repeat(1 << 20);
    stage
        .script(&device, json!([{"status": 400, "body": body}]))
        .await;
    let report = stage.send(&device).await;
    assert_eq!(report.detail.chars().count(), 301);
}

#[tokio::test]
async fn silence_is_retried_because_nobody_knows() {
    let stage = Stage::with_patience(Duration::from_secs(1)).await;
    for device in [stage.phone().await, stage.browser("mozilla").await] {
        stage.send(&device).await;
        stage.script(&device, json!([{"hang": true}])).await;
        let report = stage.send(&device).await;
        waits(&report, 10);
        assert_eq!((report.status, report.extent), (None, Extent::Service));
        assert!(report.detail.contains("may have been taken"), "{report:?}");
    }
}

#[tokio::test]
async fn a_message_taken_and_cut_off_is_repeated_in_the_place_of_the_first() {
    let stage = Stage::new().await;
    for device in [stage.phone().await, stage.browser("chrome").await] {
        stage.script(&device, json!([{"cut": true}])).await;
        let report = stage.send(&device).await;
        waits(&report, 10);
        assert_eq!(
            stage.screen(&device).await,
            ["An approval is waiting"],
            "it arrived"
        );
        assert!(matches!(
            stage.send(&device).await.outcome,
            Outcome::Taken { .. }
        ));
        let look = stage.look(&device).await;
        assert_eq!(look["received"].as_array().unwrap().len(), 2);
        assert_eq!(look["screen"].as_array().unwrap().len(), 1, "one card");
        assert_eq!(look["screen"][0]["replaced"], 1);
    }
}

#[tokio::test]
async fn the_report_says_how_long_it_took() {
    let stage = Stage::new().await;
    let phone = stage.phone().await;
    stage
        .post("/settings", json!({"p50Ms": 80, "p99Ms": 90}))
        .await;
    let report = stage.send(&phone).await;
    assert!(
        matches!(report.outcome, Outcome::Taken { .. }),
        "{report:?}"
    );
    assert!(report.took >= Duration::from_millis(80), "{report:?}");
}
