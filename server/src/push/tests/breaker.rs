//! A service that is down is left alone, and found again.

use std::time::Duration;

use serde_json::json;

use super::stage::Stage;
use crate::push::breaker::TOLERATED;
use crate::push::{Extent, Outcome, Platform};

#[tokio::test]
async fn one_service_that_is_down_stops_nobody_else() {
    let stage = Stage::new().await;
    let (down, up) = (
        stage.browser("mozilla").await,
        stage.browser("chrome").await,
    );
    let outage: Vec<_> = (0..=TOLERATED).map(|_| json!({"status": 503})).collect();
    stage.script(&down, outage.into()).await;
    let mut waits = Vec::new();
    for _ in 0..TOLERATED {
        let Outcome::RetryAfter(wait) = stage.send(&down).await.outcome else {
            panic!("503 is for later");
        };
        waits.push(wait);
    }
    // Each failure in a row waits twice as long, up to a fifth more.
    for (count, wait) in waits.iter().enumerate() {
        let least = Duration::from_secs(10 << count);
        assert!((least..=least.mul_f64(1.21)).contains(wait), "{waits:?}");
    }
    let open = |name: &str| {
        let mut tallies = stage.pusher.tally();
        tallies.find(|tally| tally.service == name).unwrap().open
    };
    assert!(open("mozilla") && !open("google"));

    let sends = stage.count("sends").await;
    let held = stage.send(&down).await;
    assert!(matches!(held.outcome, Outcome::RetryAfter(_)), "{held:?}");
    assert_eq!((held.status, held.extent), (None, Extent::Service));
    assert!(held.detail.starts_with("not sent: "), "{held:?}");
    assert_eq!(stage.count("sends").await, sends);
    assert!(matches!(
        stage.send(&up).await.outcome,
        Outcome::Taken { .. }
    ));

    // The probe fails, and the next one does not.
    stage.clock.advance(30_000);
    assert_eq!(stage.send(&down).await.status, Some(503));
    stage.clock.advance(30_000);
    assert_eq!(
        stage.send(&down).await.status,
        None,
        "twice as long this time"
    );
    stage.clock.advance(30_000);
    assert!(matches!(
        stage.send(&down).await.outcome,
        Outcome::Taken { .. }
    ));
    assert!(!open("mozilla"));
    assert!(matches!(
        stage.send(&down).await.outcome,
        Outcome::Taken { .. }
    ));
    let tally = stage
        .pusher
        .tally()
        .find(|tally| tally.service == "mozilla")
        .unwrap();
    assert_eq!((tally.held_back, tally.under_way), (2, 0));
}

#[tokio::test]
async fn misconfiguration_opens_it_too_and_dead_tokens_do_not() {
    let stage = Stage::new().await;
    let phone = stage.phone().await;
    let dead = stage.phone().await;
    stage.uninstall(&dead).await;
    for _ in 0..3 * TOLERATED {
        assert_eq!(stage.send(&dead).await.outcome, Outcome::TokenGone);
    }
    let steps: Vec<_> = (0..TOLERATED).map(|_| json!({"status": 403})).collect();
    stage.script(&phone, steps.into()).await;
    for _ in 0..TOLERATED {
        assert!(matches!(
            stage.send(&phone).await.outcome,
            Outcome::Misconfigured(_)
        ));
    }
    let held = stage.send(&phone).await;
    assert!(
        held.detail.starts_with("not sent: fcm does not work"),
        "{held:?}"
    );
}

#[tokio::test]
async fn what_has_no_key_says_which_setting_is_missing() {
    let stage = Stage::new().await;
    assert!(stage.pusher.is_configured(Platform::Fcm));
    assert!(stage.pusher.is_configured(Platform::Web));
    let device = stage.browser("chrome").await;
    let none = stage.pusher_without_keys();
    assert!(!none.is_configured(Platform::Web) && none.vapid_public_key().is_none());
    let report = none.send(&device.target, &super::message()).await;
    assert!(matches!(&report.outcome, Outcome::Misconfigured(why) if why.contains("--vapid-key")));
}

#[tokio::test]
async fn google_is_not_flooded_from_the_first_second() {
    let stage = Stage::new().await;
    let phone = stage.phone().await;
    let sends = (0..250).map(|_| stage.send(&phone));
    let reports = futures_util::future::join_all(sends).await;
    let (taken, held): (Vec<_>, Vec<_>) = reports
        .iter()
        .partition(|report| matches!(report.outcome, Outcome::Taken { .. }));
    assert_eq!(
        (taken.len(), held.len()),
        (200, 50),
        "the clock stands still"
    );
    assert!(
        held.iter()
            .all(|report| report.detail.contains("the rate is reached"))
    );
    stage.clock.advance(1_000);
    assert!(matches!(
        stage.send(&phone).await.outcome,
        Outcome::Taken { .. }
    ));
}

#[tokio::test]
async fn who_comes_when_too_many_are_under_way_comes_later() {
    let stage = Stage::new().await;
    let device = stage.browser("chrome").await;
    let sends = (0..600).map(|_| stage.send(&device));
    let reports = futures_util::future::join_all(sends).await;
    let held = |report: &&crate::push::Report| report.detail.contains("under way already");
    assert_eq!(reports.iter().filter(held).count(), 600 - 512);
    let taken = |report: &&crate::push::Report| matches!(report.outcome, Outcome::Taken { .. });
    assert_eq!(reports.iter().filter(taken).count(), 512);
}
