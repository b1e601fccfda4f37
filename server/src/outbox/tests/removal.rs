//! Users who go: what was owed to them ends, and what was theirs.

use std::sync::Arc;

use sqlx::{Connection as _, PgPool};
use uuid::Uuid;

use super::pushes::open;
use super::{Desk, State};
use crate::delivery::{Audience, Publication, ledger};
use crate::outbox::removal::Removals;
use crate::store::removals::{self as store, Removal};

impl Desk {
    pub(super) fn removals(&self) -> Removals {
        Removals {
            pool: self.pool.clone(),
            clock: self.clock.clone(),
            changed: Arc::new(|_| {}),
        }
    }

    /// As the API does it.
    async fn remove(&self, user: Uuid, erase: bool) {
        let now = self.clock.now();
        let mut conn = self.pool.acquire().await.unwrap();
        sqlx::query("UPDATE bellhop.user_account SET active = false WHERE id = $1")
            .bind(user)
            .execute(&mut *conn)
            .await
            .unwrap();
        store::ask(&mut conn, (self.tenant, user), erase, now)
            .await
            .unwrap();
    }

    async fn removal(&self, user: Uuid) -> Removal {
        let mut conn = self.pool.acquire().await.unwrap();
        store::of(&mut conn, user).await.unwrap().unwrap()
    }

    /// Rounds until nothing is due now.
    async fn removed(&self) {
        while self.removals().round(None).await.unwrap() > 0 {}
    }

    async fn reason(&self, seq: i64) -> Option<String> {
        sqlx::query_scalar("SELECT reason FROM bellhop.delivery WHERE user_id = $1 AND seq = $2")
            .bind(self.u1)
            .bind(seq)
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn what_is_owed_to_a_removed_user_ends_at_once() {
    let mut desk = Desk::open().await;
    desk.device(desk.u1, "phone").await;
    let [acked, read, owed, others] = [
        desk.publish(desk.u1, "decision").await,
        desk.publish(desk.u1, "standard").await,
        desk.publish(desk.u1, "decision").await,
        desk.publish(desk.u2, "decision").await,
    ];
    desk.ack(desk.u1, "phone", acked, true).await;
    desk.reached(desk.u1, "phone", read).await;
    desk.seconds(5);
    assert_eq!(desk.sweep().await, 2);
    desk.remove(desk.u1, false).await;
    desk.removed().await;
    assert_eq!(desk.state(desk.u1, acked).await, State::Acked);
    assert_eq!(
        desk.state(desk.u1, read).await,
        State::Reached,
        "that was enough"
    );
    assert_eq!(desk.state(desk.u1, owed).await, State::Dead);
    assert_eq!(desk.reason(owed).await.as_deref(), Some("user_removed"));
    assert_eq!(desk.state(desk.u2, others).await, State::Queued);
    assert_eq!(desk.debts().await, 1, "the other's");
    let letters = "SELECT count(*) FROM bellhop.dead_letter WHERE reason = 'user_removed'";
    assert_eq!(desk.count(letters).await, 1);
    let removal = desk.removal(desk.u1).await;
    assert_eq!((removal.ended, removal.done_at.is_some()), (1, true));
}

/// A publication had found the user active and commits after the removal was asked for.
#[tokio::test]
async fn what_commits_after_the_removal_ends_too() {
    let desk = Desk::open().await;
    let mut conn = desk.pool.acquire().await.unwrap();
    let mut tx = conn.begin().await.unwrap();
    let publication = desk.publication(desk.u1, "decision");
    let routed = ledger::append(&mut tx, vec![publication], desk.clock.now())
        .await
        .unwrap();
    let seq = routed[0].recipients[0].1;
    desk.remove(desk.u1, false).await;
    desk.removed().await;
    assert!(
        desk.removal(desk.u1).await.done_at.is_none(),
        "somebody is still at it"
    );
    tx.commit().await.unwrap();
    desk.seconds(2);
    desk.removed().await;
    assert_eq!(desk.state(desk.u1, seq).await, State::Dead);
    assert!(desk.removal(desk.u1).await.done_at.is_some());
}

/// However it came about: no rung is climbed for somebody who is gone.
#[tokio::test]
async fn at_its_next_rung_what_is_owed_to_nobody_ends() {
    let mut desk = Desk::open().await;
    let seq = desk.publish(desk.u1, "decision").await;
    desk.seconds(5);
    desk.sweep().await;
    sqlx::query("UPDATE bellhop.user_account SET active = false WHERE id = $1")
        .bind(desk.u1)
        .execute(&desk.pool)
        .await
        .unwrap();
    desk.seconds(2);
    assert_eq!(desk.round().await.ended, 1);
    assert_eq!((desk.asked(), desk.debts().await), (vec![], 0));
    assert_eq!(desk.state(desk.u1, seq).await, State::Dead);
    assert_eq!(desk.reason(seq).await.as_deref(), Some("user_removed"));
}

#[tokio::test]
async fn a_card_is_taken_back_before_its_phone_is_forgotten() {
    let (mut desk, makers) = open().await;
    let phone = makers.phone();
    desk.register(desk.u1, "phone", &phone).await;
    let seq = desk.pushed().await;
    assert_eq!(makers.screen(&phone).len(), 1);
    desk.remove(desk.u1, true).await;
    desk.removed().await;
    assert_eq!(desk.state(desk.u1, seq).await, State::Dead);
    let tokens = "SELECT count(*) FROM bellhop.push_token";
    assert_eq!((desk.count(tokens).await, desk.debts().await), (1, 1));
    desk.round().await;
    assert_eq!((makers.screen(&phone).len(), desk.debts().await), (0, 0));
    desk.seconds(2);
    desk.removed().await;
    let removal = desk.removal(desk.u1).await;
    assert_eq!((removal.devices, removal.done_at.is_some()), (2, true));
    for table in ["push_token", "device", "device_key"] {
        let statement = format!("SELECT count(*) FROM bellhop.{table}");
        let left: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(statement))
            .fetch_one(&desk.pool)
            .await
            .unwrap();
        assert_eq!(left, 0, "{table}");
    }
    // One that was connecting at that moment comes late, and goes with the next hour.
    desk.device(desk.u1, "late").await;
    desk.device(desk.u2, "of another").await;
    assert_eq!(desk.retention().pass().await.unwrap().devices, 1);
    assert_eq!(desk.count("SELECT count(*) FROM bellhop.device").await, 1);
    let words = "SELECT count(*) FROM bellhop.push_attempt WHERE device <> '' OR detail <> ''";
    assert_eq!(desk.count(words).await, 0);
}

/// So many notifications for `u1`, spread over five days, each with an ack of a named device.
async fn history(pool: &PgPool, user: Uuid, count: i64) {
    sqlx::query(
        "WITH made AS (
             SELECT n AS seq, bellhop.uuid_v7(at) AS id, at
               FROM generate_series(1, $2) n,
                    LATERAL (SELECT now() + (n % 5 - 1) * interval '1 day') AS t (at)),
         bumped AS (UPDATE bellhop.user_stream SET last_seq = $2 WHERE user_id = $1 RETURNING tenant_id),
         notes AS (
             INSERT INTO bellhop.notification (id, at, tenant_id, service_id, kind, title, body, data,
                    thread_key, severity, audience, recipients, expires_at)
             SELECT id, bellhop.instant_of(id), tenant_id, tenant_id, 'NewTask', 'private', 'private',
                    '{\"private\":1}', 'private', 'info', '', 1, at + interval '20 days'
               FROM made, bumped),
         acks AS (
             INSERT INTO bellhop.ack SELECT $1, seq, at, tenant_id, id, 'private', 'hub' FROM made, bumped)
         INSERT INTO bellhop.delivery
                (user_id, seq, at, tenant_id, notification_id, expires_at, via, read_at, state)
         SELECT $1, seq, at, tenant_id, id, at + interval '20 days', 'department:private', now(),
                CASE WHEN seq % 2 = 0 THEN 2 ELSE 0 END FROM made, bumped",
    )
    .bind(user)
    .bind(count)
    .execute(pool)
    .await
    .unwrap();
}

#[tokio::test]
async fn an_erasure_goes_on_where_a_crash_left_it() {
    let desk = Desk::open().await;
    let mut conn = desk.pool.acquire().await.unwrap();
    crate::store::ledger::ensure_partitions(&mut conn, desk.clock.now())
        .await
        .unwrap();
    history(&desk.pool, desk.u1, 1_200).await;
    desk.remove(desk.u1, true).await;
    let removals = desk.removals();
    assert_eq!(removals.round(None).await.unwrap(), 1);
    assert_eq!(desk.removal(desk.u1).await.deliveries, 500, "a page");
    // Claimed, and gone; whoever comes after it does the work, and what it writes late counts no more.
    let now = desk.clock.now();
    let until = now + jiff::SignedDuration::from_secs(60);
    let dead = store::claim(&mut conn, None, now, until, 1).await.unwrap();
    assert_eq!(dead[0].after, 500);
    assert_eq!(removals.round(None).await.unwrap(), 0, "it is claimed");
    desk.seconds(61);
    assert_eq!(removals.round(None).await.unwrap(), 1);
    assert_eq!(desk.removal(desk.u1).await.deliveries, 1_000);
    removals.step(&dead[0]).await.unwrap();
    assert_eq!(desk.removal(desk.u1).await.deliveries, 1_000);
    desk.removed().await;
    let removal = desk.removal(desk.u1).await;
    assert_eq!(
        (
            removal.found,
            removal.deliveries,
            removal.ended,
            removal.contents
        ),
        (1_200, 1_200, 600, 1_200)
    );
    for private in [
        "SELECT count(*) FROM bellhop.notification WHERE notification::text LIKE '%private%'",
        "SELECT count(*) FROM bellhop.delivery WHERE via IS NOT NULL OR read_at IS NOT NULL",
        "SELECT count(*) FROM bellhop.ack WHERE device <> ''",
    ] {
        assert_eq!(desk.count(private).await, 0, "{private}");
    }
    // The skeleton stays.
    assert_eq!(
        desk.count("SELECT count(*) FROM bellhop.delivery WHERE state = 2")
            .await,
        600
    );
    assert_eq!(desk.count("SELECT count(*) FROM bellhop.ack").await, 1_200);
}

#[tokio::test]
async fn what_others_were_sent_too_stays_theirs() {
    let desk = Desk::open().await;
    let shared = Publication {
        audience: Audience {
            users: vec![desk.u1, desk.u2],
            ..Audience::default()
        },
        title: "shared".to_owned(),
        ..(*desk.publication(desk.u1, "decision")).clone()
    };
    let mut conn = desk.pool.acquire().await.unwrap();
    ledger::append(&mut conn, vec![Arc::new(shared)], desk.clock.now())
        .await
        .unwrap();
    desk.publish(desk.u1, "decision").await;
    desk.remove(desk.u1, true).await;
    desk.removed().await;
    assert_eq!(desk.removal(desk.u1).await.contents, 1);
    let titles: Vec<String> =
        sqlx::query_scalar("SELECT title FROM bellhop.notification ORDER BY title")
            .fetch_all(&desk.pool)
            .await
            .unwrap();
    assert_eq!(titles, ["Erased", "shared"]);
}
