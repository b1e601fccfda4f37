//! Requests over HTTP.

use serde_json::json;

use super::site::Site;

const PATH: &str = "/api/v1/requests";

#[tokio::test]
async fn asked_decided_and_read() {
    let site = Site::open().await;
    let token = site.service("acme");
    let body = json!({
        "kind": "purchase", "subject": "Laptop stands", "amount": "€ 540.00",
        "fields": [["Supplier", "Ergo"], ["Count", "12"]], "requester": "u1",
        "source_id": "po-1", "due_at": "2026-12-01T12:00:00Z",
    });
    let made = site.post(PATH, &token, &body).await;
    assert_eq!(made.status, 201, "{made:?}");
    let location = made.header("location").to_owned();
    let made = made.json();
    assert_eq!(made["duplicate"], false);
    let again = site.post(PATH, &token, &body).await;
    assert_eq!(again.status, 200);
    assert_eq!(again.json()["id"], made["id"]);

    let read = site.get(&location, &token).await.json();
    assert_eq!(read["number"], made["number"]);
    assert_eq!(read["fields"], body["fields"]);
    assert_eq!(read["steps"][0]["approvers"][0]["user"], "boss");
    assert_eq!(read["steps"][0]["approvers"][0]["state"], "pending");

    let path = format!("{location}/decision");
    let stale = json!({"user": "boss", "verdict": "approve", "revision": 7});
    let answer = site.post(&path, &token, &stale).await;
    assert_eq!(answer.problem(), (409, "stale_revision".to_owned()));
    let reject = json!({"user": "boss", "verdict": "reject"});
    let answer = site.post(&path, &token, &reject).await;
    assert_eq!(answer.json()["field"], "comment", "a no wants a word");

    let approve = json!({"user": "boss", "verdict": "approve", "comment": "Fine", "revision": 1});
    let answer = site.post(&path, &token, &approve).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let decided = answer.json();
    assert_eq!(decided["state"], "approved");
    assert_eq!(decided["events"][1]["comment"], "Fine");
    assert_eq!(
        site.post(&path, &token, &approve).await.status,
        200,
        "again"
    );

    let reject = json!({"user": "boss", "verdict": "reject", "comment": "No"});
    let answer = site.post(&path, &token, &reject).await;
    assert_eq!(answer.problem(), (409, "already_decided".to_owned()));
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert!(
        detail.starts_with("User boss approved it at 20"),
        "{detail}"
    );
}

#[tokio::test]
async fn the_rules_of_the_screen_hold() {
    let site = Site::open().await;
    let token = site.service("acme");
    let body = json!({"kind": "leave", "subject": "A week", "requester": "u1"});
    let made = site.post(PATH, &token, &body).await;
    let path = made.header("location").to_owned();
    let decide = |user: &str| json!({"user": user, "verdict": "approve"});
    let decision = format!("{path}/decision");
    let answer = site.post(&decision, &token, &decide("u1")).await;
    assert_eq!(answer.problem(), (403, "forbidden".to_owned()), "their own");
    let answer = site.post(&decision, &token, &decide("u2")).await;
    assert_eq!(
        answer.problem(),
        (404, "not_found".to_owned()),
        "no part in it"
    );
    let answer = site.post(&decision, &token, &decide("ghost")).await;
    assert_eq!(answer.problem(), (422, "unknown_user".to_owned()));

    for (user, status) in [("u1", 200), ("boss", 200), ("u2", 404)] {
        let answer = site.get(&path, &site.user("acme", user)).await;
        assert_eq!(answer.status, status, "{user}");
    }
    let answer = site.get(&path, &site.user("evil", "u1")).await;
    assert_eq!(answer.problem(), (404, "not_found".to_owned()));
    let answer = site.get(&format!("{PATH}/nonsense"), &token).await;
    assert_eq!(answer.problem(), (404, "not_found".to_owned()));
    let orphan = json!({"kind": "leave", "subject": "A week", "requester": "boss"});
    let answer = site.post(PATH, &token, &orphan).await;
    assert_eq!(answer.json()["field"], "approvers", "nobody to ask");
}
