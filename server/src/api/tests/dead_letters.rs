//! Dead letters over the API: listed, and sent again once.

use serde_json::{Value, json};
use uuid::Uuid;

use super::site::Site;

/// Publishes to `u1` and `u2` of a tenant and lets it expire, as the worker would; its id.
async fn letters(site: &Site, tenant: &str, title: &str) -> Uuid {
    let body = json!({"kind": "Fire", "title": title, "data": {"x": 1}, "class": "urgent",
                      "audience": {"users": ["u1", "u2"]}});
    let answer = site
        .post("/api/v1/notifications", &site.service(tenant), &body)
        .await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let id: Uuid = serde_json::from_value(answer.json()["id"].clone()).unwrap();
    for statement in [
        "UPDATE bellhop.delivery SET state = 3, reason = 'expired', settled_at = now() WHERE notification_id = $1",
        "INSERT INTO bellhop.dead_letter (user_id, seq, tenant_id, service_id, notification_id, state, reason, at)
         SELECT d.user_id, d.seq, d.tenant_id, n.service_id, n.id, 3, 'expired', d.settled_at
           FROM bellhop.delivery d JOIN bellhop.notification n ON n.id = d.notification_id
          WHERE d.notification_id = $1",
    ] {
        sqlx::query(statement).bind(id).execute(&site.pool).await.unwrap();
    }
    id
}

async fn again(site: &Site, body: &Value) -> Value {
    let token = site.service("acme");
    let answer = site
        .post("/api/v1/dead-letters/send-again", &token, body)
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

async fn published(site: &Site) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM bellhop.notification")
        .fetch_one(&site.pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn each_is_sent_once_however_often_it_is_asked() {
    let site = Site::open().await;
    let id = letters(&site, "acme", "old").await;
    let all = json!({"filter": {}});
    let dry = again(&site, &json!({"filter": {}, "dry_run": true})).await;
    assert_eq!((&dry["count"], &dry["dry_run"]), (&json!(2), &json!(true)));
    assert_eq!(dry["results"][0]["status"], "would_be_sent");
    assert_eq!(published(&site).await, 1, "nothing was sent");

    let sent = again(&site, &all).await;
    assert_eq!(sent["count"], 2, "{sent}");
    let by = sent["results"][0]["notification"].clone();
    assert_eq!(sent["results"][1]["notification"], by, "one for both");
    assert_eq!(published(&site).await, 2);
    let row: (String, String, String, String, i32) = sqlx::query_as(
        "SELECT kind, title, data, class, recipients FROM bellhop.notification WHERE id = $1::uuid",
    )
    .bind(by.as_str().unwrap())
    .fetch_one(&site.pool)
    .await
    .unwrap();
    let words = |text: &str| text.to_owned();
    assert_eq!(
        row,
        (
            words("Fire"),
            words("old"),
            words("{\"x\":1}"),
            words("urgent"),
            2
        )
    );

    assert_eq!(
        again(&site, &all).await["results"],
        json!([]),
        "all were sent"
    );
    let ids = json!({"ids": [{"user": "u1", "seq": 1}, {"user": "u1", "seq": 1}, {"user": "u1", "seq": 9}]});
    let second = again(&site, &ids).await;
    assert_eq!(
        (&second["before"], &second["refused"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(second["results"][0]["status"], "sent_before");
    assert_eq!(second["results"][0]["notification"], by);
    assert_eq!(second["results"][1]["code"], "not_found");
    assert_eq!(published(&site).await, 2);

    let token = site.service("acme");
    let list = site.get("/api/v1/dead-letters", &token).await.json();
    assert_eq!(list["total"], 2);
    assert_eq!(list["items"][0]["sent_again"], by);
    assert_eq!(list["items"][0]["notification"], json!(id));
    let path = format!("/api/v1/notifications/{id}/explain?user=u1");
    let told = site.get(&path, &token).await.json();
    assert_eq!(told["delivery"]["sent_again"], by);
}

#[tokio::test]
async fn what_cannot_be_sent_says_why_and_holds_up_nobody() {
    let site = Site::open().await;
    letters(&site, "acme", "kept").await;
    let gone = letters(&site, "acme", "gone").await;
    sqlx::query("DELETE FROM bellhop.notification WHERE id = $1")
        .bind(gone)
        .execute(&site.pool)
        .await
        .unwrap();
    sqlx::query("UPDATE bellhop.user_account SET active = false WHERE key = 'u2'")
        .execute(&site.pool)
        .await
        .unwrap();
    let answer = again(&site, &json!({"filter": {}})).await;
    assert_eq!(
        (&answer["count"], &answer["refused"]),
        (&json!(1), &json!(3))
    );
    let results = answer["results"].as_array().unwrap();
    let code = |user: &str, seq: i64| {
        let is = |one: &&Value| one["user"] == user && one["seq"] == seq;
        results.iter().find(is).unwrap()["code"].clone()
    };
    assert_eq!(code("u1", 1), Value::Null);
    assert_eq!(code("u1", 2), "content_gone");
    assert_eq!(code("u2", 1), "user_inactive");
    let left: i64 =
        sqlx::query_scalar("SELECT count(*) FROM bellhop.dead_letter WHERE sent_again IS NULL")
            .fetch_one(&site.pool)
            .await
            .unwrap();
    assert_eq!(left, 3, "refused ones are not noted as sent");
}

#[tokio::test]
async fn two_who_ask_at_once_send_it_once() {
    let site = Site::open().await;
    letters(&site, "acme", "t").await;
    let all = json!({"ids": [{"user": "u1", "seq": 1}, {"user": "u2", "seq": 1}]});
    let answers = futures_util::future::join_all((0..4).map(|_| again(&site, &all))).await;
    assert_eq!(published(&site).await, 2);
    let by = &answers[0]["results"][0]["notification"];
    for answer in &answers {
        assert_eq!(answer["refused"], 0, "{answers:?}");
        for one in answer["results"].as_array().unwrap() {
            assert_eq!(&one["notification"], by, "{answers:?}");
        }
    }
}

/// The server died between the note and the publication: whoever asks next makes it good, to all of the note.
#[tokio::test]
async fn a_note_without_a_notification_is_made_good() {
    let site = Site::open().await;
    letters(&site, "acme", "t").await;
    let by = site.product.parts.ids.uuid();
    sqlx::query("UPDATE bellhop.dead_letter SET sent_again = $1")
        .bind(by)
        .execute(&site.pool)
        .await
        .unwrap();
    let one = json!({"ids": [{"user": "u1", "seq": 1}]});
    let dry = again(
        &site,
        &json!({"ids": [{"user": "u1", "seq": 1}], "dry_run": true}),
    )
    .await;
    assert_eq!(dry["count"], 1);
    // By a filter too: whoever asks for all again finds those that were noted and never published.
    let all = json!({"filter": {"reason": "expired"}, "dry_run": true});
    assert_eq!(again(&site, &all).await["count"], 2);
    let answer = again(&site, &one).await;
    assert_eq!(answer["results"][0]["status"], "sent", "{answer}");
    assert_eq!(answer["results"][0]["notification"], json!(by));
    let got: i64 =
        sqlx::query_scalar("SELECT count(*) FROM bellhop.delivery WHERE notification_id = $1")
            .bind(by)
            .fetch_one(&site.pool)
            .await
            .unwrap();
    assert_eq!(got, 2);
    assert_eq!(again(&site, &one).await["before"], 1);
    assert_eq!(again(&site, &all).await["count"], 0);
}

#[tokio::test]
async fn a_service_sees_its_own_and_filters() {
    let site = Site::open().await;
    letters(&site, "acme", "Alarm in hall 2").await;
    letters(&site, "evil", "Alarm in hall 2").await;
    let token = site.service("acme");
    let total = async |query: &str| {
        let answer = site
            .get(&format!("/api/v1/dead-letters{query}"), &token)
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["total"].clone()
    };
    for (query, count) in [
        ("", 2),
        ("?reason=expired", 2),
        ("?reason=ladder_ended", 0),
        ("?kind=Fire&user=u1", 1),
        ("?kind=Other", 0),
        ("?search=HALL", 2),
        ("?search=user%20u2", 1),
    ] {
        assert_eq!(total(query).await, count, "{query}");
    }
    let other = site.scoped("acme", "other", &["read", "publish"]);
    assert_eq!(
        site.get("/api/v1/dead-letters", &other).await.json()["total"],
        0
    );
    let ids = json!({"ids": [{"user": "u1", "seq": 1}]});
    let answer = site
        .post("/api/v1/dead-letters/send-again", &other, &ids)
        .await;
    assert_eq!(answer.json()["results"][0]["code"], "not_found");

    let publisher = site.scoped("acme", "app", &["publish"]);
    assert_eq!(
        site.get("/api/v1/dead-letters", &publisher).await.status,
        403
    );
    let reader = site.scoped("acme", "app", &["read"]);
    for (token, body, status) in [
        (&reader, &ids, 403),
        (&token, &json!({}), 422),
        (&token, &json!({"ids": [], "filter": {}}), 422),
        (&token, &json!({"ids": []}), 422),
        (&token, &json!({"filter": {"after": "x"}}), 422),
    ] {
        let answer = site
            .post("/api/v1/dead-letters/send-again", token, body)
            .await;
        assert_eq!(answer.problem().0, status, "{body}");
    }
}

#[tokio::test]
async fn pages_go_on_where_the_one_before_ended() {
    let site = Site::open().await;
    sqlx::query(
        "INSERT INTO bellhop.dead_letter (user_id, seq, tenant_id, service_id, notification_id, state, reason, at)
         SELECT u.id, 1000 + g, u.tenant_id, s.id, bellhop.uuid_v7(), 5, 'retention', now() - g / 100 * interval '1 s'
           FROM generate_series(1, 250) g, bellhop.user_account u JOIN bellhop.service s USING (tenant_id)
           JOIN bellhop.tenant t ON t.id = u.tenant_id
          WHERE t.key = 'acme' AND u.key = 'u1' AND s.key = 'app'",
    )
    .execute(&site.pool)
    .await
    .unwrap();
    let token = site.service("acme");
    let first = site.get("/api/v1/dead-letters", &token).await.json();
    assert_eq!(first["items"].as_array().unwrap().len(), 200);
    let path = format!(
        "/api/v1/dead-letters?after={}",
        first["next"].as_str().unwrap()
    );
    let second = site.get(&path, &token).await.json();
    assert_eq!(second["next"], Value::Null);
    let seqs = |page: &Value| -> Vec<i64> {
        let items = page["items"].as_array().unwrap();
        items
            .iter()
            .map(|one| one["seq"].as_i64().unwrap())
            .collect()
    };
    let mut all = [seqs(&first), seqs(&second)].concat();
    all.sort_unstable();
    assert_eq!(all, (1001..=1250).collect::<Vec<i64>>());
}
