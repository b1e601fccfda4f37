//! A database that was put back to an earlier point gives numbers out a second time.

use serde_json::json;
use uuid::Uuid;

use crate::outbox::ack::{Ack, What};
use crate::run::commands::db::restored;
use crate::support::clock::Clock;
use crate::testing;
use crate::testing::house::{House, furnished};

async fn open(pool: &sqlx::PgPool) -> House {
    House::open_on(pool.clone(), pool.clone(), Clock::system()).await
}

/// The phone had come to number 5 when the disk was lost; the backup knew two. Number 3 was given out
/// anew, and the phone, whose cursor said 5, never saw it.
async fn the_phone_misses_nothing(by_command: bool) {
    let pool = furnished().await;
    let house = open(&pool).await;
    let mut phone = house.connect("device=phone").await;
    for title in ["one", "two"] {
        house.publish("a", title).await;
    }
    assert_eq!(phone.titles(2).await, ["one", "two"]);
    let acked = phone.call("AcknowledgeThrough", json!([2])).await;
    assert_eq!(acked, Ok(json!(2)));
    house.close().await;
    let backup = testing::copy(&pool).await;

    // Three items later the disk goes.
    let house = open(&testing::copy(&pool).await).await;
    let mut phone = house.connect("device=phone").await;
    for title in ["three", "four", "five"] {
        house.publish("a", title).await;
    }
    assert_eq!(phone.titles(3).await, ["three", "four", "five"]);
    phone.call("AcknowledgeThrough", json!([5])).await.unwrap();
    drop(phone);
    let seen = house.connect("device=phone").await;
    let cursor = seen.greeting["cursor"].as_str().unwrap().to_owned();
    assert!(cursor.ends_with(":5"), "{cursor}");
    house.close().await;

    if by_command {
        // As after a dump that was read back into its place: from inside nothing shows it.
        sqlx::query("UPDATE bellhop.installation SET home = NULL")
            .execute(&backup)
            .await
            .unwrap();
        let now = Clock::system().now();
        restored(&backup, now).await.unwrap();
    }
    let house = open(&backup).await;
    house.publish("a", "three again, and another").await;
    let mut phone = house.connect("device=phone&replay=manual").await;
    phone.call("Resume", json!([cursor])).await.unwrap();
    let item = phone.item().await;
    assert_eq!(
        (&item["title"], &item["seq"]),
        (&json!("three again, and another"), &json!(3))
    );
    house.publish("a", "live").await;
    assert_eq!(phone.titles(1).await, ["live"]);
    // What the backup knew of the device still holds.
    phone.expect_nothing().await;
}

#[tokio::test]
async fn restore_to_earlier_point_then_publish_reaches_old_devices() {
    the_phone_misses_nothing(true).await;
}

/// A copy lives in another database, as a recovery to a point in time lives on another timeline.
#[tokio::test]
async fn a_database_that_lives_elsewhere_begins_an_epoch_by_itself() {
    the_phone_misses_nothing(false).await;
}

/// The database was restored, or failed over, under a server that runs. Number 3, given out anew, was taken for
/// one that the phone had; and what it said to have of the numbers of before counted for those of after.
#[tokio::test]
async fn a_restore_under_a_running_server_begins_an_epoch_at_the_next_connection() {
    let pool = furnished().await;
    let house = open(&pool).await;
    for title in ["one", "two"] {
        house.publish("a", title).await;
    }
    house.close().await;
    let backup = testing::copy(&pool).await;
    let house = House::open_watching(testing::copy(&backup).await).await;
    let backup = testing::copy(&backup).await;
    let mut phone = house.connect("device=phone").await;
    assert_eq!(phone.titles(2).await, ["one", "two"]);
    house.publish("a", "three").await;
    assert_eq!(phone.titles(1).await, ["three"]);
    phone.call("AcknowledgeThrough", json!([3])).await.unwrap();
    let cursor = phone.greeting["cursor"].as_str().unwrap().to_owned();
    let (epoch, _) = cursor.split_once(':').unwrap();

    testing::put_in_place_of(&house.pool, &backup).await;
    // The first commit on the other database: whoever makes its connection has begun the epoch before.
    house.publish("a", "three again").await;
    // It was told so at once, or it was given what is new; either way it is asked to come again.
    let (reason, may_come_back) = phone.closed().await;
    assert_eq!((reason, may_come_back), (None, true));
    let mut phone = house.connect("device=phone&replay=manual").await;
    let begun = phone.greeting["cursor"].as_str().unwrap().to_owned();
    assert!(
        !begun.starts_with(epoch) && begun.ends_with(":3"),
        "{begun}"
    );
    phone
        .call("Resume", json!([format!("{epoch}:3")]))
        .await
        .unwrap();
    assert_eq!(phone.titles(3).await, ["one", "two", "three again"]);
    house.publish("a", "four").await;
    assert_eq!(phone.titles(1).await, ["four"]);
}

/// An ack by number that was on its way when the numbers were turned back is of items that are no more.
#[tokio::test]
async fn an_ack_of_numbers_of_another_epoch_is_of_no_item() {
    let house = House::open().await;
    let mut phone = house.connect("device=phone").await;
    let id = house.publish("a", "one").await;
    phone.item().await;
    let ack = |epoch, what| Ack {
        user: Uuid::nil(),
        device: Some("phone".into()),
        what,
        via: "hub",
        epoch,
        active: true,
        at: None,
    };
    let user = house.id_of("a", "u1").await;
    let acks = house.product.hub.acks();
    let seqs = || What::These {
        seqs: vec![1],
        ids: Vec::new(),
    };
    for what in [seqs(), What::Through(1), What::Reached(vec![1])] {
        let old = Ack {
            user,
            ..ack(Some(0), what)
        };
        assert_eq!(acks.record(old).await, Ok(0));
    }
    let read = house.read("a", &id).await;
    assert_eq!(read["deliveries"][0]["state"], json!("queued"), "{read}");
    let present = Ack {
        user,
        ..ack(Some(1), seqs())
    };
    assert_eq!(acks.record(present).await, Ok(1));
}

/// What the operator says while the server runs is heard, too.
#[tokio::test]
async fn what_the_operator_says_is_heard_by_a_running_server() {
    let house = House::open().await;
    let mut phone = house.connect("device=phone").await;
    let now = Clock::system().now();
    let epoch = restored(&house.pool, now).await.unwrap();
    let mut conn = house.pool.acquire().await.unwrap();
    // As it does every ten seconds.
    house.product.parts.epochs.look(&mut conn).await.unwrap();
    assert_eq!(phone.closed().await, (None, true));
    let phone = house.connect("device=phone").await;
    assert_eq!(phone.greeting["cursor"], json!(format!("{epoch}:0")));
}

/// A server that starts again where it was begins none: every cursor would be void.
#[tokio::test]
async fn a_restart_keeps_the_epoch() {
    let house = House::open().await;
    let pool = house.pool.clone();
    let before = house.connect("").await.greeting["cursor"].clone();
    drop(house);
    let after = open(&pool).await.connect("").await.greeting["cursor"].clone();
    assert_eq!((&after, &before), (&json!("1:0"), &json!("1:0")));
}

/// Rows of devices and of streams that come from different moments: a device must not be taken to have
/// what was not given out yet.
#[tokio::test]
async fn what_a_device_has_is_cut_to_what_was_given_out() {
    let house = House::open().await;
    for title in ["one", "two", "three"] {
        house.publish("a", title).await;
    }
    let mut phone = house.connect("device=phone").await;
    phone.titles(3).await;
    phone.call("AcknowledgeThrough", json!([1])).await.unwrap();
    drop(phone);
    sqlx::query(
        "UPDATE bellhop.device SET through = 40, reached_through = 50, acked = '{[2,3),[3,90)}'",
    )
    .execute(&house.pool)
    .await
    .unwrap();
    let now = Clock::system().now();
    let epoch = restored(&house.pool, now).await.unwrap();
    assert_eq!(epoch, now.as_millisecond());
    assert_eq!(restored(&house.pool, now).await.unwrap(), epoch + 1);
    let known: (i64, i64, String) =
        sqlx::query_as("SELECT through, reached_through, acked::text FROM bellhop.device")
            .fetch_one(&house.pool)
            .await
            .unwrap();
    assert_eq!(known, (3, 3, "{[2,4)}".to_owned()));
}
