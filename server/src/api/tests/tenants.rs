//! A tenant neither sees nor names anything of another, equal ids included; a service neither
//! reads nor decides what came through another.

use serde_json::json;

use super::site::Site;

#[tokio::test]
async fn equal_ids_are_different_people() {
    let site = Site::open().await;
    let id = site.publish("acme", "for acme's u1").await;
    let path = format!("/api/v1/notifications/{id}");
    assert_eq!(site.get(&path, &site.service("acme")).await.status, 200);
    let answer = site.get(&path, &site.service("evil")).await;
    assert_eq!(answer.problem(), (404, "not_found".to_owned()));
    let theirs: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM bellhop.delivery d JOIN bellhop.tenant t ON t.id = d.tenant_id
          WHERE t.key = 'evil'",
    )
    .fetch_one(&site.pool)
    .await
    .unwrap();
    assert_eq!(theirs, 0);

    let ack = json!({"ids": [id], "device": "phone"});
    let answer = site
        .post("/api/v1/acks", &site.user("evil", "u1"), &ack)
        .await;
    assert_eq!(answer.json()["acknowledged"], 0, "not theirs");
    let answer = site
        .post("/api/v1/acks", &site.user("acme", "u2"), &ack)
        .await;
    assert_eq!(answer.json()["acknowledged"], 0, "a colleague's");
}

#[tokio::test]
async fn a_name_of_another_tenant_does_not_exist() {
    let site = Site::open().await;
    sqlx::query("UPDATE bellhop.user_account SET key = 'mole' WHERE key = 'u2' AND tenant_id = (SELECT id FROM bellhop.tenant WHERE key = 'evil')")
        .execute(&site.pool)
        .await
        .unwrap();
    let token = site.service("acme");
    let body = json!({"kind": "K", "title": "t", "audience": {"users": ["mole"]}});
    let other = json!({"kind": "K", "title": "t", "audience": {"users": ["nobody"]}});
    let answer = site.post("/api/v1/notifications", &token, &body).await;
    let known = site.post("/api/v1/notifications", &token, &other).await;
    assert_eq!(answer.problem(), known.problem());
    assert_eq!(
        answer.text.replace("mole", "nobody"),
        known.text,
        "the answers differ in nothing but the name"
    );
    let punch =
        json!({"user": "mole", "device": "Gate", "at": "2026-11-21T09:00:00Z", "source_id": "1"});
    let answer = site.post("/api/v1/punches", &token, &punch).await;
    assert_eq!(answer.problem(), (422, "unknown_user".to_owned()));
    let request =
        json!({"kind": "leave", "subject": "s", "requester": "u1", "approvers": ["mole"]});
    let answer = site.post("/api/v1/requests", &token, &request).await;
    assert_eq!(answer.json()["field"], "approvers");
}

#[tokio::test]
async fn another_service_of_the_tenant_reads_and_decides_nothing() {
    let site = Site::open().await;
    let mine = site.service("acme");
    let other = site.scoped("acme", "other", &["publish", "read"]);
    let id = site.publish("acme", "t").await;
    let path = format!("/api/v1/notifications/{id}");
    let answer = site.get(&path, &other).await;
    assert_eq!(answer.problem(), (404, "not_found".to_owned()));

    let request = json!({"kind": "leave", "subject": "A week", "requester": "u1"});
    let made = site.post("/api/v1/requests", &mine, &request).await.json();
    let path = format!("/api/v1/requests/{}", made["id"].as_str().unwrap());
    let decision = json!({"user": "boss", "verdict": "approve"});
    let service = site.service("evil");
    for token in [&other, &service] {
        let answer = site.get(&path, token).await;
        assert_eq!(answer.problem(), (404, "not_found".to_owned()));
        let answer = site
            .post(&format!("{path}/decision"), token, &decision)
            .await;
        assert_eq!(answer.problem(), (404, "not_found".to_owned()));
    }
    let read = site.get(&path, &mine).await.json();
    assert_eq!(read["state"], "in_review");
}
