//! Accepting: group commit, idempotency, guilt.

use serde_json::json;

use crate::delivery::committer::Refusal;
use crate::delivery::draft::{Origin, PublishRequest};
use crate::testing::house::{House, noon};

#[tokio::test]
async fn a_publish_reaches_the_open_connection_and_its_ack_settles_it() {
    let house = House::open().await;
    let mut phone = house.connect("device=phone").await;
    let body = json!({
        "kind": "DocumentApproved", "title": "Approved", "body": "By Tom", "thread_key": "r:1",
        "audience": {"users": ["u1"], "departments": ["dept"], "groups": ["club"], "service": true},
        "data": {"documentId": 7}});
    let (status, accepted) = house.post("a", &body).await;
    assert_eq!(
        (status, &accepted["recipients"]),
        (202, &json!(2)),
        "u1 once, u2 by the service"
    );

    let item = phone.item().await;
    assert_eq!(item["target"], "DocumentApproved");
    assert_eq!(
        (&item["notificationId"], &item["seq"]),
        (&accepted["id"], &json!(1))
    );
    assert_eq!(
        (&item["documentId"], &item["replayed"]),
        (&json!(7), &json!(false))
    );
    assert_eq!(
        phone
            .call("AcknowledgeNotification", json!([accepted["id"]]))
            .await,
        Ok(json!(1))
    );
    assert_eq!(
        phone
            .call("AcknowledgeNotification", json!([accepted["id"]]))
            .await,
        Ok(json!(0))
    );

    let read = house.read("a", accepted["id"].as_str().unwrap()).await;
    let (first, second) = (&read["deliveries"][0], &read["deliveries"][1]);
    assert_eq!(
        (&first["user"], &first["state"]),
        (&json!("u1"), &json!("acked"))
    );
    // Its transport may have proved before that it read the item: then there are two receipts.
    let receipts = first["devices"].as_array().unwrap();
    assert!(
        receipts.iter().all(|one| one["device"] == "phone"),
        "{receipts:?}"
    );
    assert!(
        receipts.iter().any(|one| one["via"] == "hub"),
        "{receipts:?}"
    );
    assert_eq!(
        (&second["user"], &second["state"]),
        (&json!("u2"), &json!("queued"))
    );
}

#[tokio::test]
async fn unknown_names_are_named_and_nothing_is_stored() {
    let house = House::open().await;
    let mut body = json!({
        "kind": "NewTask", "title": "t",
        "audience": {"users": ["u1", "nobody"], "departments": ["nowhere"]}});
    let (status, problem) = house.post("a", &body).await;
    assert_eq!(
        (status, &problem["code"]),
        (422, &json!("unknown_recipient"))
    );
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("user \"nobody\"") && detail.contains("department \"nowhere\""));
    let stored: i64 = sqlx::query_scalar("SELECT count(*) FROM bellhop.notification")
        .fetch_one(&house.pool)
        .await
        .unwrap();
    assert_eq!(stored, 0);

    body["allow_unknown"] = json!(true);
    let (status, accepted) = house.post("a", &body).await;
    assert_eq!((status, &accepted["recipients"]), (202, &json!(1)));
    assert_eq!(
        accepted["unknown"],
        json!(["department \"nowhere\"", "user \"nobody\""])
    );
}

/// Names are remembered, so that publishing is one statement. One that was remembered and is not so any more is
/// looked up again: nothing is written for who has left, and who came under an old name gets what is theirs.
#[tokio::test]
async fn a_remembered_name_is_not_trusted() {
    let house = House::open().await;
    let stored = async || -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM bellhop.notification")
            .fetch_one(&house.pool)
            .await
            .unwrap()
    };
    let body = json!({"kind": "NewTask", "title": "t", "audience": {"users": ["u1", "u2"]}});
    let mut keyed = body.clone();
    keyed["idempotency_key"] = json!("order-1");
    for body in [&body, &body, &keyed] {
        assert_eq!(house.post("a", body).await.1["recipients"], 2);
    }
    sqlx::query(
        "UPDATE bellhop.user_account SET active = false WHERE key = 'u1' AND tenant_id = $1",
    )
    .bind(house.tenant("a").await)
    .execute(&house.pool)
    .await
    .unwrap();
    let mut other = keyed.clone();
    other["idempotency_key"] = json!("order-2");
    for body in [&body, &other] {
        let (status, problem) = house.post("a", body).await;
        assert_eq!(
            (status, &problem["code"]),
            (422, &json!("unknown_recipient"))
        );
    }
    assert_eq!(stored().await, 3);
    let keys: i64 = sqlx::query_scalar("SELECT count(*) FROM bellhop.idempotency")
        .fetch_one(&house.pool)
        .await
        .unwrap();
    assert_eq!(keys, 1, "a key of what was refused is free");
}

/// A key that is held is noticed by the one statement too, among neighbours that have none.
#[tokio::test]
async fn a_held_key_among_remembered_names_spares_its_neighbours() {
    let house = House::open().await;
    let one = |title: &str, key: Option<&str>| {
        let mut body = json!({"kind": "NewTask", "title": title, "audience": {"users": ["u1"]}});
        if let Some(key) = key {
            body["idempotency_key"] = json!(key);
        }
        body
    };
    let (_, first) = house.post("a", &one("held", Some("k"))).await;
    let (plain, held, reused, fresh) = (
        one("plain", None),
        one("held", Some("k")),
        one("another", Some("k")),
        one("fresh", Some("l")),
    );
    let answers = tokio::join!(
        house.post("a", &plain),
        house.post("a", &held),
        house.post("a", &reused),
        house.post("a", &fresh)
    );
    assert_eq!((answers.0.0, answers.3.0), (202, 202));
    assert_eq!(
        (&answers.1.1["id"], &answers.1.1["duplicate"]),
        (&first["id"], &json!(true))
    );
    assert_eq!(answers.2.1["code"], "idempotency_key_reused");
    let numbers: Vec<i64> = sqlx::query_scalar("SELECT seq FROM bellhop.delivery ORDER BY seq")
        .fetch_all(&house.pool)
        .await
        .unwrap();
    assert_eq!(numbers, [1, 2, 3], "no gap");
}

/// A unique key on a table partitioned by day would not hold over midnight.
#[tokio::test]
async fn same_key_across_midnight() {
    let clock = noon();
    let house = House::open_at(clock.clone()).await;
    let body = json!({"kind": "NewTask", "title": "t", "audience": {"users": ["u1"]},
                      "idempotency_key": "order-1"});
    let (_, first) = house.post("a", &body).await;
    clock.advance(24 * 3_600_000);
    let (status, second) = house.post("a", &body).await;
    assert_eq!(
        (status, &second["id"], &second["duplicate"]),
        (202, &first["id"], &json!(true))
    );
    assert_eq!(second["recipients"], first["recipients"]);

    let mut other = body.clone();
    other["title"] = json!("another");
    let (status, problem) = house.post("a", &other).await;
    assert_eq!(
        (status, &problem["code"]),
        (409, &json!("idempotency_key_reused"))
    );
    // Another service's key of the same spelling is another key.
    assert_eq!(house.post("b", &body).await.1["duplicate"], json!(false));
}

/// Two batches that claim two keys in opposite order waited for each other.
#[tokio::test]
async fn same_keys_crosswise_in_two_batches() {
    let house = House::open().await;
    for round in 0..10 {
        let one = |key: &str| {
            json!({"kind": "NewTask", "title": key, "audience": {"users": ["u1"]},
                   "idempotency_key": format!("{key}-{round}")})
        };
        let (x, y) = (one("x"), one("y"));
        let answers = tokio::join!(
            house.post("a", &x),
            house.post("a", &y),
            house.post("a", &y),
            house.post("a", &x)
        );
        let all = [answers.0, answers.1, answers.2, answers.3];
        assert!(all.iter().all(|(status, _)| *status == 202), "{all:?}");
        assert_eq!(all[0].1["id"], all[3].1["id"]);
        assert_eq!(all[1].1["id"], all[2].1["id"]);
        let duplicates = all
            .iter()
            .filter(|(_, body)| body["duplicate"] == true)
            .count();
        assert_eq!(duplicates, 2);
    }
}

/// One publication that only the database can refuse took its whole batch down with it.
#[tokio::test]
async fn nul_byte_spares_127_neighbours() {
    let house = House::open().await;
    let (tenant, service): (uuid::Uuid, uuid::Uuid) = sqlx::query_as(
        "SELECT s.tenant_id, s.id FROM bellhop.service s JOIN bellhop.tenant t ON t.id = s.tenant_id
          WHERE t.key = 'a'",
    )
    .fetch_one(&house.pool)
    .await
    .unwrap();
    let publishes = (0..128).map(|number| {
        let request: PublishRequest = serde_json::from_value(
            json!({"kind": "NewTask", "title": "t", "audience": {"users": ["u1"]}}),
        )
        .unwrap();
        let parts = &house.product.parts;
        let origin = Origin {
            id: parts.ids.uuid(),
            tenant,
            service,
            publisher: "test",
            classes: &house.product.workplace.classes,
            now: parts.clock.now(),
        };
        let mut draft = request.check(origin).unwrap();
        if number == 77 {
            draft.publication.title = "a\0b".to_owned();
        }
        house.product.committer.publish(draft)
    });
    let answers = futures_util::future::join_all(publishes).await;
    for (number, answer) in answers.iter().enumerate() {
        match answer {
            Ok(accepted) => assert!(number != 77 && accepted.recipients == 1),
            Err(Refusal::Invalid(_)) => assert_eq!(number, 77),
            Err(other) => panic!("{number}: {other:?}"),
        }
    }
    let user = house.id_of("a", "u1").await;
    let (count, last): (i64, i64) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM bellhop.delivery WHERE user_id = $1), last_seq
           FROM bellhop.user_stream WHERE user_id = $1",
    )
    .bind(user)
    .fetch_one(&house.pool)
    .await
    .unwrap();
    assert_eq!((count, last), (127, 127), "numbers have no gaps");
}

/// A NOTIFY in the hot path would take an instance-wide lock until commit.
#[tokio::test]
async fn hot_path_fires_no_trigger() {
    let house = House::open().await;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT c.relname::text FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
           JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE n.nspname = 'bellhop' AND NOT t.tgisinternal",
    )
    .fetch_all(&house.pool)
    .await
    .unwrap();
    assert_eq!(tables, ["intake"]);
}
