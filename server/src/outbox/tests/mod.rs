//! Debts against a real database, the clock in the test's hand: nothing here runs by itself.

mod ending;
mod moves;
mod pushes;
mod removal;
mod retention;
mod rungs;
mod sweep;

use std::collections::BTreeSet;
use std::sync::Arc;

use app::model::delivery::State;
use jiff::Timestamp;
use parking_lot::Mutex;
use sqlx::PgPool;
use tokio::sync::Notify;
use uuid::Uuid;

use super::Reach;
use super::ack::{Ack, Acks, What};
use super::phones::Phones;
use super::sweep::{self as sweeping, Sweeper};
use super::worker::{Round, Worker};
use crate::delivery::epoch::Epochs;
use crate::delivery::{Audience, Classes, Publication, ledger};
use crate::store::devices;
use crate::support::clock::Clock;
use crate::support::ids::Ids;
use crate::support::lifecycle::Lifecycle;
use crate::testing::house::{furnished, noon};
use crate::webhooks::Interest;

/// Whom the ladder turned to, and who is here.
#[derive(Default)]
struct Asked {
    again: Mutex<Vec<(Uuid, i64, bool)>>,
    here: Mutex<Vec<Uuid>>,
}

impl Reach for Asked {
    fn here(&self) -> Vec<Uuid> {
        self.here.lock().clone()
    }

    fn again(&self, user: Uuid, seq: i64, last: bool) -> usize {
        self.again.lock().push((user, seq, last));
        0
    }
}

/// The room without anything around it.
pub(crate) struct Desk {
    pub(crate) pool: PgPool,
    pub(crate) clock: Clock,
    pub(crate) ids: Ids,
    pub(crate) interest: Arc<Interest>,
    classes: Arc<Classes>,
    asked: Arc<Asked>,
    acks: Acks,
    phones: Option<Arc<Phones>>,
    sweeper: Sweeper,
    pub(crate) tenant: Uuid,
    pub(crate) service: Uuid,
    pub(crate) u1: Uuid,
    pub(crate) u2: Uuid,
    _life: Lifecycle,
}

impl Desk {
    pub(crate) async fn open() -> Self {
        let (pool, clock, life) = (furnished().await, noon(), Lifecycle::new());
        let classes = Classes::open(pool.clone(), &life).await.unwrap();
        let bell = Arc::new(Notify::new());
        let interest = Arc::new(Interest::default());
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
        let (u1, u2) = (user("u1").await, user("u2").await);
        let asked = Arc::new(Asked {
            here: Mutex::new(vec![u1, u2]),
            ..Asked::default()
        });
        Self {
            ids: Ids::new(clock.clone()),
            interest: interest.clone(),
            phones: None,
            acks: Acks::start(
                pool.clone(),
                clock.clone(),
                Arc::new(|_: &BTreeSet<Uuid>| {}),
                (bell.clone(), Arc::default(), interest.clone()),
                Epochs::new(clock.clone()).epoch(),
                &life,
            ),
            sweeper: Sweeper::new(sweeping::Needs {
                pool: pool.clone(),
                clock: clock.clone(),
                classes: classes.clone(),
                reach: asked.clone(),
                pushes: true,
                bell,
            }),
            asked,
            u1,
            u2,
            tenant,
            service,
            classes,
            clock,
            pool,
            _life: life,
        }
    }

    /// A tenant's own class, from JSON.
    async fn class(&self, key: &str, rules: &str) {
        sqlx::query("INSERT INTO bellhop.class VALUES ($1, $2, $3, now())")
            .bind(self.tenant)
            .bind(key)
            .bind(rules)
            .execute(&self.pool)
            .await
            .unwrap();
        self.classes.reload().await.unwrap();
    }

    pub(crate) fn publication(&self, user: Uuid, class: &str) -> Arc<Publication> {
        let chosen = self
            .classes
            .choose(self.tenant, "NewTask", Some(class))
            .unwrap();
        Arc::new(Publication {
            id: self.ids.uuid(),
            tenant: self.tenant,
            service: self.service,
            kind: "NewTask".to_owned(),
            title: "t".to_owned(),
            body: String::new(),
            data: "{}".to_owned(),
            thread_key: None,
            severity: app::model::inbox::Severity::Info,
            class: chosen.key.clone(),
            rule: chosen.rule,
            publisher: "test".into(),
            audience: Audience::user(user),
            expires_at: self.clock.now() + chosen.life(),
            deliver_at: None,
            supersedes: None,
            collapse_key: None,
            idempotency: None,
        })
    }

    /// Publishes to a user; its number.
    pub(crate) async fn publish(&self, user: Uuid, class: &str) -> i64 {
        let mut conn = self.pool.acquire().await.unwrap();
        let publication = self.publication(user, class);
        let routed = ledger::append(&mut conn, vec![publication], self.clock.now()).await;
        routed.unwrap()[0].recipients[0].1
    }

    /// Draws lines until everything routed up to four seconds ago was looked at; how many debts that made.
    async fn sweep(&mut self) -> u64 {
        let first = self.sweeper.pass().await.unwrap();
        first + self.sweeper.pass().await.unwrap()
    }

    fn worker(&self) -> Worker {
        Worker {
            pool: self.pool.clone(),
            clock: self.clock.clone(),
            classes: self.classes.clone(),
            phones: self.phones.clone(),
            reach: self.asked.clone(),
            changed: Arc::new(|_| {}),
            bell: Arc::new(Notify::new()),
        }
    }

    async fn round(&self) -> Round {
        self.worker().round().await.unwrap()
    }

    pub(crate) fn seconds(&self, seconds: i64) {
        self.clock.advance(seconds * 1_000);
    }

    pub(crate) async fn device(&self, user: Uuid, key: &str) {
        let mut conn = self.pool.acquire().await.unwrap();
        let arrival = devices::Arrival {
            tenant: self.tenant,
            user,
            key: key.to_owned(),
            ..devices::Arrival::default()
        };
        devices::seen(&mut conn, &[arrival], self.clock.now())
            .await
            .unwrap();
    }

    pub(crate) async fn ack(&self, user: Uuid, device: &str, seq: i64, active: bool) -> u32 {
        let ack = Ack {
            epoch: None,
            user,
            device: Some(device.into()),
            what: What::These {
                seqs: vec![seq],
                ids: Vec::new(),
            },
            via: "hub",
            active,
            at: None,
        };
        self.acks.record(ack).await.unwrap()
    }

    /// Over HTTP, as a device that was woken by a push does.
    async fn ack_via(&self, user: Uuid, device: &str, seq: i64, via: &'static str) -> u32 {
        let ack = Ack {
            epoch: None,
            user,
            device: Some(device.into()),
            what: What::These {
                seqs: vec![seq],
                ids: Vec::new(),
            },
            via,
            active: via == "tap",
            at: None,
        };
        self.acks.record(ack).await.unwrap()
    }

    async fn notification(&self, user: Uuid, seq: i64) -> Uuid {
        sqlx::query_scalar(
            "SELECT notification_id FROM bellhop.delivery WHERE user_id = $1 AND seq = $2",
        )
        .bind(user)
        .bind(seq)
        .fetch_one(&self.pool)
        .await
        .unwrap()
    }

    /// Its sender takes it back.
    async fn cancel(&self, user: Uuid, seq: i64) {
        let id = self.notification(user, seq).await;
        let service: Uuid =
            sqlx::query_scalar("SELECT service_id FROM bellhop.notification WHERE id = $1")
                .bind(id)
                .fetch_one(&self.pool)
                .await
                .unwrap();
        let mut conn = self.pool.acquire().await.unwrap();
        let whose = (self.tenant, service);
        let now = self.clock.now();
        let cancelled = crate::store::withdraw::cancel(&mut conn, whose, &[id], "cancelled", now)
            .await
            .unwrap();
        assert_eq!(cancelled.len(), 1);
    }

    /// It was shown in an open list.
    async fn seen(&self, user: Uuid, seq: i64) {
        let id = self.notification(user, seq).await;
        let change = crate::store::inbox::Change {
            seen: Some(true),
            ..Default::default()
        };
        let mut conn = self.pool.acquire().await.unwrap();
        let marked = crate::store::inbox::mark(&mut conn, user, &[id], change, self.clock.now())
            .await
            .unwrap();
        assert_eq!(marked, 1);
    }

    pub(crate) async fn reached(&self, user: Uuid, device: &str, seq: i64) {
        let ack = Ack {
            epoch: None,
            user,
            device: Some(device.into()),
            what: What::Reached(vec![seq]),
            via: "reached",
            active: true,
            at: None,
        };
        self.acks.record(ack).await.unwrap();
    }

    async fn state(&self, user: Uuid, seq: i64) -> State {
        let number: i16 = sqlx::query_scalar(
            "SELECT state FROM bellhop.delivery WHERE user_id = $1 AND seq = $2",
        )
        .bind(user)
        .bind(seq)
        .fetch_one(&self.pool)
        .await
        .unwrap();
        State::of(number)
    }

    async fn debts(&self) -> i64 {
        self.count("SELECT count(*) FROM bellhop.debt").await
    }

    pub(crate) async fn count(&self, statement: &'static str) -> i64 {
        sqlx::query_scalar(statement)
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }

    fn asked(&self) -> Vec<(Uuid, i64, bool)> {
        std::mem::take(&mut self.asked.again.lock())
    }

    async fn next_at(&self) -> Timestamp {
        let next: jiff_sqlx::Timestamp =
            sqlx::query_scalar("SELECT min(next_at) FROM bellhop.debt")
                .fetch_one(&self.pool)
                .await
                .unwrap();
        next.to_jiff()
    }
}
