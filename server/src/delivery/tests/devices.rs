//! Devices, acks, and clients that never ack.

use serde_json::json;
use sqlx::Connection as _;

use crate::testing::eventually;
use crate::testing::house::{House, noon};

/// Every existing client, at first: it never acks. The transport's evidence moves its cursor.
#[tokio::test]
async fn client_without_acks_ten_reconnects_sees_each_once() {
    let house = House::open().await;
    for round in 0_i64..10 {
        let mut old = house.connect("device=old").await;
        let title = format!("n{round}");
        let id = house.publish("a", &title).await;
        assert_eq!(old.titles(1).await, [title]);
        old.expect_nothing().await; // reading it answers the server's ping
        house.settled(1, round + 1).await;
        let state = house.read("a", &id).await["deliveries"][0]["state"].clone();
        assert_eq!(state, "reached", "shown so, never as acked");
        // The cursor of the device follows in the same commit.
        eventually(|| async {
            let through: i64 = sqlx::query_scalar("SELECT reached_through FROM bellhop.device")
                .fetch_one(&house.pool)
                .await
                .unwrap();
            through == round + 1
        })
        .await;
    }
}

/// Who gets what after which device had it (docs/guarantees.md, the promise).
#[tokio::test]
async fn new_device_unnamed_tab_and_phone_matrix() {
    let house = House::open().await;
    let mut phone = house.connect("device=phone").await;
    let mut tab = house.connect("").await;
    let acked = house.publish("a", "acked by phone").await;
    house.publish("a", "acked by nobody").await;
    assert_eq!(phone.titles(2).await.len(), 2, "all live devices get it");
    assert_eq!(tab.titles(2).await.len(), 2);
    phone
        .call("AcknowledgeNotification", json!([acked]))
        .await
        .unwrap();
    tab.call("AcknowledgeMany", json!([[]])).await.unwrap();
    drop(tab);
    // The unnamed tab read both: its transport proved it, so only a device that acks for itself,
    // or has not been there, is owed what nobody acked.
    drop(phone);
    let mut phone = house.connect("device=phone").await;
    assert_eq!(
        phone.titles(1).await,
        ["acked by nobody"],
        "known: what it has not acked"
    );
    let id = phone.call("AcknowledgeThrough", json!([2])).await;
    assert_eq!(id, Ok(json!(1)));
    for query in ["device=new", "", "device=phone"] {
        house.connect(query).await.expect_nothing().await;
    }
}

#[tokio::test]
async fn random_device_ids_are_bounded() {
    let house = House::open().await;
    for number in 0..25 {
        house.connect(&format!("device=random-{number}")).await;
    }
    let devices: Vec<String> =
        sqlx::query_scalar("SELECT key FROM bellhop.device ORDER BY last_seen_at")
            .fetch_all(&house.pool)
            .await
            .unwrap();
    assert_eq!(devices.len(), 20);
    assert_eq!(
        (devices[0].as_str(), devices[19].as_str()),
        ("random-5", "random-24")
    );
}

/// An ack's answer means that it is recorded: while its commit cannot happen there is none, and
/// other calls are answered meanwhile.
#[tokio::test]
async fn ack_completion_only_after_commit() {
    let house = House::open().await;
    let mut phone = house.connect("device=phone").await;
    let id = house.publish("a", "t").await;
    phone.item().await;
    let mut conn = house.pool.acquire().await.unwrap();
    let mut tx = conn.begin().await.unwrap();
    sqlx::query("SELECT FROM bellhop.delivery FOR UPDATE")
        .execute(&mut *tx)
        .await
        .unwrap();
    let ack = phone.begin("AcknowledgeNotification", json!([id])).await;
    let join = phone.begin("JoinGroup", json!(["inbox"])).await;
    assert!(phone.end(&join).await.is_ok(), "the slot was free at once");
    tx.rollback().await.unwrap();
    assert_eq!(phone.end(&ack).await, Ok(json!(1)));
}

#[tokio::test]
async fn thousand_awaited_acks_do_not_block_typing() {
    let house = House::open().await;
    let mut phone = house.connect("device=phone").await;
    let mut conn = house.pool.acquire().await.unwrap();
    house.publish("a", "t").await;
    phone.item().await;
    let mut tx = conn.begin().await.unwrap();
    sqlx::query("SELECT FROM bellhop.delivery FOR UPDATE")
        .execute(&mut *tx)
        .await
        .unwrap();
    let mut acks = Vec::new();
    for _ in 0..1_000 {
        acks.push(phone.begin("AcknowledgeThrough", json!([1])).await);
    }
    assert!(phone.call("LeaveGroup", json!(["inbox"])).await.is_ok());
    tx.rollback().await.unwrap();
    let mut new = 0;
    for ack in acks {
        new += phone.end(&ack).await.unwrap().as_i64().unwrap();
    }
    assert_eq!(new, 1, "a union: counted once");
}

/// With an index on anything that changes, or a full page, an ack would rewrite index entries.
#[tokio::test]
async fn acks_in_publish_order_are_hot() {
    let house = House::open().await;
    let mut phone = house.connect("device=phone").await;
    for _ in 0..300 {
        house.publish("a", "t").await;
        let item = phone.item().await;
        phone
            .call("AcknowledgeNotification", json!([item["notificationId"]]))
            .await
            .unwrap();
    }
    let mut updated = (0_i64, 0_i64);
    eventually(|| async {
        sqlx::query("SELECT pg_stat_force_next_flush()")
            .execute(&house.pool)
            .await
            .unwrap();
        let seen: (i64, i64) = sqlx::query_as(
            "SELECT coalesce(sum(n_tup_upd), 0)::bigint, coalesce(sum(n_tup_hot_upd), 0)::bigint
               FROM pg_stat_user_tables WHERE relname LIKE 'delivery_2%'",
        )
        .fetch_one(&house.pool)
        .await
        .unwrap();
        seen.0 >= 250
    })
    .await;
    updated = sqlx::query_as(
        "SELECT coalesce(sum(n_tup_upd), 0)::bigint, coalesce(sum(n_tup_hot_upd), 0)::bigint + 0 * $1
           FROM pg_stat_user_tables WHERE relname LIKE 'delivery_2%'",
    )
    .bind(updated.0)
    .fetch_one(&house.pool)
    .await
    .unwrap();
    assert!(
        updated.1 * 100 >= updated.0 * 99,
        "{} of {} updates were HOT",
        updated.1,
        updated.0
    );
}

#[tokio::test]
async fn device_with_5000_gaps_acks_fast() {
    let house = House::open().await;
    let user = house.id_of("a", "u1").await;
    let mut phone = house.connect("device=phone").await;
    let ranges: Vec<String> = (1..=5_000)
        .map(|n| format!("[{},{})", n * 2, n * 2 + 1))
        .collect();
    sqlx::query("UPDATE bellhop.device SET acked = $1::int8multirange, ack_mode = 1")
        .bind(format!("{{{}}}", ranges.join(",")))
        .execute(&house.pool)
        .await
        .unwrap();
    let id = house.publish("a", "t").await;
    phone.item().await;
    assert_eq!(
        phone.call("AcknowledgeNotification", json!([id])).await,
        Ok(json!(1))
    );
    let kept: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM (SELECT unnest(acked) FROM bellhop.device WHERE user_id = $1) r",
    )
    .bind(user)
    .fetch_one(&house.pool)
    .await
    .unwrap();
    assert!(kept <= 64, "{kept} ranges");
}

#[tokio::test]
async fn an_expired_token_closes_with_leave_to_come_back() {
    use crate::support::clock::Clock;
    let clock = Clock::manual(Clock::system().now());
    let house = House::open_at(clock.clone()).await;
    let mut phone = house.connect("device=phone").await;
    clock.advance(3_700_000);
    assert_eq!(phone.closed().await, (None, true));
}

async fn known(house: &House, device: &str) -> (i64, i64, String) {
    sqlx::query_as(
        "SELECT through, reached_through, acked::text FROM bellhop.device WHERE key = $1",
    )
    .bind(device)
    .fetch_one(&house.pool)
    .await
    .unwrap()
}

/// The phone acknowledges everything, the tablet little, the old app nothing. Both read back over all
/// that the phone had settled, further at each connect, because only their own acks moved where they
/// stood.
#[tokio::test]
async fn what_others_settled_is_not_read_again() {
    let clock = noon();
    let house = House::open_at(clock.clone()).await;
    let mut phone = house.connect("device=phone").await;
    phone.call("AcknowledgeMany", json!([[]])).await.unwrap();
    let mut tablet = house.connect("device=tablet").await;
    tablet.call("AcknowledgeMany", json!([[]])).await.unwrap();
    let mut ids = Vec::new();
    for number in 1..=6 {
        ids.push(house.publish("a", &format!("n{number}")).await);
    }
    assert_eq!(tablet.titles(6).await.len(), 6);
    tablet
        .call("AcknowledgeMany", json!([[ids[1], ids[4]]]))
        .await
        .unwrap();
    drop(tablet);
    assert_eq!(
        known(&house, "tablet").await,
        (0, 0, "{[2,3),[5,6)}".to_owned())
    );
    assert_eq!(
        phone.call("AcknowledgeThrough", json!([3])).await,
        Ok(json!(2))
    );
    let (last, second) = (ids[5].clone(), ids[1].clone());
    phone
        .call("AcknowledgeMany", json!([[last, second]]))
        .await
        .unwrap();
    // "All up to 3" counts for what the tablet had settled too.
    assert_eq!(known(&house, "phone").await.0, 3);

    // Owed to both is the fourth alone.
    for (device, stands) in [("tablet", (3, 0)), ("old", (0, 3))] {
        let mut returned = house.connect(&format!("device={device}")).await;
        assert_eq!(returned.titles(1).await, ["n4"]);
        returned.expect_nothing().await; // reading it answers the server's ping
        eventually(|| async {
            let (through, reached, _) = known(&house, device).await;
            (through, reached.min(3)) == stands
        })
        .await;
    }
    // The old app has read it, which settles it for one that never acks and not for the tablet.
    house.settled(1, 1).await;
    house.connect("device=older").await.expect_nothing().await;
    eventually(|| async { known(&house, "older").await.1 == 6 }).await;
    let mut tablet = house.connect("device=tablet").await;
    assert_eq!(tablet.titles(1).await, ["n4"]);
    drop(tablet);
    assert_eq!(known(&house, "tablet").await.0, 3);

    // Nobody acknowledges it, and its time comes: it is passed, and the run behind it with it.
    clock.advance(29 * 24 * 3_600_000);
    house.connect("device=tablet").await.expect_nothing().await;
    eventually(|| async { known(&house, "tablet").await == (6, 0, "{}".to_owned()) }).await;
}
