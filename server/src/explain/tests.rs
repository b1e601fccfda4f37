//! Explanations over a real database, the clock in the test's hand.

use std::sync::Arc;

use jiff::Timestamp;
use sqlx::PgPool;
use uuid::Uuid;

use super::{Explained, Question, explain};
use crate::delivery::{Audience, Classes, Publication, ledger};
use crate::outbox::worker::jitter;
use crate::store::devices;
use crate::support::clock::Clock;
use crate::support::ids::Ids;
use crate::support::lifecycle::Lifecycle;
use crate::testing::house::{furnished, noon};

struct Desk {
    pool: PgPool,
    clock: Clock,
    ids: Ids,
    classes: Arc<Classes>,
    tenant: Uuid,
    service: Uuid,
    u1: Uuid,
    u2: Uuid,
    _life: Lifecycle,
}

impl Desk {
    async fn open() -> Self {
        let (pool, clock, life) = (furnished().await, noon(), Lifecycle::new());
        let classes = Classes::open(pool.clone(), &life).await.unwrap();
        let (tenant, service): (Uuid, Uuid) = sqlx::query_as(
            "SELECT t.id, s.id FROM bellhop.tenant t JOIN bellhop.service s ON s.tenant_id = t.id
              WHERE t.key = 'a'",
        )
        .fetch_one(&pool)
        .await
        .unwrap();
        let user = async |key: &str| -> Uuid {
            sqlx::query_scalar(
                "SELECT id FROM bellhop.user_account WHERE tenant_id = $1 AND key = $2",
            )
            .bind(tenant)
            .bind(key)
            .fetch_one(&pool)
            .await
            .unwrap()
        };
        Self {
            u1: user("u1").await,
            u2: user("u2").await,
            ids: Ids::new(clock.clone()),
            pool,
            clock,
            classes,
            tenant,
            service,
            _life: life,
        }
    }

    /// Publishes to `u1`; its id.
    async fn publish(&self, class: &str) -> Uuid {
        let chosen = self.classes.choose(self.tenant, "K", Some(class)).unwrap();
        let id = self.ids.uuid();
        let publication = Arc::new(Publication {
            id,
            tenant: self.tenant,
            service: self.service,
            kind: "K".to_owned(),
            title: "t".to_owned(),
            body: String::new(),
            data: "{}".to_owned(),
            thread_key: None,
            severity: app::model::inbox::Severity::Info,
            class: chosen.key.clone(),
            rule: chosen.rule,
            publisher: "key:k1".into(),
            audience: Audience::user(self.u1),
            expires_at: self.clock.now() + chosen.life(),
            deliver_at: None,
            supersedes: None,
            collapse_key: None,
            idempotency: None,
        });
        let mut conn = self.pool.acquire().await.unwrap();
        ledger::append(&mut conn, vec![publication], self.clock.now())
            .await
            .unwrap();
        id
    }

    async fn ask(&self, id: Uuid, user: &str) -> Explained {
        let mut conn = self.pool.acquire().await.unwrap();
        let question = Question {
            tenant: self.tenant,
            service: Some(self.service),
            id,
            user,
            classes: &self.classes,
            online: &|_| false,
            now: self.clock.now(),
        };
        explain(&mut conn, question).await.unwrap().unwrap()
    }

    async fn device(&self, key: &str) {
        let mut conn = self.pool.acquire().await.unwrap();
        let arrival = devices::Arrival {
            tenant: self.tenant,
            user: self.u1,
            key: key.to_owned(),
            agent: "x".to_owned(),
            ..devices::Arrival::default()
        };
        devices::seen(&mut conn, &[arrival], self.clock.now())
            .await
            .unwrap();
    }

    async fn run(&self, statement: &'static str) {
        sqlx::query(statement)
            .bind(self.u1)
            .bind(self.clock.now().to_string())
            .execute(&self.pool)
            .await
            .unwrap();
    }
}

fn whats(explained: &Explained) -> Vec<&str> {
    explained.timeline.iter().map(|event| event.what).collect()
}

/// Seconds after noon, jitter taken off again.
fn seconds(desk: &Desk, id: Uuid, from: Timestamp, at: Timestamp) -> i64 {
    let passed = at.as_millisecond() - from.as_millisecond();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "some minutes in milliseconds"
    )]
    let rung = (passed as f64 / (1.0 + jitter(id, desk.u1) / 10.0) / 1_000.0).round() as i64;
    rung
}

#[tokio::test]
async fn what_lies_ahead_is_what_the_worker_plans() {
    let desk = Desk::open().await;
    let from = desk.clock.now();
    let id = desk.publish("urgent").await;
    let explained = desk.ask(id, "u1").await;
    assert_eq!(whats(&explained), ["accepted", "routed"]);
    assert!(
        explained.timeline[0]
            .text
            .contains("app by key:k1, class urgent")
    );
    let at: Vec<i64> = explained
        .next
        .iter()
        .map(|step| seconds(&desk, id, from, step.at))
        .collect();
    assert_eq!(at, [5, 6, 20, 180, 900]);
    assert_eq!(
        explained.next[0].text,
        "push: no phone or browser is registered for it"
    );
    assert_eq!(explained.next[4].end, Some("dead"));
    assert_eq!(
        explained.verdict,
        "Not acked yet: the user has no open connection."
    );

    // Two rungs done and a push to be tried again: only what is left is told.
    desk.run(
        "INSERT INTO bellhop.push_token (user_id, device, tenant_id, platform, token, token_hash, registered_at)
         SELECT $1, 'phone-1', tenant_id, 'fcm', 'x', '\\x00', $2::timestamptz FROM bellhop.user_account WHERE id = $1",
    )
    .await;
    desk.run(
        "INSERT INTO bellhop.debt (user_id, seq, at, tenant_id, notification_id, rung, tries, push_at, next_at)
         SELECT user_id, seq, at, tenant_id, notification_id, 3, 1, $2::timestamptz + interval '60 s', at
           FROM bellhop.delivery WHERE user_id = $1",
    )
    .await;
    desk.clock.advance(30_000);
    let explained = desk.ask(id, "u1").await;
    assert_eq!(explained.next.len(), 4);
    assert_eq!(
        explained.next[0].at,
        from + jiff::SignedDuration::from_secs(60)
    );
    assert_eq!(
        explained.next[0].text,
        "push to 1 phone or browser, waking it"
    );
    assert!(
        explained
            .what_next
            .contains("12:01:00 UTC: push to 1 phone"),
        "{}",
        explained.what_next
    );
    assert_eq!(explained.next[2].text, "what phones show is taken back");
}

#[tokio::test]
async fn parked_without_a_rung_until_it_expires() {
    let desk = Desk::open().await;
    let id = desk.publish("info").await;
    desk.run(
        "INSERT INTO bellhop.debt (user_id, seq, at, tenant_id, notification_id, rung, next_at)
         SELECT user_id, seq, at, tenant_id, notification_id, 2, expires_at
           FROM bellhop.delivery WHERE user_id = $1 AND $2 <> ''",
    )
    .await;
    let explained = desk.ask(id, "u1").await;
    assert_eq!(explained.next.len(), 1);
    assert!(
        explained
            .what_next
            .starts_with("Parked until it expires at "),
        "{}",
        explained.what_next
    );
    assert!(
        explained.what_next.ends_with("12:00:00 UTC."),
        "{}",
        explained.what_next
    );
}

#[tokio::test]
async fn every_fact_has_its_place_in_the_order() {
    let desk = Desk::open().await;
    for device in ["phone-1", "tab-1"] {
        desk.device(device).await;
    }
    let id = desk.publish("decision").await;
    for statement in [
        "INSERT INTO bellhop.attempt (user_id, seq, at, tenant_id, device, transport, connection)
         SELECT user_id, seq, $2::timestamptz + interval '1 s', tenant_id, 'tab-1', 'WebSockets', 'c'
           FROM bellhop.delivery WHERE user_id = $1",
        "INSERT INTO bellhop.push_attempt (user_id, seq, at, tenant_id, device, provider, purpose, outcome, status, detail)
         SELECT user_id, seq, $2::timestamptz + interval '30 s', tenant_id, 'phone-1', 'fcm', 'notify', o, 200, 'd'
           FROM bellhop.delivery, unnest('{sending,taken,gone}'::text[]) o WHERE user_id = $1",
        // Its answer is not there yet.
        "INSERT INTO bellhop.push_attempt (user_id, seq, at, tenant_id, device, provider, purpose, outcome, detail)
         SELECT user_id, seq, $2::timestamptz + interval '31 s', tenant_id, 'tab-1', 'webpush', 'notify', 'sending', ''
           FROM bellhop.delivery WHERE user_id = $1",
        "INSERT INTO bellhop.ack (user_id, seq, at, tenant_id, notification_id, device, via)
         SELECT user_id, seq, $2::timestamptz + interval '40 s', tenant_id, notification_id, 'phone-1', 'http'
           FROM bellhop.delivery WHERE user_id = $1",
        "UPDATE bellhop.delivery SET state = 2, settled_at = $2::timestamptz + interval '40 s',
                seen_at = $2::timestamptz + interval '50 s' WHERE user_id = $1",
        "UPDATE bellhop.device SET acked = '{[1,1]}', ack_mode = 1 WHERE user_id = $1 AND $2 <> ''",
    ] {
        desk.run(statement).await;
    }
    let explained = desk.ask(id, "u1").await;
    assert_eq!(
        whats(&explained),
        [
            "accepted",
            "routed",
            "written",
            "pushed",
            "push_failed",
            "push_begun",
            "acked",
            "seen"
        ]
    );
    assert_eq!(explained.verdict, "Acked by phone-1.");
    assert_eq!(explained.what_next, "Nothing: acked by phone-1.");
    assert!(explained.next.is_empty());
    let has: Vec<(&str, &str)> = explained
        .devices
        .iter()
        .map(|one| (one.device.as_str(), one.has))
        .collect();
    assert_eq!(has, [("phone-1", "acked"), ("tab-1", "passed")]);
    let delivery = explained.delivery.unwrap();
    assert_eq!((delivery.seq, delivery.state), (1, "acked"));
    assert_eq!(delivery.rule, "settled by the first device that acks");
}

#[tokio::test]
async fn every_device_classes_say_for_whom_they_wait() {
    let desk = Desk::open().await;
    let class = serde_json::from_str(r#"{"life":600,"ack_by":"every_device"}"#).unwrap();
    let changing = crate::delivery::class_changes::Changing {
        pool: &desk.pool,
        classes: &desk.classes,
        tenant: desk.tenant,
        now: desk.clock.now(),
    };
    changing.put_class("all", &class).await.unwrap();
    for device in ["phone-1", "tab-1"] {
        desk.device(device).await;
    }
    let id = desk.publish("all").await;
    desk.clock.advance(1_000);
    desk.device("late").await;
    desk.run(
        "INSERT INTO bellhop.ack (user_id, seq, at, tenant_id, notification_id, device, via)
         SELECT user_id, seq, $2::timestamptz, tenant_id, notification_id, 'phone-1', 'hub'
           FROM bellhop.delivery WHERE user_id = $1",
    )
    .await;
    desk.run("UPDATE bellhop.delivery SET state = 1 WHERE user_id = $1 AND $2 <> ''")
        .await;
    let explained = desk.ask(id, "u1").await;
    assert!(
        explained.verdict.ends_with("It waits for tab-1."),
        "{}",
        explained.verdict
    );
}

#[tokio::test]
async fn a_deputy_is_seen_from_both_sides() {
    let desk = Desk::open().await;
    let id = desk.publish("decision").await;
    sqlx::query(
        "INSERT INTO bellhop.delivery (user_id, seq, at, tenant_id, notification_id, expires_at, via, for_user)
         SELECT $2, 1, at + interval '10 min', tenant_id, notification_id, expires_at, 'deputy', user_id
           FROM bellhop.delivery WHERE user_id = $1",
    )
    .bind(desk.u1)
    .bind(desk.u2)
    .execute(&desk.pool)
    .await
    .unwrap();
    let explained = desk.ask(id, "u1").await;
    assert_eq!(explained.timeline[2].what, "stand_in");
    assert_eq!(
        explained.timeline[2].text,
        "Given to User u2 (u2), the deputy, as no. 1"
    );
    let deputy = desk.ask(id, "u2").await;
    assert_eq!(
        deputy.delivery.as_ref().unwrap().for_user.as_deref(),
        Some("u1")
    );
    assert_eq!(deputy.timeline[1].text, "Routed as no. 1: deputy of u1");
}

#[tokio::test]
async fn who_is_no_recipient_learns_why() {
    let desk = Desk::open().await;
    let id = desk.publish("standard").await;
    let code = async |user: &str| desk.ask(id, user).await.why_not.unwrap().code;
    assert_eq!(code("nobody").await, "no_such_user");
    desk.run(
        "UPDATE bellhop.user_account SET created_at = '2999-01-01' WHERE $1 <> id AND $2 <> ''",
    )
    .await;
    assert_eq!(code("u2").await, "created_later");
    desk.run(
        "UPDATE bellhop.user_account SET created_at = '2020-01-01' WHERE $1 <> id AND $2 <> ''",
    )
    .await;
    assert_eq!(code("u2").await, "not_in_audience");
    desk.run(
        "UPDATE bellhop.user_account SET active = false WHERE key = 'u2' AND $1 <> id AND $2 <> ''",
    )
    .await;
    assert_eq!(code("u2").await, "inactive");
    let mut conn = desk.pool.acquire().await.unwrap();
    let elsewhere = Question {
        tenant: desk.tenant,
        service: Some(Uuid::nil()),
        id,
        user: "u1",
        classes: &desk.classes,
        online: &|_| false,
        now: desk.clock.now(),
    };
    assert!(explain(&mut conn, elsewhere).await.unwrap().is_none());
}

#[tokio::test]
async fn what_was_taken_back_says_by_whom() {
    let desk = Desk::open().await;
    let id = desk.publish("standard").await;
    desk.clock.advance(1_000);
    let by = desk.ids.uuid();
    for statement in [
        "UPDATE bellhop.notification SET cancelled_at = $2, cancelled_by = $3 WHERE id = $1",
        "UPDATE bellhop.delivery SET state = 4, settled_at = $2, reason = $3 WHERE notification_id = $1",
    ] {
        sqlx::query(statement)
            .bind(id)
            .bind(jiff_sqlx::Timestamp::from(desk.clock.now()))
            .bind(by.to_string())
            .execute(&desk.pool)
            .await
            .unwrap();
    }
    let explained = desk.ask(id, "u1").await;
    assert_eq!(
        explained.verdict,
        format!("Taken back: {by} takes its place.")
    );
    assert_eq!(explained.what_next, "Nothing: it is cancelled.");
}
