//! COMMIT was sent and its answer never came: the publisher must be told the truth all the same, and
//! nothing may be published twice or committed without being delivered.

use serde_json::json;
use sqlx::Connection as _;

use crate::store::acks::{self, Attempt};
use crate::store::devices;
use crate::testing::client::Client;
use crate::testing::eventually;
use crate::testing::house::House;
use crate::testing::wire::{Loss, Wire};

const TITLE: &str = "around the cut";

/// A phone that acks for itself and has settled down, so that nothing of its own is on the wire.
async fn open() -> (House, Wire, Client) {
    let (house, wire) = House::open_wired().await;
    let mut phone = house.connect("device=phone").await;
    phone.call("AcknowledgeMany", json!([[]])).await.unwrap();
    (house, wire, phone)
}

/// Stored once, delivered once, and nothing else after it.
async fn there_is_one(house: &House, phone: &mut Client, id: &str) {
    let stored: Vec<String> =
        sqlx::query_scalar("SELECT id::text FROM bellhop.notification WHERE title = $1")
            .bind(TITLE)
            .fetch_all(&house.pool)
            .await
            .unwrap();
    assert_eq!(stored, [id]);
    assert_eq!(phone.item().await["notificationId"], id);
    house.publish("a", "after").await;
    assert_eq!(phone.titles(1).await, ["after"]);
    phone.expect_nothing().await;
}

/// A publication without a key commits with the statement that says its title, one with a key by
/// `COMMIT`: the last words of the client, and those of the server's answer to them.
const WAYS: [(Option<&str>, &str, &str); 2] =
    [(None, TITLE, "SELECT "), (Some("once"), "COMMIT", "COMMIT")];

async fn publish(house: &House, key: Option<&str>) -> String {
    let mut body = json!({"kind": "NewTask", "title": TITLE, "audience": {"users": ["u1"]}});
    if let Some(key) = key {
        body["idempotency_key"] = json!(key);
    }
    let (status, answer) = house.post("a", &body).await;
    assert_eq!(
        (status, &answer["duplicate"]),
        (202, &json!(false)),
        "{answer}"
    );
    answer["id"].as_str().unwrap().to_owned()
}

/// It was committed and the answer got lost: to publish it again would show it twice, and to refuse it
/// would have the publisher do so.
#[tokio::test]
async fn connection_cut_after_commit_sent() {
    for (key, _, answer) in WAYS {
        let (house, wire, mut phone) = open().await;
        wire.lose(Loss::Answer, TITLE, answer);
        let (id, ()) = tokio::join!(publish(&house, key), wire.lost());
        there_is_one(&house, &mut phone, &id).await;
    }
}

/// What would have committed it got lost: nothing is in the database, so the batch is written again.
#[tokio::test]
async fn a_commit_that_never_arrived_is_sent_again() {
    for (key, words, _) in WAYS {
        let (house, wire, mut phone) = open().await;
        wire.lose(Loss::Request, TITLE, words);
        let (id, ()) = tokio::join!(publish(&house, key), wire.lost());
        there_is_one(&house, &mut phone, &id).await;
    }
}

/// The server was still committing when it was looked up: the publisher was told to try again, and what
/// then committed was dispatched to nobody.
#[tokio::test]
async fn a_commit_still_under_way_is_waited_for() {
    for (key, words, _) in WAYS {
        let (house, wire, mut phone) = open().await;
        sqlx::raw_sql(
            "CREATE FUNCTION slow_commit() RETURNS trigger LANGUAGE plpgsql AS
               'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END';
             CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON bellhop.notification
               DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow_commit()",
        )
        .execute(&house.pool)
        .await
        .unwrap();
        let mut gate = house.pool.begin().await.unwrap();
        sqlx::query("SELECT pg_advisory_xact_lock(1)")
            .execute(&mut *gate)
            .await
            .unwrap();
        wire.lose(Loss::Connection, TITLE, words);
        let (id, ()) = tokio::join!(publish(&house, key), async {
            wire.lost().await;
            // The one that commits, and the one that waits for it.
            eventually(|| async {
                sqlx::query_scalar(
                    "SELECT count(*) = 2 FROM pg_stat_activity
                      WHERE datname = current_database() AND wait_event_type = 'Lock'",
                )
                .fetch_one(&house.pool)
                .await
                .unwrap()
            })
            .await;
            gate.rollback().await.unwrap();
        });
        there_is_one(&house, &mut phone, &id).await;
    }
}

/// A proxy held what would have committed, until the batch had been written again: looked up meanwhile, it
/// was nowhere, and then it was there twice.
#[tokio::test]
async fn what_arrives_late_cannot_commit_any_more() {
    for (key, words, _) in WAYS {
        let (house, wire, mut phone) = open().await;
        wire.lose(Loss::Time, TITLE, words);
        let id = async {
            let id = publish(&house, key).await;
            wire.let_go();
            id
        };
        let both = async {
            wire.lost().await;
            // With a key the held transaction has locks: the second attempt gets on once it has ended.
            if key.is_some() {
                wire.let_go();
            }
            wire.lost().await;
        };
        let (id, ()) = tokio::join!(id, both);
        there_is_one(&house, &mut phone, &id).await;
    }
}

/// What a crash may lose does not have publishers wait behind its flush; what is promised is flushed.
#[tokio::test]
async fn only_records_and_evidence_leave_without_the_disk() {
    let house = House::open().await;
    let (user, tenant) = (house.id_of("a", "u1").await, uuid::Uuid::nil());
    let mut conn = house.pool.acquire().await.unwrap();
    let waits = async |conn: &mut sqlx::PgConnection| -> String {
        let waits = sqlx::query_scalar("SHOW synchronous_commit");
        waits.fetch_one(conn).await.unwrap()
    };
    sqlx::raw_sql("SET synchronous_commit = on")
        .execute(&mut *conn)
        .await
        .unwrap();
    let attempt = Attempt {
        user,
        seq: 1,
        tenant,
        device: String::new(),
        transport: "WebSockets",
        connection: String::new(),
        at: house.product.parts.clock.now().as_microsecond(),
    };
    let mut tx = conn.begin().await.unwrap();
    acks::append_attempts(&mut tx, &[attempt]).await.unwrap();
    assert_eq!(waits(&mut tx).await, "off");
    tx.commit().await.unwrap();

    let now = house.product.parts.clock.now();
    let mut tx = conn.begin().await.unwrap();
    let arrival = devices::Arrival {
        tenant,
        user,
        key: "phone".to_owned(),
        ..devices::Arrival::default()
    };
    devices::seen(&mut tx, &[arrival], now).await.unwrap();
    assert_eq!(waits(&mut tx).await, "off");
    tx.commit().await.unwrap();
    assert_eq!(waits(&mut conn).await, "on", "it ends with the transaction");
}
