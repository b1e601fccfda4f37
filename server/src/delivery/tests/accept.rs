//! What may be said when publishing, and what becomes of what is wrong.

use serde_json::{Value, json};

use crate::testing::house::House;

async fn batch(house: &House, items: &[Value]) -> (u16, Value) {
    let answer = house
        .http
        .post(house.url("/api/v1/notifications/batch"))
        .bearer_auth(house.service("a"))
        .json(&json!({ "notifications": items }))
        .send()
        .await
        .unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

fn item(title: &str) -> Value {
    json!({"kind": "NewTask", "title": title, "audience": {"users": ["u1"]}})
}

/// An item of 257 KiB, an unknown user and a broken kind among a thousand: each has its own error, the rest
/// arrive, in order.
#[tokio::test]
async fn a_bad_item_spares_its_neighbours() {
    let house = House::open().await;
    let mut phone = house.connect("device=phone").await;
    let mut items: Vec<Value> = (0..1_000)
        .map(|number| item(&format!("n{number}")))
        .collect();
    items[3]["data"] = json!({"long": "x".repeat(257 * 1024)});
    items[4]["audience"] = json!({"users": ["ghost"]});
    items[5]["kind"] = json!("9");
    items[6]["unknown_field"] = json!(1);
    let (status, answer) = batch(&house, &items).await;
    assert_eq!(
        (status, &answer["accepted"], &answer["refused"]),
        (200, &json!(996), &json!(4))
    );
    let results = answer["results"].as_array().unwrap();
    let told: Vec<(u64, &str)> = (2..8)
        .map(|at| {
            let result = &results[at];
            let code = result["problem"]["code"].as_str().unwrap_or("");
            (result["status"].as_u64().unwrap(), code)
        })
        .collect();
    assert_eq!(
        told,
        [
            (202, ""),
            (413, "body_too_large"),
            (422, "unknown_recipient"),
            (422, "invalid"),
            (422, "unknown_field"),
            (202, ""),
        ]
    );
    let expected: Vec<String> = (0..1_000)
        .filter(|number| !(3..7).contains(number))
        .map(|number| format!("n{number}"))
        .collect();
    assert_eq!(phone.titles(996).await, expected);
    for (items, field) in [
        (vec![], "notifications"),
        (vec![item("t"); 1_001], "notifications"),
    ] {
        let (status, answer) = batch(&house, &items).await;
        assert_eq!((status, answer["field"].as_str()), (422, Some(field)));
    }
}

#[tokio::test]
async fn roles_and_exceptions_choose_the_audience() {
    let house = House::open().await;
    sqlx::query("UPDATE bellhop.user_account SET roles = '{employee,hr}' WHERE key = 'u2'")
        .execute(&house.pool)
        .await
        .unwrap();
    for (audience, expected) in [
        (json!({"roles": ["hr"]}), vec![("u2", Some("role:hr"))]),
        (
            json!({"roles": ["hr", "employee"], "users": ["u1"]}),
            vec![("u1", None), ("u2", Some("role:employee"))],
        ),
        (
            json!({"service": true, "except": {"departments": ["dept"]}}),
            vec![("u2", Some("service"))],
        ),
        (
            json!({"service": true, "groups": ["club"], "except": {"users": ["u2"]}}),
            vec![("u1", Some("group:club"))],
        ),
        (
            json!({"service": true, "except": {"groups": ["club"], "users": ["u2"]}}),
            vec![],
        ),
    ] {
        let body = json!({"kind": "NewTask", "title": "t", "audience": audience});
        let (status, answer) = house.post("a", &body).await;
        assert_eq!(
            (status, &answer["recipients"]),
            (202, &json!(expected.len())),
            "{audience}"
        );
        let got: Vec<(String, Option<String>)> = sqlx::query_as(
            "SELECT u.key, d.via FROM bellhop.delivery d JOIN bellhop.user_account u ON u.id = d.user_id
              WHERE d.notification_id = $1::text::uuid ORDER BY u.key",
        )
        .bind(answer["id"].as_str())
        .fetch_all(&house.pool)
        .await
        .unwrap();
        let got: Vec<(&str, Option<&str>)> = got
            .iter()
            .map(|(key, via)| (&**key, via.as_deref()))
            .collect();
        assert_eq!(got, expected, "{audience}");
    }
    let body = json!({"kind": "NewTask", "title": "t", "audience": {"service": true, "except": {"users": ["ghost"]}}});
    assert_eq!(house.post("a", &body).await.0, 422);
}

#[tokio::test]
async fn sql_says_as_much_as_http() {
    let house = House::open().await;
    sqlx::query(
        "INSERT INTO bellhop.role_grant
         SELECT current_user, s.tenant_id, s.id FROM bellhop.service s
           JOIN bellhop.tenant t ON t.id = s.tenant_id WHERE t.key = 'a' ON CONFLICT DO NOTHING",
    )
    .execute(&house.pool)
    .await
    .unwrap();
    let mut phone = house.connect("device=phone").await;
    let id: uuid::Uuid = sqlx::query_scalar(
        "SELECT bellhop.publish('NewTask', 't', roles => '{employee}', class => 'urgent',
                                collapse_key => 'k', deliver_at => now() + interval '50 ms')",
    )
    .fetch_one(&house.pool)
    .await
    .unwrap();
    assert_eq!(phone.item().await["notificationId"], json!(id));
    let class: String = sqlx::query_scalar("SELECT class FROM bellhop.notification WHERE id = $1")
        .bind(id)
        .fetch_one(&house.pool)
        .await
        .unwrap();
    assert_eq!(class, "urgent");
}
