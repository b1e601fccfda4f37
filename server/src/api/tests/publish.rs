//! Publishing, and reading what became of it.

use serde_json::json;

use super::site::Site;

const PATH: &str = "/api/v1/notifications";

#[tokio::test]
async fn what_was_accepted_can_be_read() {
    let site = Site::open().await;
    let token = site.service("acme");
    let body = json!({
        "kind": "DocumentApproved", "title": "Approved", "body": "By Ada",
        "audience": {"users": ["u1"], "departments": ["ops"]}, "data": {"amount": 1.50},
    });
    let answer = site.post(PATH, &token, &body).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let published = answer.json();
    assert_eq!(
        (&published["recipients"], &published["duplicate"]),
        (&json!(3), &json!(false)),
        "u1 is named twice and counted once"
    );
    let id = published["id"].as_str().unwrap();
    let read = site.get(&format!("{PATH}/{id}"), &token).await.json();
    assert_eq!(read["kind"], "DocumentApproved");
    assert_eq!(read["recipients"], 3);
    let deliveries = read["deliveries"].as_array().unwrap();
    let users: Vec<_> = deliveries.iter().map(|one| &one["user"]).collect();
    assert_eq!(users, ["boss", "u1", "u2"]);
    assert!(
        deliveries
            .iter()
            .all(|one| one["state"] == "queued" && one["seq"] == 1)
    );
}

#[tokio::test]
async fn unknown_names_are_told_and_nothing_is_stored() {
    let site = Site::open().await;
    let token = site.service("acme");
    let body = json!({"kind": "NewTask", "title": "t",
                      "audience": {"users": ["u1", "ghost"], "departments": ["moon"]}});
    let answer = site.post(PATH, &token, &body).await;
    assert_eq!(answer.problem(), (422, "unknown_recipient".to_owned()));
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert!(
        detail.contains("user \"ghost\"") && detail.contains("department \"moon\""),
        "{detail}"
    );
    let stored: i64 = sqlx::query_scalar("SELECT count(*) FROM bellhop.notification")
        .fetch_one(&site.pool)
        .await
        .unwrap();
    assert_eq!(stored, 0);

    let mut body = body;
    body["allow_unknown"] = json!(true);
    let answer = site.post(PATH, &token, &body).await;
    assert_eq!(answer.status, 202);
    assert_eq!(
        answer.json()["unknown"],
        json!(["department \"moon\"", "user \"ghost\""])
    );
}

#[tokio::test]
async fn a_key_makes_a_retry_safe_and_is_bound_to_its_body() {
    let site = Site::open().await;
    let token = site.service("acme");
    let body = json!({"kind": "NewTask", "title": "t", "audience": {"users": ["u1"]},
                      "idempotency_key": "order-7"});
    let first = site.post(PATH, &token, &body).await.json();
    let again = site.post(PATH, &token, &body).await;
    assert_eq!(again.status, 202);
    let again = again.json();
    assert_eq!(again["id"], first["id"]);
    assert_eq!(
        (&first["duplicate"], &again["duplicate"]),
        (&json!(false), &json!(true))
    );

    let mut other = body.clone();
    other["title"] = json!("another");
    let answer = site.post(PATH, &token, &other).await;
    assert_eq!(answer.problem(), (409, "idempotency_key_reused".to_owned()));
    assert_eq!(answer.json()["field"], "idempotency_key");

    // Another tenant's key of the same name is another key.
    let answer = site.post(PATH, &site.service("evil"), &body).await.json();
    assert_eq!(answer["duplicate"], false);
}
