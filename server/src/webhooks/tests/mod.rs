//! Webhooks against a receiver that checks what it gets, the clock in the test's hand.

mod looked_after;
mod receiver;

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::Value;
use uuid::Uuid;

use super::{EVENTS, Webhooks, sender};
use crate::outbox::tests::Desk;
use crate::store::webhook_events as events;
use crate::store::webhooks as store;
use crate::support::lifecycle::Lifecycle;

pub(crate) use receiver::{Got, Receiver};

const SECRET: &[u8] = b"a secret of the tests: 32 bytes.";

struct Stage {
    desk: Desk,
    hooks: Webhooks,
    receiver: Receiver,
    webhook: Uuid,
    _life: Lifecycle,
}

impl Stage {
    async fn open(events: &[&str]) -> Self {
        let (desk, life) = (Desk::open().await, Lifecycle::new());
        let (receiver, address) = Receiver::open(&life).await;
        let hooks = Webhooks::new(
            desk.pool.clone(),
            desk.clock.clone(),
            desk.ids.clone(),
            desk.interest.clone(),
            true,
        )
        .unwrap();
        let webhook = desk.ids.uuid();
        let events: Vec<String> = events.iter().map(|event| (*event).to_owned()).collect();
        let new = store::New {
            id: webhook,
            tenant: desk.tenant,
            service: desk.service,
            key: "receipts",
            url: &format!("http://{address}/"),
            events: &events,
            secret: SECRET,
        };
        let mut conn = desk.pool.acquire().await.unwrap();
        store::create(&mut conn, &new, desk.clock.now())
            .await
            .unwrap();
        drop(conn);
        hooks.changed().await.unwrap();
        desk.device(desk.u1, "phone").await;
        desk.device(desk.u2, "phone").await;
        Self {
            desk,
            hooks,
            receiver,
            webhook,
            _life: life,
        }
    }

    async fn round(&self) -> bool {
        self.hooks.round(None).await.unwrap()
    }

    /// Publishes to `u1`, who acks at once.
    async fn acked(&self) {
        let seq = self.desk.publish(self.desk.u1, "decision").await;
        self.desk.ack(self.desk.u1, "phone", seq, true).await;
    }

    async fn state(&self) -> store::Webhook {
        let mut conn = self.desk.pool.acquire().await.unwrap();
        let found = store::list(&mut conn, self.desk.service).await.unwrap();
        found.into_iter().next().unwrap()
    }

    async fn waiting(&self) -> store::Waiting {
        let mut conn = self.desk.pool.acquire().await.unwrap();
        store::waiting(&mut conn, self.webhook).await.unwrap()
    }
}

#[tokio::test]
async fn an_ack_is_told_signed_and_then_that_all_is_settled() {
    let stage = Stage::open(&["notification.acked", "notification.settled"]).await;
    let seq = stage.desk.publish(stage.desk.u1, "decision").await;
    assert!(!stage.round().await, "nothing happened");
    stage.desk.ack(stage.desk.u1, "phone", seq, true).await;
    stage.desk.ack(stage.desk.u1, "laptop", seq, true).await;
    assert!(stage.round().await);
    let got = stage.receiver.got();
    assert_eq!(got.len(), 1);
    assert_eq!(
        got[0].types(),
        ["notification.acked", "notification.settled"]
    );
    assert!(got[0].is_signed_with(SECRET));
    assert!(!got[0].is_signed_with(b"another secret of the tests: 32."));
    let event = &got[0].body["data"]["events"][0];
    assert_eq!(event["data"]["user"], "u1");
    assert_eq!(event["data"]["seq"], seq);
    assert_eq!(event["data"]["kind"], "NewTask");
    assert_eq!(
        (stage.waiting().await.requests, stage.waiting().await.events),
        (0, 0)
    );
    assert!(stage.state().await.taken_at.is_some());
    assert!(!stage.round().await, "once");
}

#[tokio::test]
async fn who_has_no_webhook_pays_nothing() {
    let desk = Desk::open().await;
    desk.interest.reload(&desk.pool).await.unwrap();
    assert!(!desk.interest.has(desk.tenant) && !desk.interest.is_any());
    desk.device(desk.u1, "phone").await;
    let seq = desk.publish(desk.u1, "decision").await;
    desk.ack(desk.u1, "phone", seq, true).await;
    let events = "SELECT count(*) FROM bellhop.webhook_event";
    assert_eq!(desk.count(events).await, 0);
}

/// Whichever way a delivery goes, whoever does it.
#[tokio::test]
async fn every_move_is_told() {
    use crate::delivery::{ledger, withdraw};
    use crate::store::debts::{self, Ending};
    use app::model::delivery::State;
    let stage = Stage::open(&EVENTS).await;
    let desk = &stage.desk;
    let (tenant, service, now) = (desk.tenant, desk.service, desk.clock.now());
    let mut conn = desk.pool.acquire().await.unwrap();
    let mut ids = Vec::new();
    for class in ["decision", "decision", "decision", "standard"] {
        let publication = desk.publication(desk.u1, class);
        ids.push(publication.id);
        ledger::append(&mut conn, vec![publication], now)
            .await
            .unwrap();
    }
    for (seq, state) in [(1, State::Expired), (2, State::Dead)] {
        let ending = Ending {
            user: desk.u1,
            seq,
            at: now,
            state,
            reason: "test",
        };
        debts::end(&mut conn, &[ending], now).await.unwrap();
    }
    let by = desk.ids.uuid();
    withdraw::cancel(
        &mut conn,
        (tenant, service),
        &ids[2..3],
        "cancelled",
        by,
        now,
    )
    .await
    .unwrap();
    for _ in 0..2 {
        let marked = crate::workplace::inbox::mark_for(
            &desk.pool,
            tenant,
            desk.u1,
            &ids[3..],
            app::model::inbox::Mark::Read,
            now,
        );
        marked.await.unwrap();
    }
    desk.reached(desk.u1, "phone", 4).await;
    while stage.round().await {}
    let got = stage.receiver.got();
    let mut told: Vec<(usize, String)> = Vec::new();
    for event in got
        .iter()
        .flat_map(|got| got.body["data"]["events"].as_array().unwrap())
    {
        let id: Uuid = serde_json::from_value(event["data"]["notification"].clone()).unwrap();
        let which = ids.iter().position(|one| *one == id).unwrap();
        told.push((
            which,
            event["type"].as_str().unwrap().replace("notification.", ""),
        ));
    }
    told.sort_by_key(|(which, _)| *which);
    let told: Vec<(usize, &str)> = told.iter().map(|(which, what)| (*which, &**what)).collect();
    assert_eq!(
        told,
        [
            (0, "expired"),
            (0, "settled"),
            (1, "dead"),
            (1, "settled"),
            (2, "cancelled"),
            (2, "settled"),
            (3, "read"),
            (3, "reached"),
            (3, "settled"),
        ]
    );
}

#[tokio::test]
async fn a_receiver_that_was_away_gets_all_in_order_under_the_same_id() {
    let stage = Stage::open(&["notification.acked"]).await;
    stage.receiver.answers(&[503, 500]);
    stage.acked().await;
    stage.round().await;
    let hook = stage.state().await;
    assert_eq!(
        (hook.status, hook.failure.as_deref()),
        (Some(503), Some("answered 503"))
    );
    stage.acked().await;
    assert!(
        !stage.round().await,
        "it is not time yet, and the next waits for it"
    );
    assert_eq!(stage.receiver.got().len(), 1);
    stage.desk.seconds(7);
    stage.round().await;
    stage.desk.seconds(40);
    stage.round().await;
    stage.round().await;
    let got = stage.receiver.got();
    assert_eq!(got.len(), 4);
    assert!(got[0].id == got[1].id && got[1].id == got[2].id && got[2].id != got[3].id);
    let seq = |got: &Got| got.body["data"]["events"][0]["data"]["seq"].clone();
    assert_eq!(
        (seq(&got[2]), seq(&got[3])),
        (Value::from(1), Value::from(2))
    );
    assert_ne!(
        got[0].timestamp, got[1].timestamp,
        "each try says when it is"
    );
    assert!(got.iter().all(|got| got.is_signed_with(SECRET)));
    assert_eq!(stage.state().await.failure, None);
}

#[tokio::test]
async fn a_request_that_is_refused_again_and_again_holds_up_no_other() {
    let stage = Stage::open(&["notification.acked"]).await;
    stage.receiver.answers(&[400, 400, 400]);
    stage.acked().await;
    stage.round().await;
    stage.acked().await;
    for _ in 0..2 {
        stage.desk.seconds(200);
        stage.round().await;
    }
    assert_eq!(stage.receiver.got().len(), 3);
    stage.round().await;
    let got = stage.receiver.got();
    assert_eq!(got.len(), 4);
    assert_ne!(got[3].id, got[0].id, "the next went past it");
    assert_eq!(stage.waiting().await.requests, 1);
}

#[tokio::test]
async fn a_crash_between_claim_and_answer_loses_nothing() {
    let stage = Stage::open(&["notification.acked"]).await;
    stage.acked().await;
    let now = stage.desk.clock.now();
    super::compose::compose(&stage.desk.pool, &stage.desk.ids, now)
        .await
        .unwrap();
    let mut conn = stage.desk.pool.acquire().await.unwrap();
    let until = now + SignedDuration::from_secs(60);
    let dead = events::claim(&mut conn, now, until, 10).await.unwrap();
    assert_eq!(dead.len(), 1);
    assert!(!stage.round().await, "it is claimed");
    stage.desk.seconds(61);
    stage.receiver.answers(&[500]);
    stage.round().await;
    // The one who was taken for dead says that it failed: that counts no more.
    let failure = events::Failure::default();
    let counts = events::failed(&mut conn, &dead[0], &failure, None, now).await;
    assert!(!counts.unwrap());
    stage.desk.seconds(10);
    stage.round().await;
    let got = stage.receiver.got();
    assert_eq!(got.len(), 2);
    assert!(got.iter().all(|got| got.id == dead[0].id.to_string()));
    assert_eq!(stage.waiting().await.requests, 0);
}

#[tokio::test]
async fn after_a_day_a_request_is_given_up_and_the_webhook_says_why() {
    let stage = Stage::open(&["notification.acked"]).await;
    stage.receiver.answers(&[500; 99]);
    stage.acked().await;
    for _ in 0..20 {
        stage.round().await;
        stage.desk.seconds(7_200);
    }
    let (hook, waiting) = (stage.state().await, stage.waiting().await);
    assert_eq!(hook.disabled.as_deref(), Some(sender::FAILING));
    assert_eq!((waiting.dead, waiting.requests), (1, 0));
    let tries = stage.receiver.got().len();
    assert!((8..20).contains(&tries), "{tries}");
    // Nothing is noted for it any more; a change has it told again.
    stage.acked().await;
    assert_eq!(
        (stage.waiting().await.events, stage.round().await),
        (0, false)
    );
    stage.receiver.answers(&[]);
    let mut conn = stage.desk.pool.acquire().await.unwrap();
    let now = stage.desk.clock.now();
    store::change(&mut conn, stage.webhook, &hook.url, &hook.events, None, now)
        .await
        .unwrap();
    stage.hooks.changed().await.unwrap();
    stage.acked().await;
    stage.round().await;
    assert_eq!(stage.receiver.got().len(), tries + 1);
    assert_eq!(stage.state().await.disabled, None);
}

#[tokio::test]
async fn many_events_share_a_request() {
    let stage = Stage::open(&["notification.acked"]).await;
    let mut seqs = Vec::new();
    for _ in 0..250 {
        seqs.push(stage.desk.publish(stage.desk.u1, "decision").await);
    }
    for seq in seqs {
        stage.desk.ack(stage.desk.u1, "phone", seq, true).await;
    }
    while stage.round().await {}
    let counts: Vec<usize> = stage
        .receiver
        .got()
        .iter()
        .map(|got| got.types().len())
        .collect();
    assert_eq!(counts, [200, 50]);
}

#[tokio::test]
async fn while_a_secret_is_changed_both_sign() {
    let stage = Stage::open(&["notification.acked"]).await;
    let newer = b"the next secret of the tests, 32";
    let hook = stage.state().await;
    let mut conn = stage.desk.pool.acquire().await.unwrap();
    let now = stage.desk.clock.now();
    let until = now + SignedDuration::from_hours(24);
    let secret = Some((&newer[..], until));
    store::change(
        &mut conn,
        stage.webhook,
        &hook.url,
        &hook.events,
        secret,
        now,
    )
    .await
    .unwrap();
    stage.acked().await;
    stage.round().await;
    stage.desk.seconds(86_401);
    stage.acked().await;
    stage.round().await;
    let got = stage.receiver.got();
    assert!(got[0].is_signed_with(SECRET) && got[0].is_signed_with(newer));
    assert!(!got[1].is_signed_with(SECRET) && got[1].is_signed_with(newer));
}

#[tokio::test]
async fn redirects_are_not_followed_and_410_is_the_end() {
    let stage = Stage::open(&["notification.acked"]).await;
    stage.receiver.answers(&[302, 410]);
    stage.acked().await;
    stage.round().await;
    assert_eq!(stage.receiver.got().len(), 1);
    let failure = stage.state().await.failure.unwrap();
    assert!(failure.contains("redirects"), "{failure}");
    stage.desk.seconds(7);
    stage.round().await;
    assert_eq!(stage.state().await.disabled.as_deref(), Some(sender::GONE));
}

/// It was written when the settings allowed it, or past the API.
#[tokio::test]
async fn nothing_is_written_to_this_house_unless_that_is_allowed() {
    let stage = Stage::open(&["notification.acked"]).await;
    let strict = Webhooks::new(
        stage.desk.pool.clone(),
        stage.desk.clock.clone(),
        stage.desk.ids.clone(),
        stage.desk.interest.clone(),
        false,
    )
    .unwrap();
    stage.acked().await;
    strict.round(None).await.unwrap();
    for url in ["https://localhost:1/", "https://[::ffff:127.0.0.1]:1/"] {
        let answer = strict
            .test(stage.webhook, url, std::iter::once(SECRET))
            .await;
        assert!(answer.failure.unwrap().contains("public name"), "{url}");
    }
    assert!(stage.receiver.got().is_empty());
    let failure = stage.state().await.failure.unwrap();
    assert!(failure.contains("https URL"), "{failure}");
}

/// A thousand commits at once; the two last ones of a notification do not see each other.
#[tokio::test]
async fn two_who_settle_at_once_are_told_as_settled_once() {
    let stage = Stage::open(&["notification.settled"]).await;
    let desk = &stage.desk;
    let mut conn = desk.pool.acquire().await.unwrap();
    let both = crate::delivery::Publication {
        audience: crate::delivery::Audience {
            users: vec![desk.u1, desk.u2],
            ..crate::delivery::Audience::default()
        },
        ..(*desk.publication(desk.u1, "decision")).clone()
    };
    crate::delivery::ledger::append(&mut conn, vec![Arc::new(both)], desk.clock.now())
        .await
        .unwrap();
    // Each as a transaction of its own, open beside the other, as two nodes would.
    let mut open = Vec::new();
    for user in [desk.u1, desk.u2] {
        let mut tx = desk.pool.begin().await.unwrap();
        let item = crate::store::acks::Item { user, seq: 1 };
        let mut found = crate::store::acks::lock(&mut tx, std::iter::once((item, None)))
            .await
            .unwrap();
        found[0].state = 2;
        let moved = [&found[0]];
        crate::store::acks::set_states(&mut tx, &moved, desk.clock.now())
            .await
            .unwrap();
        events::note(&mut tx, &moved, desk.clock.now())
            .await
            .unwrap();
        open.push(tx);
    }
    for tx in open {
        tx.commit().await.unwrap();
        stage.round().await;
    }
    while stage.round().await {}
    let got = stage.receiver.got();
    assert_eq!(got.len(), 1);
    assert_eq!(got[0].types(), ["notification.settled"]);
}
