//! Patches of the live screens: from a punch over HTTP to what the page does with it.

use app::live::topic::{Landed, Topic, Verdict, rejoined};
use app::model::attendance::Board;
use app::protocol::{Patch, topic::ATTENDANCE};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::testing::eventually;
use crate::testing::house::{House, furnished, noon};
use crate::testing::poll::Poller;
use crate::workplace::attendance;

/// `u1` and `u2` are at work in Leeds, and `u1` may see the board.
async fn open() -> House {
    let pool = furnished().await;
    sqlx::raw_sql(
        "INSERT INTO bellhop.site SELECT bellhop.uuid_v7(), id, 'leeds', 'Leeds', 'Europe/London'
           FROM bellhop.tenant WHERE key = 'a';
         UPDATE bellhop.user_account u SET site_id = s.id, roles = '{employee,hr}'
           FROM bellhop.site s WHERE s.tenant_id = u.tenant_id",
    )
    .execute(&pool)
    .await
    .unwrap();
    House::open_on(pool.clone(), pool, noon()).await
}

/// The `number`th punch of the morning; ten minutes apart, so that none is a double tap.
async fn punch(house: &House, user: &str, number: i64) {
    let at = house.product.parts.clock.now() - SignedDuration::from_mins(60 - 10 * number);
    let body = json!({"user": user, "device": "Gate", "source_id": number.to_string(),
        "at": at.to_string()});
    let answer = house
        .http
        .post(house.url("/api/v1/punches"))
        .bearer_auth(house.service("a"))
        .json(&body)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 201, "{:?}", answer.text().await);
}

async fn board(house: &House) -> Board {
    let tenant = sqlx::query_scalar("SELECT id FROM bellhop.tenant WHERE key = 'a'")
        .fetch_one(&house.pool)
        .await
        .unwrap();
    attendance::board(&house.product.workplace, tenant)
        .await
        .unwrap()
}

async fn viewer(house: &House) -> Poller {
    Poller::open(house.address, &house.user("a", "u1"), "device=desk").await
}

fn patch(message: &Value) -> Patch {
    assert_eq!(message["target"], "Patch", "{message}");
    serde_json::from_value(message["arguments"][0].clone()).unwrap()
}

/// Nobody polls while four changes happen; of the four patches one is sent. It was the newest alone,
/// which built on what the page had never seen: each burst made every slow page fetch the whole board.
#[tokio::test]
async fn conflated_patch_is_no_gap() {
    let house = open().await;
    let mut viewer = viewer(&house).await;
    let (joined, _) = viewer.call("JoinGroup", json!([ATTENDANCE])).await;
    let snapshot = board(&house).await;
    assert_eq!(joined["rev"], snapshot.as_of);
    for (number, user) in (1..).zip(["u1", "u2", "u1", "u1"]) {
        punch(&house, user, number).await;
    }

    let patch = patch(&viewer.next().await);
    assert_eq!(
        (patch.from, patch.rev),
        (snapshot.as_of, snapshot.as_of + 4)
    );
    assert_eq!(Topic::new(snapshot.as_of).judge(&patch), Verdict::Apply);
    // What it says is what a page that fetched would have.
    let now = board(&house).await;
    assert_eq!(patch.rev, now.as_of);
    assert_eq!(patch.counts, serde_json::to_value(now.tiles).ok());
    let mut rows = patch.upsert.clone();
    rows.sort_by_key(|row| row["user"].to_string());
    let mut all: Vec<Value> = now
        .rows
        .iter()
        .map(|row| serde_json::to_value(row).unwrap())
        .collect();
    all.sort_by_key(|row| row["user"].to_string());
    assert_eq!(rows, all);
    let (_, before) = viewer.call("LeaveGroup", json!([ATTENDANCE])).await;
    assert_eq!(before, Vec::<Value>::new(), "one patch in place of four");
}

/// A change that falls between the page's snapshot and its joining, or into the joining itself, went to
/// nobody who would tell the page.
#[tokio::test]
async fn patch_between_snapshot_and_join() {
    let house = open().await;
    let mut viewer = viewer(&house).await;
    let snapshot = board(&house).await;
    let mut page = Topic::new(snapshot.as_of);
    punch(&house, "u2", 1).await;

    // Between: no patch comes, and the revision tells.
    let (joined, before) = viewer.call("JoinGroup", json!([ATTENDANCE])).await;
    assert_eq!(before, Vec::<Value>::new());
    let rev = joined["rev"].as_i64().unwrap();
    assert_ne!(rev, page.known());
    assert_eq!(page.judge(&rejoined(ATTENDANCE, rev)), Verdict::Refetch);
    let fetched = board(&house).await;
    assert_eq!(page.landed(fetched.as_of), Landed::default());
    assert_eq!(page.known(), rev);
    viewer.call("LeaveGroup", json!([ATTENDANCE])).await;

    // Into it: whoever joins is a member before the revision is read, so what commits after the reading
    // finds them.
    let mut gate = house.pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE bellhop.topic IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *gate)
        .await
        .unwrap();
    let join = viewer.begin("JoinGroup", json!([ATTENDANCE])).await;
    let tenant = sqlx::query_scalar("SELECT id FROM bellhop.tenant WHERE key = 'a'")
        .fetch_one(&house.pool)
        .await
        .unwrap();
    eventually(|| async {
        let (groups, _) = house.product.hub.groups(tenant, ATTENDANCE, 0, 10);
        groups.len() == 1 && groups[0].connections == 1
    })
    .await;
    gate.rollback().await.unwrap();
    let (joined, _) = viewer.end(&join).await;
    assert_eq!(joined["rev"], page.known(), "nothing changed meanwhile");
    punch(&house, "u1", 2).await;
    let patch = patch(&viewer.next().await);
    assert_eq!(page.judge(&patch), Verdict::Apply);
    assert_eq!(page.known(), board(&house).await.as_of);
}
