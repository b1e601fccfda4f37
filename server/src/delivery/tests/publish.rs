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
