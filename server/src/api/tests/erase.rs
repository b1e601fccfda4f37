//! Erasing a user over the API.

use serde_json::json;

use super::site::Site;
use crate::testing::eventually;

const ERASE: &str = "/api/v1/users/u1/erase";

#[tokio::test]
async fn what_was_hers_goes_and_what_happened_stays() {
    let site = Site::open().await;
    let token = site.service("acme");
    assert_eq!(site.get(ERASE, &token).await.problem().0, 404);
    let nobody = site
        .post("/api/v1/users/nobody/erase", &token, &json!({}))
        .await;
    assert_eq!(nobody.problem().0, 404);
    let later = site.product.parts.clock.now() + jiff::SignedDuration::from_hours(1);
    for (title, more) in [
        ("alone", json!({"audience": {"users": ["u1"]}})),
        ("both", json!({"audience": {"users": ["u1", "u2"]}})),
        (
            "later",
            json!({"audience": {"users": ["u1"]}, "deliver_at": later}),
        ),
        (
            "later for both",
            json!({"audience": {"users": ["u1", "u2"]}, "deliver_at": later}),
        ),
    ] {
        let mut body = json!({"kind": "NewTask", "title": title, "body": "u1 is ill", "class": "decision",
                              "thread_key": "u1-ill"});
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        let answer = site.post("/api/v1/notifications", &token, &body).await;
        assert_eq!(answer.status, 202, "{answer:?}");
    }

    let asked = site.post(ERASE, &token, &json!({})).await;
    assert!(matches!(asked.status.as_u16(), 200 | 202), "{asked:?}");
    assert_eq!(asked.json()["found"], 2);
    eventually(async || site.get(ERASE, &token).await.status == 200).await;
    let again = site.post(ERASE, &token, &json!({})).await;
    assert_eq!(again.status, 200, "it is done: {again:?}");
    let answer = again.json();
    assert_eq!(
        (
            &answer["state"],
            &answer["deliveries"],
            &answer["ended"],
            &answer["contents"]
        ),
        (&json!("erased"), &json!(2), &json!(2), &json!(1))
    );
    let stored: Vec<(String, String, Option<String>, Option<String>)> = sqlx::query_as(
        "SELECT title, body, thread_key, cancelled_by FROM bellhop.notification ORDER BY title",
    )
    .fetch_all(&site.pool)
    .await
    .unwrap();
    let ill = |title: &str| {
        (
            title.to_owned(),
            "u1 is ill".to_owned(),
            Some("u1-ill".to_owned()),
            None,
        )
    };
    let gone = |by: Option<&str>| {
        (
            "Erased".to_owned(),
            String::new(),
            None,
            by.map(str::to_owned),
        )
    };
    let mut expected = vec![
        ill("both"),
        gone(None),
        gone(Some("user_removed")),
        ill("later for both"),
    ];
    let mut stored = stored;
    stored.sort();
    expected.sort();
    assert_eq!(stored, expected);
    let person: (String, bool, Option<String>, i64) = sqlx::query_as(
        "SELECT u.name, u.active, u.login,
                (SELECT count(*) FROM bellhop.user_department d WHERE d.user_id = u.id)
              + (SELECT count(*) FROM bellhop.service_member d WHERE d.user_id = u.id)
              + (SELECT count(*) FROM bellhop.device_user d WHERE d.user_id = u.id)
           FROM bellhop.user_account u JOIN bellhop.tenant t ON t.id = u.tenant_id
          WHERE t.key = 'acme' AND u.key = 'u1'",
    )
    .fetch_one(&site.pool)
    .await
    .unwrap();
    assert_eq!(person, ("Erased user".to_owned(), false, None, 0));
    // The other tenant's user of that name is another.
    let other: bool = sqlx::query_scalar(
        "SELECT u.active FROM bellhop.user_account u JOIN bellhop.tenant t ON t.id = u.tenant_id
          WHERE t.key = 'evil' AND u.key = 'u1'",
    )
    .fetch_one(&site.pool)
    .await
    .unwrap();
    assert!(other);
    assert_eq!(
        site.get(ERASE, &site.service("evil")).await.problem().0,
        404
    );

    // Somebody new of that id begins with nothing.
    let anew = site
        .put("/api/v1/users/u1", &token, &json!({"name": "New"}))
        .await;
    assert_eq!(anew.json()["result"], "changed");
    assert_eq!(site.get(ERASE, &token).await.problem().0, 404);
}

#[tokio::test]
async fn nobody_takes_an_erasure_back() {
    let site = Site::open().await;
    let token = site.service("acme");
    sqlx::query(
        "WITH gone AS (UPDATE bellhop.user_account u SET active = false FROM bellhop.tenant t
                        WHERE t.id = u.tenant_id AND t.key = 'acme' AND u.key = 'u1'
                    RETURNING u.id, u.tenant_id)
         INSERT INTO bellhop.removal (user_id, tenant_id, erase, asked_at, next_at)
         SELECT id, tenant_id, true, now(), now() + interval '1 hour' FROM gone",
    )
    .execute(&site.pool)
    .await
    .unwrap();
    let back = site
        .put("/api/v1/users/u1", &token, &json!({"name": "Back"}))
        .await;
    assert_eq!(back.problem(), (409, "erasing".to_owned()));
    let many = json!({"items": [{"id": "u2", "name": "Two"}, {"id": "u1", "name": "Back"}]});
    let back = site.put("/api/v1/users", &token, &many).await;
    assert_eq!(back.problem().0, 409);
    assert_eq!(back.json()["field"], "items[1].id");
    assert_eq!(site.get(ERASE, &token).await.status, 202);
}
