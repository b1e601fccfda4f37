//! What leaves the house: nothing but what the message holds, and no secret in what is kept.

use serde_json::{Value, json};

use super::stage::Stage;
use super::{message, withdrawal};
use crate::testing::log::CaughtLog;

/// All names of fields, `a.b.c`.
fn names(value: &Value, at: &str, into: &mut Vec<String>) {
    if let Some(object) = value.as_object() {
        for (name, inner) in object {
            let at = if at.is_empty() {
                name.clone()
            } else {
                format!("{at}.{name}")
            };
            names(inner, &at, into);
        }
    } else {
        into.push(at.to_owned());
    }
}

#[tokio::test]
async fn fields_that_are_not_listed_never_leave() {
    let stage = Stage::new().await;
    let mut confidential = message();
    "You have a message".clone_into(&mut confidential.title);
    for (message, fcm, web) in [
        (
            &confidential,
            "android.notification.tag android.priority android.ttl \
             apns.headers.apns-collapse-id apns.headers.apns-expiration \
             apns.headers.apns-priority apns.headers.apns-push-type \
             apns.payload.aps.content-available apns.payload.aps.mutable-content \
             data.class data.kind data.notificationId data.purpose notification.title",
            "class kind notificationId purpose tag title urgent v",
        ),
        (
            &withdrawal(),
            "android.priority android.ttl apns.headers.apns-expiration \
             apns.headers.apns-priority apns.headers.apns-push-type \
             apns.payload.aps.content-available data.badge data.notificationId data.purpose",
            "badge notificationId purpose tag v",
        ),
    ] {
        for (device, listed) in [
            (stage.phone().await, fcm),
            (stage.browser("chrome").await, web),
        ] {
            stage.pusher.send(&device.target, message).await;
            let look = stage.look(&device).await;
            let mut found = Vec::new();
            names(&look["received"][0]["content"], "", &mut found);
            found.sort();
            assert_eq!(found, listed.split_whitespace().collect::<Vec<_>>());
        }
    }
}

#[tokio::test]
async fn tokens_stand_in_no_log_and_in_no_report() {
    let log = CaughtLog::start();
    let stage = Stage::new().await;
    for device in [stage.phone().await, stage.browser("apple").await] {
        let secret = match &device.target {
            crate::push::Target::Web(subscription) => subscription.endpoint().path().to_owned(),
            crate::push::Target::Fcm { .. } => device.registration.clone(),
        };
        for status in [200, 400, 403, 404, 429, 500] {
            let said = format!("about {secret}: no");
            stage
                .script(&device, json!([{"status": status, "body": said}]))
                .await;
            let report = stage.send(&device).await;
            assert!(!format!("{report:?}").contains(&secret), "{report:?}");
            stage.send(&device).await;
        }
        // The wire itself is not ours: hyper's and h2's own lines are at TRACE.
        let ours = log.text();
        let ours = ours.lines().filter(|line| line.contains("bellhop::push"));
        for line in ours {
            assert!(!line.contains(&secret), "{line}");
        }
    }
    assert!(log.text().contains("push is misconfigured"));
}
