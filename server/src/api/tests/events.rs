//! Live events: what is refused, and with which words.

use serde_json::{Value, json};

use super::site::Site;

const PATH: &str = "/api/v1/events";

#[tokio::test]
async fn what_is_wrong_with_an_event_is_named_by_field() {
    let site = Site::open().await;
    let service = site.service("acme");
    let long = "x".repeat(40_000);
    let many: Vec<String> = (0..1_001).map(|n| n.to_string()).collect();
    for (body, field) in [
        (json!({"method": "M"}), "users"),
        (json!({"method": "M", "users": []}), "users"),
        (json!({"method": "M", "users": many}), "users"),
        (json!({"method": "M", "users": ["a", ""]}), "users[1]"),
        (
            json!({"method": "M", "users": ["a"], "group": "user:a"}),
            "group",
        ),
        (json!({"method": "M", "group": "everybody"}), "group"),
        (json!({"method": "M", "group": "department:"}), "group"),
        (json!({"method": "M", "group": "tenant:acme"}), "group"),
        (json!({"method": "M", "group": "service:other"}), "group"),
        (json!({"method": "9", "users": ["a"]}), "method"),
        (json!({"method": "patch", "users": ["a"]}), "method"),
        (json!({"method": "notification", "users": ["a"]}), "method"),
        (json!({"method": "M", "users": ["a"], "key": ""}), "key"),
        (
            json!({"method": "M", "users": ["a"], "key": "k".repeat(129)}),
            "key",
        ),
        (
            json!({"method": "M", "users": ["a"], "payload": long}),
            "payload",
        ),
        (json!({"method": "M", "users": ["a"], "seq": 1}), "seq"),
    ] {
        let answer = site.post(PATH, &service, &body).await;
        assert_eq!(answer.problem().0, 422, "{body}");
        let problem = answer.json();
        assert_eq!(problem["field"], field, "{problem}");
        assert!(problem["detail"].as_str().unwrap().len() > 10, "{problem}");
    }
}

#[tokio::test]
async fn an_event_needs_the_scope_and_knows_no_other_tenants_names() {
    let site = Site::open().await;
    let body = json!({"method": "M", "users": ["u1"]});
    let user = site.user("acme", "u1");
    assert_eq!(site.post(PATH, &user, &body).await.problem().0, 403);
    let reader = site.scoped("acme", "app", &["read"]);
    assert_eq!(site.post(PATH, &reader, &body).await.problem().0, 403);
    assert_eq!(site.post(PATH, "", &body).await.problem().0, 401);
    let answer = site.post(PATH, &site.service("acme"), &body).await.json();
    assert_eq!(answer, json!({"sent": 0, "dropped": 0}));
    sqlx::query(
        "UPDATE bellhop.user_account SET key = 'only-acme' WHERE key = 'u1' AND tenant_id =
                (SELECT id FROM bellhop.tenant WHERE key = 'acme')",
    )
    .execute(&site.pool)
    .await
    .unwrap();
    let body = json!({"method": "M", "users": ["only-acme"]});
    let unknown = |answer: &Value| answer["unknown"].clone();
    let mine = site.post(PATH, &site.service("acme"), &body).await.json();
    let theirs = site.post(PATH, &site.service("evil"), &body).await.json();
    assert_eq!(
        (unknown(&mine), unknown(&theirs)),
        (Value::Null, json!(["only-acme"]))
    );
}
