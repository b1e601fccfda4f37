//! Explanations over the API: who may ask, and that the parts are wired.

use super::site::Site;

#[tokio::test]
async fn the_publishing_service_asks_and_nobody_else() {
    let site = Site::open().await;
    let id = site.publish("acme", "t").await;
    let path = format!("/api/v1/notifications/{id}/explain?user=u1");
    let answer = site.get(&path, &site.service("acme")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let told = answer.json();
    assert_eq!(told["notification"]["service"], "app");
    assert_eq!(told["notification"]["publisher"], "token");
    assert_eq!(told["user"]["name"], "User u1");
    assert_eq!(told["user"]["online"], false);
    assert_eq!(told["delivery"]["seq"], 1);
    assert_eq!(told["timeline"][0]["what"], "accepted");
    assert!(
        told["next"].as_array().is_some_and(|next| next.len() > 2),
        "{told}"
    );

    let ack = serde_json::json!({"ids": [id], "device": "phone-1"});
    site.post("/api/v1/acks", &site.user("acme", "u1"), &ack)
        .await;
    let told = site.get(&path, &site.service("acme")).await.json();
    assert_eq!(told["what_next"], "Nothing: acked by phone-1.");

    let path = |user: &str| format!("/api/v1/notifications/{id}/explain{user}");
    let boss = site.get(&path("?user=boss"), &site.service("acme")).await;
    assert_eq!(boss.json()["why_not"]["code"], "not_in_audience");
    for (token, status) in [
        (site.service("evil"), 404),
        (site.scoped("acme", "other", &["read"]), 404),
        (site.scoped("acme", "app", &["publish"]), 403),
        (site.user("acme", "u1"), 403),
    ] {
        assert_eq!(
            site.get(&path("?user=u1"), &token).await.problem().0,
            status
        );
    }
    let nobody = site.get(&path(""), &site.service("acme")).await;
    assert_eq!(nobody.problem(), (422, "invalid".to_owned()));
}
