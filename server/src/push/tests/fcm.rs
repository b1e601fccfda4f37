//! Access tokens, connections, and what the phone shows.

use serde_json::json;

use super::stage::Stage;
use super::{message, withdrawal};
use crate::push::{Extent, Outcome};

#[tokio::test]
async fn a_card_is_drawn_replaced_and_withdrawn() {
    let stage = Stage::new().await;
    let phone = stage.phone().await;
    stage.send(&phone).await;
    stage.send(&phone).await;
    assert_eq!(stage.screen(&phone).await, ["An approval is waiting"]);
    let taken = stage.pusher.send(&phone.target, &withdrawal()).await;
    assert!(matches!(taken.outcome, Outcome::Taken { .. }), "{taken:?}");
    assert!(stage.screen(&phone).await.is_empty());
    assert_eq!(stage.look(&phone).await["badge"], 2);
}

#[tokio::test]
async fn questions_and_withdrawals_are_no_collapsible_messages() {
    let stage = Stage::new().await;
    let phone = stage.phone().await;
    let chrome = stage.browser("chrome").await;
    for _ in 0..15 {
        for device in [&phone, &chrome] {
            stage.pusher.send(&device.target, &message()).await;
            stage.pusher.send(&device.target, &withdrawal()).await;
        }
    }
    for device in [&phone, &chrome] {
        let look = stage.look(device).await;
        let received = look["received"].as_array().unwrap();
        assert_eq!(received.len(), 30);
        assert!(received.iter().all(|push| push["late"] == false));
        assert_eq!(look["screen"], json!([]));
    }
}

#[tokio::test]
async fn many_messages_share_one_connection_and_one_token() {
    let stage = Stage::new().await;
    let phone = stage.phone().await;
    let before = stage.count("connections").await;
    let sends = (0..50).map(|_| stage.send(&phone));
    for report in futures_util::future::join_all(sends).await {
        assert!(
            matches!(report.outcome, Outcome::Taken { .. }),
            "{report:?}"
        );
    }
    assert_eq!(stage.count("connections").await - before, 1);
    assert_eq!(stage.count("tokens").await, 1);
    assert_eq!(stage.count("sendsOverHttp1").await, 0);
    assert_eq!(stage.count("paddedAssertions").await, 0);
}

#[tokio::test]
async fn a_connection_that_goes_away_in_good_order_costs_nothing() {
    let stage = Stage::new().await;
    let phone = stage.phone().await;
    stage.script(&phone, json!([{"goaway": true}])).await;
    for _ in 0..3 {
        let report = stage.send(&phone).await;
        assert!(
            matches!(report.outcome, Outcome::Taken { .. }),
            "{report:?}"
        );
    }
}

#[tokio::test]
async fn a_token_is_renewed_early_and_once() {
    let stage = Stage::new().await;
    let phone = stage.phone().await;
    stage.send(&phone).await;
    stage.clock.advance((3599 - 301) * 1000);
    stage.send(&phone).await;
    assert_eq!(stage.count("tokens").await, 1);
    stage.clock.advance(2_000);
    let sends = (0..10).map(|_| stage.send(&phone));
    for report in futures_util::future::join_all(sends).await {
        assert!(
            matches!(report.outcome, Outcome::Taken { .. }),
            "{report:?}"
        );
    }
    assert_eq!(stage.count("tokens").await, 2);
}

#[tokio::test]
async fn a_renewal_that_fails_leaves_the_old_token_in_use() {
    let stage = Stage::new().await;
    let phone = stage.phone().await;
    stage.send(&phone).await;
    stage.clock.advance((3599 - 200) * 1000);
    stage
        .post("/token/script", json!([{"status": 503}, {"status": 503}]))
        .await;
    for _ in 0..3 {
        assert!(matches!(
            stage.send(&phone).await.outcome,
            Outcome::Taken { .. }
        ));
    }
    assert_eq!(
        stage.count("tokens").await,
        1,
        "and it is not tried with every message"
    );
    stage.clock.advance(11_000);
    stage.send(&phone).await; // the second 503
    stage.clock.advance(11_000);
    assert!(matches!(
        stage.send(&phone).await.outcome,
        Outcome::Taken { .. }
    ));
    assert_eq!(stage.count("tokens").await, 2);
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_and_the_message_sent_again() {
    let stage = Stage::new().await;
    let phone = stage.phone().await;
    // Given out by a clock that was behind and judged by one that is ahead: ended, to the service, and
    // good for minutes more, to us.
    stage.post("/clock", json!({"aheadSeconds": -250})).await;
    stage.send(&phone).await;
    stage.post("/clock", json!({"aheadSeconds": 250})).await;
    stage.clock.advance(3_110_000);
    let report = stage.send(&phone).await;
    assert!(
        matches!(report.outcome, Outcome::Taken { .. }),
        "{report:?}"
    );
    assert_eq!(stage.count("tokens").await, 2);
    stage.script(&phone, json!([{"status": 401}])).await;
    let tokens = stage.count("tokens").await;
    let report = stage.send(&phone).await;
    assert!(
        matches!(report.outcome, Outcome::Taken { .. }),
        "{report:?}"
    );
    assert_eq!(stage.count("tokens").await, tokens + 1);

    // A fresh one refused as well is somebody's mistake.
    stage
        .script(&phone, json!([{"status": 401}, {"status": 401}]))
        .await;
    let report = stage.send(&phone).await;
    assert!(
        matches!(report.outcome, Outcome::Misconfigured(_)),
        "{report:?}"
    );
    assert_eq!(report.extent, Extent::Service);
    assert_eq!(stage.count("tokens").await, tokens + 2);
}

#[tokio::test]
async fn a_wrong_clock_is_named_with_both_times() {
    let stage = Stage::new().await;
    let phone = stage.phone().await;
    stage.post("/clock", json!({"aheadSeconds": -7200})).await;
    let report = stage.send(&phone).await;
    let Outcome::Misconfigured(why) = &report.outcome else {
        panic!("{report:?}");
    };
    assert!(
        why.contains("10:00:00 GMT") && why.contains("08:00:00 GMT"),
        "{why}"
    );
    // Within the five minutes that Google tolerates, and the half minute that `iat` lies back.
    for ahead in [-320, 260] {
        let stage = Stage::new().await;
        let phone = stage.phone().await;
        stage.post("/clock", json!({ "aheadSeconds": ahead })).await;
        let report = stage.send(&phone).await;
        assert!(
            matches!(report.outcome, Outcome::Taken { .. }),
            "{report:?}"
        );
    }
}

#[tokio::test]
async fn a_token_endpoint_that_is_down_is_waited_for() {
    let stage = Stage::new().await;
    let phone = stage.phone().await;
    stage
        .post(
            "/token/script",
            json!([{"status": 503, "headers": {"retry-after": "42"}}]),
        )
        .await;
    let report = stage.send(&phone).await;
    let Outcome::RetryAfter(wait) = report.outcome else {
        panic!("{report:?}");
    };
    assert!((42..=51).contains(&wait.as_secs()), "{wait:?}");
    assert!(matches!(
        stage.send(&phone).await.outcome,
        Outcome::Taken { .. }
    ));
}

#[tokio::test]
async fn a_passed_deadline_is_not_sent_and_a_withdrawal_is() {
    let stage = Stage::new().await;
    for device in [stage.phone().await, stage.browser("wns").await] {
        stage.send(&device).await;
        stage.clock.advance(600_000);
        let before = stage.count("sends").await;
        let report = stage.pusher.send(&device.target, &message()).await;
        assert!(matches!(&report.outcome, Outcome::Refused(why) if why.contains("deadline")));
        assert_eq!(stage.count("sends").await, before);
        let report = stage.pusher.send(&device.target, &withdrawal()).await;
        assert!(
            matches!(report.outcome, Outcome::Taken { .. }),
            "{report:?}"
        );
        stage.clock.advance(-600_000);
    }
}
