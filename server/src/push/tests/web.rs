//! Sealed, signed and shown: browsers of four makers.

use serde_json::json;

use super::stage::Stage;
use super::{message, withdrawal};
use crate::push::{Outcome, Target};

#[tokio::test]
async fn every_makers_browser_reads_what_was_sealed_for_it() {
    let stage = Stage::new().await;
    for browser in ["chrome", "mozilla", "apple", "wns"] {
        let device = stage.browser(browser).await;
        let mut full = message();
        full.body = Some("Überstunden, 3 Tage".to_owned());
        full.data = Some(r#"{"request": "7"}"#.to_owned());
        stage.pusher.send(&device.target, &full).await;
        let look = stage.look(&device).await;
        let push = &look["received"][0];
        assert_eq!(push["content"]["body"], "Überstunden, 3 Tage");
        assert_eq!(push["content"]["data"], json!({"request": "7"}));
        assert_eq!(push["envelope"]["ttl"], 600);
        assert_eq!(push["envelope"]["urgency"], "high");
        assert_eq!(push["envelope"]["topic"], json!(null));
        assert_eq!(stage.screen(&device).await, ["An approval is waiting"]);
    }
}

#[tokio::test]
async fn the_length_tells_one_of_four_things() {
    let stage = Stage::new().await;
    let device = stage.browser("mozilla").await;
    for (words, padded) in [(0, 256), (100, 512), (400, 1024), (900, 2048), (1700, 2048)] {
        let mut longer = message();
        longer.body = Some("x".repeat(words));
        stage.pusher.send(&device.target, &longer).await;
        let look = stage.look(&device).await;
        let last = look["received"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(last["envelope"]["padded"], padded, "{words}");
        assert_eq!(last["envelope"]["bytes"], padded + 86 + 16);
        assert_eq!(last["content"]["body"].as_str().unwrap().len(), words);
    }
}

#[tokio::test]
async fn where_silence_is_punished_a_withdrawal_shows_a_line() {
    let stage = Stage::new().await;
    let apple = stage.browser("apple").await;
    for _ in 0..6 {
        stage.send(&apple).await;
        stage.pusher.send(&apple.target, &withdrawal()).await;
        assert_eq!(stage.screen(&apple).await, ["Handled elsewhere"]);
    }
    let look = stage.look(&apple).await;
    assert_eq!(
        (&look["silent"], &look["revoked"]),
        (&json!(0), &json!(false))
    );
    assert_eq!(look["received"].as_array().unwrap().len(), 12);

    let mozilla = stage.browser("mozilla").await;
    stage.send(&mozilla).await;
    stage.pusher.send(&mozilla.target, &withdrawal()).await;
    assert!(stage.screen(&mozilla).await.is_empty());
}

#[tokio::test]
async fn urgency_follows_the_message_but_for_apple() {
    let stage = Stage::new().await;
    for (browser, urgency) in [("chrome", "normal"), ("apple", "high")] {
        let device = stage.browser(browser).await;
        let mut calm = message();
        calm.high = false;
        stage.pusher.send(&device.target, &calm).await;
        stage.pusher.send(&device.target, &withdrawal()).await;
        let look = stage.look(&device).await;
        assert_eq!(look["received"][0]["envelope"]["urgency"], urgency);
        assert_eq!(look["received"][1]["envelope"]["urgency"], "normal");
    }
}

#[tokio::test]
async fn connections_are_reused() {
    let stage = Stage::new().await;
    let device = stage.browser("chrome").await;
    let before = stage.count("connections").await;
    for _ in 0..20 {
        assert!(matches!(
            stage.send(&device).await.outcome,
            Outcome::Taken { .. }
        ));
    }
    assert_eq!(stage.count("connections").await - before, 1);
}

#[tokio::test]
async fn a_subscription_of_another_key_is_our_trouble_and_not_its_end() {
    let stage = Stage::new().await;
    let device = stage.browser("chrome").await;
    // The operator put another key into place: browsers are bound to the old one.
    let other = stage.browser("mozilla").await;
    let key = serde_json::from_str::<serde_json::Value>(&other.registration).unwrap();
    let key = key["keys"]["p256dh"].as_str().unwrap();
    let wanted = json!({"platform": "webpush", "browser": "apple", "applicationServerKey": key});
    let bound = stage.post("/devices", wanted).await;
    let bound = bound["tokenOrSubscription"].as_str().unwrap();
    let bound = Target::parse("webpush", bound, stage.pusher.hosts()).unwrap();
    let report = stage.pusher.send(&bound, &message()).await;
    assert!(matches!(&report.outcome, Outcome::Misconfigured(why) if why.contains("BadJwtToken")));
    assert!(matches!(
        stage.send(&device).await.outcome,
        Outcome::Taken { .. }
    ));
}
