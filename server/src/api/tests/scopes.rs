//! Who may what: users' tokens carry no scope, keys only theirs.

use serde_json::json;

use super::site::Site;
use crate::auth::Scope;

#[tokio::test]
async fn a_users_token_publishes_reads_and_punches_for_nobody() {
    let site = Site::open().await;
    let user = site.user("acme", "u1");
    let id = site.publish("acme", "t").await;
    let publish = json!({"kind": "K", "title": "t", "audience": {"users": ["u2"]}});
    let punch =
        json!({"user": "u1", "device": "Gate", "at": "2026-11-21T09:00:00Z", "source_id": "1"});
    let request = json!({"kind": "leave", "subject": "s", "requester": "u1"});
    let decision = json!({"user": "boss", "verdict": "approve"});
    for (path, body) in [
        ("/api/v1/notifications", &publish),
        ("/api/v1/punches", &punch),
        ("/api/v1/requests", &request),
        (&format!("/api/v1/requests/{id}/decision"), &decision),
    ] {
        let answer = site.post(path, &user, body).await;
        assert_eq!(answer.problem(), (403, "forbidden".to_owned()), "{path}");
    }
    let answer = site
        .get(&format!("/api/v1/notifications/{id}"), &user)
        .await;
    assert_eq!(answer.problem(), (403, "forbidden".to_owned()));
}

#[tokio::test]
async fn a_key_has_its_own_scopes_and_no_others() {
    let site = Site::open().await;
    let key = site.api_key("acme", &[Scope::Publish]).await;
    let publish = json!({"kind": "K", "title": "t", "audience": {"users": ["u1"]}});
    let answer = site.post("/api/v1/notifications", &key, &publish).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    let answer = site.get(&format!("/api/v1/notifications/{id}"), &key).await;
    assert_eq!(answer.problem(), (403, "forbidden".to_owned()));
    let punch =
        json!({"user": "u1", "device": "Gate", "at": "2026-11-21T09:00:00Z", "source_id": "1"});
    let answer = site.post("/api/v1/punches", &key, &punch).await;
    assert_eq!(answer.problem(), (403, "forbidden".to_owned()));
    let ack = json!({"ids": [id]});
    let answer = site.post("/api/v1/acks", &key, &ack).await;
    assert_eq!(
        answer.problem(),
        (403, "forbidden".to_owned()),
        "it is nobody"
    );
}
