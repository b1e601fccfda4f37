//! The rung that pushes, against the strict stand-ins of the phones' makers, the clock in the test's hand.

use std::sync::Arc;

use serde_json::json;
use uuid::Uuid;

use super::{Desk, State};
use crate::auth::api_key::sha256;
use crate::devpush::Registered;
use crate::outbox::phones::Phones;
use crate::store::push as store;
use crate::testing::phones::Makers;

const PUSHED: &str =
    r#"{"life":3600,"ladder":[{"after":5,"do":"push"},{"after":60,"do":"give_up"}]}"#;

pub(super) async fn open() -> (Desk, Makers) {
    let mut desk = Desk::open().await;
    let makers = Makers::open(&desk.clock).await;
    desk.phones = Some(Arc::new(Phones {
        pool: desk.pool.clone(),
        clock: desk.clock.clone(),
        pusher: makers.pusher.clone(),
    }));
    desk.class("pushed", PUSHED).await;
    (desk, makers)
}

impl Desk {
    pub(super) async fn register(&self, user: Uuid, device: &str, phone: &Registered) {
        self.device(user, device).await;
        let token = &phone.token_or_subscription;
        let new = store::Registration {
            tenant: self.tenant,
            user,
            device,
            platform: phone.platform,
            token,
            token_hash: &sha256(token.as_bytes()),
            key_hash: &sha256(format!("{user}{device}").as_bytes()),
        };
        let mut conn = self.pool.acquire().await.unwrap();
        store::register(&mut conn, &new, self.clock.now())
            .await
            .unwrap();
    }

    /// To the push rung.
    pub(super) async fn pushed(&mut self) -> i64 {
        let seq = self.publish(self.u1, "pushed").await;
        self.seconds(6);
        self.sweep().await;
        self.round().await;
        seq
    }
}

#[tokio::test]
async fn nobody_acked_so_each_phone_gets_it_once_and_an_ack_takes_it_back() {
    let (mut desk, makers) = open().await;
    let (phone, tablet) = (makers.phone(), makers.phone());
    desk.register(desk.u1, "phone", &phone).await;
    desk.register(desk.u1, "tablet", &tablet).await;
    let seq = desk.pushed().await;
    // Nothing of the notification left the premises but its id.
    assert_eq!(makers.screen(&phone), ["You have a new notification"]);
    assert_eq!(makers.screen(&tablet).len(), 1);
    desk.seconds(10);
    desk.round().await;
    assert_eq!(makers.received(&phone), 1, "once");

    desk.ack(desk.u1, "laptop", seq, true).await;
    assert_eq!(desk.debts().await, 1, "the phones still show it");
    assert_eq!(desk.round().await.claimed, 1);
    assert_eq!(
        (makers.screen(&phone).len(), makers.screen(&tablet).len()),
        (0, 0)
    );
    assert_eq!(desk.debts().await, 0);
    let tries: Vec<(String, String, i64)> = sqlx::query_as(
        "SELECT purpose, outcome, count(*) FROM bellhop.push_attempt GROUP BY 1, 2 ORDER BY 1, 2",
    )
    .fetch_all(&desk.pool)
    .await
    .unwrap();
    let two = |purpose: &str, outcome: &str| (purpose.to_owned(), outcome.to_owned(), 2);
    let expected = [
        two("notify", "sending"),
        two("notify", "taken"),
        two("withdraw", "taken"),
    ];
    assert_eq!(tries, expected);
}

/// The cheapest cure for a push about something one has just read.
#[tokio::test]
async fn ack_racing_sweep_and_push_claim() {
    let (mut desk, makers) = open().await;
    let phone = makers.phone();
    desk.register(desk.u1, "phone", &phone).await;
    let seq = desk.publish(desk.u1, "pushed").await;
    desk.seconds(6);
    desk.sweep().await;
    let (round, pushes) = desk.worker().begin().await.unwrap();
    assert_eq!(round.rungs, 1, "claimed, and not sent yet");
    desk.ack(desk.u1, "laptop", seq, true).await;
    pushes.unwrap().await.unwrap();
    assert_eq!(makers.received(&phone), 0);
    assert_eq!(desk.debts().await, 0);
}

#[tokio::test]
async fn a_provider_that_is_away_is_asked_again_and_holds_up_no_rung() {
    let (mut desk, makers) = open().await;
    let phone = makers.phone();
    desk.register(desk.u1, "phone", &phone).await;
    makers.script(
        &phone,
        json!([{"status": 503, "headers": {"retry-after": "20"}}]),
    );
    let seq = desk.pushed().await;
    assert!(makers.screen(&phone).is_empty());
    let wait = (desk.next_at().await - desk.clock.now())
        .total(jiff::Unit::Second)
        .unwrap();
    assert!((20.0..=25.0).contains(&wait), "{wait}");
    desk.seconds(25);
    desk.round().await;
    assert_eq!(makers.screen(&phone).len(), 1);
    // It would have been given up in its time, whatever the provider does; then the card goes too.
    desk.seconds(60);
    desk.round().await;
    desk.round().await;
    assert_eq!(desk.state(desk.u1, seq).await, State::Dead);
    assert_eq!((makers.screen(&phone).len(), desk.debts().await), (0, 0));
}

#[tokio::test]
async fn a_token_that_is_gone_is_forgotten_and_one_that_came_back_is_not() {
    let (mut desk, makers) = open().await;
    let phone = makers.phone();
    desk.register(desk.u1, "phone", &phone).await;
    makers.script(&phone, json!([{"status": 404, "code": "UNREGISTERED"}]));
    desk.pushed().await;
    let tokens = "SELECT count(*) FROM bellhop.push_token";
    assert_eq!(desk.count(tokens).await, 0);

    // The app registered the same token again while the send was under way.
    desk.register(desk.u1, "phone", &phone).await;
    let attempt = store::Attempt {
        user: desk.u1,
        seq: 1,
        routed_at: desk.clock.now(),
        tenant: desk.tenant,
        device: "phone".to_owned(),
        token_hash: sha256(phone.token_or_subscription.as_bytes()).to_vec(),
        provider: "fcm",
        purpose: "notify",
        outcome: "token_gone",
        status: Some(404),
        detail: String::new(),
    };
    let mut conn = desk.pool.acquire().await.unwrap();
    let before = desk.clock.now() - jiff::SignedDuration::from_secs(1);
    store::record(&mut conn, &[attempt], before, desk.clock.now())
        .await
        .unwrap();
    assert_eq!(desk.count(tokens).await, 1);
}

/// The server was killed between the send and what it would have written of it: the phone shows a card of which the
/// database knew nothing, and the ack that came meanwhile took nothing back.
#[tokio::test]
async fn a_push_whose_result_was_lost_is_taken_back_all_the_same() {
    let (mut desk, makers) = open().await;
    let phone = makers.phone();
    desk.register(desk.u1, "phone", &phone).await;
    let seq = desk.publish(desk.u1, "pushed").await;
    desk.seconds(6);
    desk.sweep().await;
    // The provider takes it and hangs up, and the process is gone before it would have asked again.
    makers.script(&phone, json!([{"hang": true}]));
    let (_, pushes) = desk.worker().begin().await.unwrap();
    tokio::select! {
        _ = pushes.unwrap() => panic!("the provider never answers"),
        () = crate::testing::eventually(async || makers.screen(&phone).len() == 1) => {}
    }
    desk.ack(desk.u1, "laptop", seq, true).await;
    desk.seconds(3);
    desk.round().await;
    assert_eq!(
        makers.screen(&phone).len(),
        1,
        "for all one knows it is still being sent"
    );
    desk.seconds(61);
    desk.round().await;
    assert_eq!((makers.screen(&phone).len(), desk.debts().await), (0, 0));
}

/// A shared phone stayed with the one who had it before.
#[tokio::test]
async fn a_token_belongs_to_whoever_registered_it_last() {
    let (mut desk, makers) = open().await;
    let phone = makers.phone();
    desk.register(desk.u1, "phone", &phone).await;
    desk.register(desk.u2, "phone", &phone).await;
    desk.pushed().await;
    assert_eq!(makers.received(&phone), 0);
}

/// A phone that acknowledged what every device must have is not pushed to; the others are.
#[tokio::test]
async fn who_has_it_is_not_pushed_to() {
    let (mut desk, makers) = open().await;
    let rules = r#"{"life":3600,"ack_by":"every_device","ladder":[{"after":5,"do":"push"}]}"#;
    desk.class("every", rules).await;
    let (phone, tablet) = (makers.phone(), makers.phone());
    desk.register(desk.u1, "phone", &phone).await;
    desk.register(desk.u1, "tablet", &tablet).await;
    desk.seconds(1);
    let seq = desk.publish(desk.u1, "every").await;
    desk.ack(desk.u1, "phone", seq, true).await;
    desk.seconds(6);
    desk.sweep().await;
    desk.round().await;
    assert_eq!((makers.received(&phone), makers.received(&tablet)), (0, 1));
}

/// What is said of a delivery by way of a push keeps the card that says it: it goes when somebody has looked.
#[tokio::test]
async fn a_phone_that_acks_from_the_background_keeps_its_card_until_somebody_looked() {
    let (mut desk, makers) = open().await;
    let (phone, tablet) = (makers.phone(), makers.phone());
    desk.register(desk.u1, "phone", &phone).await;
    desk.register(desk.u1, "tablet", &tablet).await;
    let seq = desk.pushed().await;
    desk.ack_via(desk.u1, "phone", seq, "push").await;
    assert_eq!(desk.state(desk.u1, seq).await, State::Acked);
    desk.round().await;
    let screens = |makers: &Makers| (makers.screen(&phone).len(), makers.screen(&tablet).len());
    assert_eq!(screens(&makers), (1, 0), "its own card stays");
    assert_eq!(desk.debts().await, 0);
    // The same again is no news.
    desk.ack_via(desk.u1, "phone", seq, "push").await;
    assert_eq!(desk.debts().await, 0);

    desk.ack_via(desk.u1, "tablet", seq, "tap").await;
    desk.round().await;
    assert_eq!(screens(&makers), (0, 0));
    assert_eq!(desk.debts().await, 0);
}

/// Two browsers say at once that they show it; a tap on one, or a look into the inbox, clears the other.
#[tokio::test]
async fn a_tap_or_a_look_clears_what_other_devices_said_they_show() {
    let (mut desk, makers) = open().await;
    let (phone, tablet) = (makers.phone(), makers.phone());
    desk.register(desk.u1, "phone", &phone).await;
    desk.register(desk.u1, "tablet", &tablet).await;
    let seqs = [desk.pushed().await, desk.pushed().await];
    for seq in seqs {
        desk.ack_via(desk.u1, "phone", seq, "push").await;
        desk.ack_via(desk.u1, "tablet", seq, "push").await;
    }
    desk.round().await;
    let screens = |makers: &Makers| (makers.screen(&phone).len(), makers.screen(&tablet).len());
    assert_eq!(screens(&makers), (2, 2));

    assert_eq!(
        desk.ack_via(desk.u1, "phone", seqs[0], "tap").await,
        0,
        "acked before"
    );
    desk.ack_via(desk.u1, "phone", seqs[0], "tap").await;
    let taps = "SELECT count(*) FROM bellhop.ack WHERE via = 'tap'";
    assert_eq!(desk.count(taps).await, 1, "a fact, once");
    desk.round().await;
    assert_eq!(screens(&makers), (1, 1));

    desk.seen(desk.u1, seqs[1]).await;
    desk.round().await;
    assert_eq!(screens(&makers), (0, 0));
    assert_eq!(desk.debts().await, 0);
}

/// And it goes when its sender takes it back.
#[tokio::test]
async fn a_card_that_was_acked_from_the_background_goes_with_its_notification() {
    let (mut desk, makers) = open().await;
    let phone = makers.phone();
    desk.register(desk.u1, "phone", &phone).await;
    let seq = desk.pushed().await;
    desk.ack_via(desk.u1, "phone", seq, "push").await;
    desk.round().await;
    assert_eq!(makers.screen(&phone).len(), 1);
    desk.cancel(desk.u1, seq).await;
    desk.round().await;
    assert_eq!((makers.screen(&phone).len(), desk.debts().await), (0, 0));
}

#[tokio::test]
async fn the_number_on_the_icon_leaves_only_where_the_class_lets_it() {
    let (mut desk, makers) = open().await;
    let phone = makers.phone();
    desk.register(desk.u1, "phone", &phone).await;
    let counting = r#"{"life":3600,"ladder":[{"after":5,"do":"push"}],
                       "push":{"title":"News","fields":["badge"]}}"#;
    desk.class("counting", counting).await;
    desk.pushed().await;
    let badge = |makers: &Makers| makers.stand_ins.look(&phone.id).unwrap()["badge"].clone();
    assert_eq!(badge(&makers), json!(null));
    let seq = desk.publish(desk.u1, "counting").await;
    desk.seconds(6);
    desk.sweep().await;
    desk.round().await;
    assert_eq!(badge(&makers), json!(2), "two are unseen");
    desk.seen(desk.u1, seq).await;
    desk.ack(desk.u1, "laptop", seq, true).await;
    desk.round().await;
    assert_eq!(badge(&makers), json!(1), "the withdrawal says what is left");
}
