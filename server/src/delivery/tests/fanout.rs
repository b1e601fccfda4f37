//! Large audiences and scheduled publications, page by page, in the test's hand.

use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgPool};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::delivery::committer::{Accepted, Committer, Needs, Refusal};
use crate::delivery::draft::{Origin, PublishRequest};
use crate::delivery::fanout::Fanout;
use crate::delivery::{Classes, Dispatch, Routed, withdraw};
use crate::support::clock::Clock;
use crate::support::ids::Ids;
use crate::support::lifecycle::Lifecycle;
use crate::testing::house::{furnished, noon};

/// Titles in the order in which they were dispatched, with how many users each time.
#[derive(Default)]
struct Seen(Mutex<Vec<(String, usize)>>);

impl Dispatch for Seen {
    fn deliver(&self, routed: &[Routed]) {
        for one in routed {
            let seen = (one.publication.title.clone(), one.recipients.len());
            self.0.lock().push(seen);
        }
    }

    fn patch(&self, _: Uuid, _: &str, _: &app::protocol::Patch) {}
}

struct Desk {
    pool: PgPool,
    clock: Clock,
    ids: Ids,
    classes: Arc<Classes>,
    committer: Committer,
    seen: Arc<Seen>,
    tenant: Uuid,
    service: Uuid,
    _life: Lifecycle,
}

impl Desk {
    /// Tenant `a` with `crowd` more members of its service, and half of them in its department.
    async fn open(crowd: i32) -> Self {
        let (pool, clock, life) = (furnished().await, noon(), Lifecycle::new());
        let (tenant, service): (Uuid, Uuid) = sqlx::query_as(
            "SELECT t.id, s.id FROM bellhop.tenant t JOIN bellhop.service s ON s.tenant_id = t.id
              WHERE t.key = 'a'",
        )
        .fetch_one(&pool)
        .await
        .unwrap();
        sqlx::query(
            "WITH crowd AS (
                 INSERT INTO bellhop.user_account (id, tenant_id, key, name, created_at, updated_at)
                 SELECT bellhop.uuid_v7(), $1, 'c' || n, 'C', now(), now() FROM generate_series(1, $3) n
                 RETURNING id, tenant_id, key),
             streams AS (INSERT INTO bellhop.user_stream SELECT id, tenant_id FROM crowd),
             half AS (INSERT INTO bellhop.user_department
                      SELECT c.tenant_id, c.id, d.id FROM crowd c JOIN bellhop.department d USING (tenant_id)
                       WHERE substr(c.key, 2)::int % 2 = 0)
             INSERT INTO bellhop.service_member SELECT tenant_id, id, $2 FROM crowd",
        )
        .bind(tenant)
        .bind(service)
        .bind(crowd)
        .execute(&pool)
        .await
        .unwrap();
        let classes = Arc::new(Classes::built_in());
        let seen = Arc::new(Seen::default());
        let needs = Needs {
            pool: pool.clone(),
            clock: clock.clone(),
            dispatch: seen.clone(),
            classes: classes.clone(),
            pages: Arc::default(),
        };
        Self {
            ids: Ids::new(clock.clone()),
            committer: Committer::start(needs, &life),
            pool,
            clock,
            classes,
            seen,
            tenant,
            service,
            _life: life,
        }
    }

    fn fanout(&self) -> Fanout {
        Fanout {
            pool: self.pool.clone(),
            clock: self.clock.clone(),
            classes: self.classes.clone(),
            dispatch: self.seen.clone(),
            bell: Arc::new(Notify::new()),
        }
    }

    async fn publish(&self, body: Value) -> Result<Accepted, Refusal> {
        self.publish_as(self.service, body).await
    }

    async fn publish_as(&self, service: Uuid, mut body: Value) -> Result<Accepted, Refusal> {
        body["kind"] = json!("NewTask");
        let request: PublishRequest = serde_json::from_value(body).unwrap();
        let origin = Origin {
            id: self.ids.uuid(),
            tenant: self.tenant,
            service,
            publisher: "test",
            classes: &self.classes,
            now: self.clock.now(),
        };
        self.committer.publish(request.check(origin).unwrap()).await
    }

    fn seen(&self) -> Vec<(String, usize)> {
        std::mem::take(&mut self.seen.0.lock())
    }

    /// Deliveries, distinct users, users whose numbers have a hole.
    async fn counts(&self, id: Uuid) -> (i64, i64, i64) {
        sqlx::query_as(
            "SELECT count(*), count(DISTINCT d.user_id), count(*) FILTER (WHERE s.last_seq <> (
                      SELECT count(*) FROM bellhop.delivery o WHERE o.user_id = d.user_id))
               FROM bellhop.delivery d JOIN bellhop.user_stream s USING (user_id)
              WHERE d.notification_id = $1",
        )
        .bind(id)
        .fetch_one(&self.pool)
        .await
        .unwrap()
    }
}

fn everybody(title: &str) -> Value {
    json!({"title": title, "audience": {"service": true, "departments": ["dept"]}})
}

#[tokio::test]
async fn everybody_gets_it_once_page_by_page_over_a_killed_node() {
    let desk = Desk::open(698).await;
    let accepted = desk.publish(everybody("all hands")).await.unwrap();
    assert_eq!(accepted.recipients, 700, "counted at acceptance");
    assert_eq!(
        desk.counts(accepted.id).await.0,
        0,
        "accepted at once, routed in pages"
    );
    assert_eq!(desk.fanout().turn().await.unwrap(), 1);
    assert_eq!(desk.counts(accepted.id).await.0, 200);
    // Whoever goes on after a kill begins where the last commit ended.
    while desk.fanout().turn().await.unwrap() > 0 {}
    assert_eq!(desk.counts(accepted.id).await, (700, 700, 0));
    let sizes: Vec<usize> = desk.seen().into_iter().map(|(_, size)| size).collect();
    assert_eq!(sizes, [200, 200, 200, 100]);
    let vias: Vec<(Option<String>, i64)> =
        sqlx::query_as("SELECT via, count(*) FROM bellhop.delivery GROUP BY 1 ORDER BY 1")
            .fetch_all(&desk.pool)
            .await
            .unwrap();
    let half = Some("department:dept".to_owned());
    assert_eq!(vias, [(half, 350), (Some("service".to_owned()), 350)]);
}

#[tokio::test]
async fn cancel_mid_fanout_stops_rest() {
    let desk = Desk::open(698).await;
    let id = desk.publish(everybody("t")).await.unwrap().id;
    desk.fanout().turn().await.unwrap();
    let mut conn = desk.pool.acquire().await.unwrap();
    let mut tx = conn.begin().await.unwrap();
    let whose = (desk.tenant, desk.service);
    let (withdrawal, now) = (desk.ids.uuid(), desk.clock.now());
    let cancelled = withdraw::cancel(&mut tx, whose, &[id], "cancelled", withdrawal, now)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(cancelled, [id]);
    while desk.fanout().turn().await.unwrap() > 0 {}
    assert_eq!(desk.counts(id).await.0, 200);
    assert_eq!(
        desk.counts(withdrawal).await,
        (200, 200, 0),
        "those who have it are told, and nobody else"
    );
}

#[tokio::test]
async fn department_move_mid_fanout_counts_once() {
    let desk = Desk::open(698).await;
    let id = desk.publish(everybody("t")).await.unwrap().id;
    desk.fanout().turn().await.unwrap();
    for statement in [
        "DELETE FROM bellhop.user_department",
        "INSERT INTO bellhop.user_department
         SELECT u.tenant_id, u.id, d.id FROM bellhop.user_account u
           JOIN bellhop.department d USING (tenant_id) WHERE u.key LIKE 'c%1'",
    ] {
        sqlx::query(statement).execute(&desk.pool).await.unwrap();
    }
    while desk.fanout().turn().await.unwrap() > 0 {}
    assert_eq!(desk.counts(id).await, (700, 700, 0));
}

/// One service's blast of three pages, then another's two: they take turns.
#[tokio::test]
async fn one_services_blast_does_not_hold_up_another() {
    let desk = Desk::open(698).await;
    let other: Uuid = sqlx::query_scalar(
        "INSERT INTO bellhop.service SELECT bellhop.uuid_v7(), $1, 'other', 'O', '{}', now() RETURNING id",
    )
    .bind(desk.tenant)
    .fetch_one(&desk.pool)
    .await
    .unwrap();
    desk.publish(everybody("blast")).await.unwrap();
    let theirs = json!({"title": "theirs", "audience": {"roles": ["employee"]}});
    desk.publish_as(other, theirs).await.unwrap();
    desk.fanout().turn().await.unwrap();
    let titles: Vec<String> = desk.seen().into_iter().map(|(title, _)| title).collect();
    assert_eq!(titles.len(), 2);
    assert!(titles.contains(&"theirs".to_owned()));
    // What is small does not wait for pages at all.
    let small = json!({"title": "approval", "audience": {"users": ["u1"]}});
    desk.publish(small).await.unwrap();
    assert_eq!(desk.seen(), [("approval".to_owned(), 1)]);
    sqlx::query("UPDATE bellhop.service SET weight = 2 WHERE id = $1")
        .bind(other)
        .execute(&desk.pool)
        .await
        .unwrap();
    desk.fanout().turn().await.unwrap();
    let count = |seen: &[(String, usize)], of: &str| seen.iter().filter(|(t, _)| t == of).count();
    let seen = desk.seen();
    assert_eq!(
        (count(&seen, "blast"), count(&seen, "theirs")),
        (1, 2),
        "by weight"
    );
}

/// A small one of a thread that is still being routed to many came before it.
#[tokio::test]
async fn two_of_a_thread_keep_their_order() {
    let desk = Desk::open(698).await;
    let mut first = everybody("first");
    first["thread_key"] = json!("t");
    desk.publish(first).await.unwrap();
    let second = json!({"title": "second", "thread_key": "t", "audience": {"users": ["u1"]}});
    desk.publish(second).await.unwrap();
    let elsewhere = json!({"title": "elsewhere", "thread_key": "u", "audience": {"users": ["u1"]}});
    desk.publish(elsewhere).await.unwrap();
    while desk.fanout().turn().await.unwrap() > 0 {}
    let mut titles: Vec<String> = desk.seen().into_iter().map(|(title, _)| title).collect();
    titles.dedup();
    assert_eq!(titles, ["elsewhere", "first", "second"]);
}

#[tokio::test]
async fn a_scheduled_one_takes_its_place_when_its_time_comes() {
    let desk = Desk::open(0).await;
    let body = |title: &str| {
        json!({"title": title, "audience": {"service": true},
               "deliver_at": (desk.clock.now() + jiff::SignedDuration::from_secs(60)).to_string()})
    };
    let accepted = desk.publish(body("later")).await.unwrap();
    assert_eq!(desk.fanout().turn().await.unwrap(), 0);
    desk.publish(json!({"title": "now", "audience": {"users": ["u1"]}}))
        .await
        .unwrap();
    // Who is in the audience is decided then.
    sqlx::query("DELETE FROM bellhop.service_member USING bellhop.user_account u WHERE u.id = user_id AND u.key = 'u2'")
        .execute(&desk.pool)
        .await
        .unwrap();
    desk.clock.advance(61_000);
    assert_eq!(desk.fanout().turn().await.unwrap(), 1);
    assert_eq!(
        desk.seen(),
        [("now".to_owned(), 1), ("later".to_owned(), 1)]
    );
    let seq: i64 =
        sqlx::query_scalar("SELECT seq FROM bellhop.delivery WHERE notification_id = $1")
            .bind(accepted.id)
            .fetch_one(&desk.pool)
            .await
            .unwrap();
    assert_eq!(seq, 2);
    let known: i32 =
        sqlx::query_scalar("SELECT recipients FROM bellhop.notification WHERE id = $1")
            .bind(accepted.id)
            .fetch_one(&desk.pool)
            .await
            .unwrap();
    assert_eq!((accepted.recipients, known), (2, 1));
}

#[tokio::test]
async fn scheduled_cancelled_leaves_no_seq() {
    let desk = Desk::open(0).await;
    let at = (desk.clock.now() + jiff::SignedDuration::from_secs(60)).to_string();
    let body = json!({"title": "t", "audience": {"users": ["u1"]}, "deliver_at": at});
    let id = desk.publish(body).await.unwrap().id;
    let mut conn = desk.pool.acquire().await.unwrap();
    let whose = (desk.tenant, desk.service);
    let now = desk.clock.now();
    withdraw::cancel(&mut conn, whose, &[id], "cancelled", desk.ids.uuid(), now)
        .await
        .unwrap();
    desk.clock.advance(120_000);
    assert_eq!(desk.fanout().turn().await.unwrap(), 0);
    let last: i64 = sqlx::query_scalar("SELECT max(last_seq) FROM bellhop.user_stream")
        .fetch_one(&desk.pool)
        .await
        .unwrap();
    assert_eq!(last, 0, "nobody is told of what nobody had");
}

#[tokio::test]
async fn more_than_the_tenant_allows_is_refused() {
    let desk = Desk::open(698).await;
    sqlx::query("UPDATE bellhop.tenant SET most_recipients = 600")
        .execute(&desk.pool)
        .await
        .unwrap();
    let refused = desk.publish(everybody("t")).await;
    assert_eq!(
        refused,
        Err(Refusal::TooMany {
            count: 700,
            most: 600
        })
    );
    let stored: i64 = sqlx::query_scalar("SELECT count(*) FROM bellhop.notification")
        .fetch_one(&desk.pool)
        .await
        .unwrap();
    assert_eq!(stored, 0);
}
