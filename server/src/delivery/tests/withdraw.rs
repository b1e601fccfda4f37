//! Taking back: cancelled, superseded, collapsed, decided elsewhere.

use serde_json::{Value, json};

use crate::testing::house::House;

async fn delete(house: &House, path: &str) -> (u16, Value) {
    let answer = house
        .http
        .delete(house.url(&format!("/api/v1/notifications{path}")))
        .bearer_auth(house.service("a"))
        .send()
        .await
        .unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn published(house: &House, body: Value) -> String {
    let mut whole = json!({"kind": "NewTask", "title": "t", "audience": {"users": ["u1"]}});
    for (name, value) in body.as_object().unwrap() {
        whole[name] = value.clone();
    }
    let (status, answer) = house.post("a", &whole).await;
    assert_eq!(status, 202, "{answer}");
    answer["id"].as_str().unwrap().to_owned()
}

fn withdrawn(item: &Value) -> Vec<&str> {
    assert_eq!(item["target"], "NotificationWithdrawn", "{item}");
    let ids = item["ids"].as_array().unwrap();
    ids.iter().map(|id| id.as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_cancelled_one_disappears_from_every_screen() {
    let house = House::open().await;
    let mut phone = house.connect("device=phone").await;
    let id = house.publish("a", "t").await;
    phone.item().await;
    let (status, answer) = delete(&house, &format!("/{id}")).await;
    assert_eq!((status, &answer["cancelled"]), (200, &json!([id])));
    let item = phone.item().await;
    assert_eq!(
        (withdrawn(&item), &item["reason"]),
        (vec![&*id], &json!("cancelled"))
    );
    assert_eq!(
        house.read("a", &id).await["deliveries"][0]["state"],
        "cancelled"
    );
    let again = delete(&house, &format!("/{id}")).await;
    assert_eq!(again, (200, json!({"cancelled": []})), "twice is once");
    phone.expect_nothing().await;
    assert_eq!(
        delete(&house, &format!("/{}", uuid::Uuid::nil())).await.0,
        404
    );
}

/// The card was shown, then the phone went into a tunnel: what was taken back meanwhile stayed on its screen.
/// Each device is told, once, whether it acknowledges or not.
#[tokio::test]
async fn superseded_while_offline_removes_card() {
    let house = House::open().await;
    for (device, acks) in [("explicit", true), ("never", false)] {
        let mut phone = house.connect(&format!("device={device}")).await;
        if acks {
            phone.call("AcknowledgeMany", json!([[]])).await.unwrap();
        }
    }
    let mut phone = house.connect("device=explicit").await;
    let mut other = house.connect("device=never").await;
    let old = house.publish("a", "old").await;
    assert_eq!(phone.titles(1).await, ["old"]);
    assert_eq!(other.titles(1).await, ["old"]);
    drop((phone, other));
    let new = published(&house, json!({"title": "new", "supersedes": old})).await;
    for device in ["explicit", "never"] {
        let mut back = house.connect(&format!("device={device}")).await;
        // The second to come back need not have what the first one acknowledged.
        if device == "explicit" {
            assert_eq!(back.item().await["notificationId"], json!(new));
        }
        let second = back.item().await;
        assert_eq!(withdrawn(&second), [&*old], "{device}");
        assert_eq!(second["reason"], "superseded");
        back.expect_nothing().await;
        if device == "explicit" {
            back.call("AcknowledgeNotification", json!([new]))
                .await
                .unwrap();
        }
        // The transport's word that it was read, and then nothing more on this device.
        let seq = second["seq"].as_i64().unwrap();
        let had = "SELECT CASE WHEN ack_mode = 0 THEN reached_through >= $1
                               ELSE acked @> $1 OR through >= $1 END
                     FROM bellhop.device WHERE key = $2";
        crate::testing::eventually(|| async {
            sqlx::query_scalar(had)
                .bind(seq)
                .bind(device)
                .fetch_one(&house.pool)
                .await
                .unwrap()
        })
        .await;
        drop(back);
        house
            .connect(&format!("device={device}"))
            .await
            .expect_nothing()
            .await;
    }
}

#[tokio::test]
async fn the_newest_of_a_collapse_key_takes_the_place_of_the_others_of_its_user() {
    let house = House::open().await;
    let mut phone = house.connect("device=phone").await;
    phone.call("AcknowledgeMany", json!([[]])).await.unwrap(); // replay has begun
    let first = published(
        &house,
        json!({"title": "1 unread", "collapse_key": "unread"}),
    )
    .await;
    let others =
        json!({"title": "for u2", "collapse_key": "unread", "audience": {"users": ["u2"]}});
    let theirs = published(&house, others).await;
    published(
        &house,
        json!({"title": "2 unread", "collapse_key": "unread"}),
    )
    .await;
    assert_eq!(phone.titles(2).await, ["1 unread", "2 unread"]);
    assert_eq!(withdrawn(&phone.item().await), [&*first]);
    phone.expect_nothing().await;
    assert_eq!(
        house.read("a", &theirs).await["deliveries"][0]["state"],
        "queued"
    );
}

#[tokio::test]
async fn a_thread_is_taken_back_by_its_name() {
    let house = House::open().await;
    let mut ids = Vec::new();
    for kind in ["NewTask", "Reminder"] {
        ids.push(published(&house, json!({"kind": kind, "thread_key": "order/7"})).await);
    }
    let other = published(&house, json!({"thread_key": "order/8"})).await;
    let (_, answer) = delete(&house, "?thread_key=order/7&kind=Reminder").await;
    assert_eq!(answer["cancelled"], json!([ids[1]]));
    let (_, answer) = delete(&house, "?thread_key=order/7").await;
    assert_eq!(answer["cancelled"], json!([ids[0]]));
    assert_eq!(
        house.read("a", &other).await["deliveries"][0]["state"],
        "queued"
    );
    let (status, answer) = delete(&house, "").await;
    assert_eq!((status, &answer["field"]), (422, &json!("thread_key")));
}

/// Only its own service may take a notification back.
#[tokio::test]
async fn nobody_takes_back_what_another_tenant_published() {
    let house = House::open().await;
    let id = house.publish("b", "theirs").await;
    assert_eq!(delete(&house, &format!("/{id}")).await.0, 404);
    published(&house, json!({"supersedes": id})).await;
    assert_eq!(
        house.read("b", &id).await["deliveries"][0]["state"],
        "queued"
    );
}

/// A withdrawal is no item of the inbox, and what was taken back counts there no more.
#[tokio::test]
async fn the_inbox_shows_what_was_taken_back_and_counts_it_no_more() {
    use app::model::inbox::InboxTab;
    let house = House::open().await;
    let user = house.id_of("a", "u1").await;
    let tenant: uuid::Uuid = sqlx::query_scalar("SELECT id FROM bellhop.tenant WHERE key = 'a'")
        .fetch_one(&house.pool)
        .await
        .unwrap();
    let id = house.publish("a", "t").await;
    house.publish("a", "stays").await;
    delete(&house, &format!("/{id}")).await;
    // The withdrawal is routed by another task.
    crate::testing::eventually(|| async {
        sqlx::query_scalar("SELECT count(*) = 3 FROM bellhop.delivery WHERE user_id = $1")
            .bind(user)
            .fetch_one(&house.pool)
            .await
            .unwrap()
    })
    .await;
    let now = house.product.parts.clock.now();
    let page = crate::workplace::inbox::page(&house.pool, tenant, user, InboxTab::All, None, now)
        .await
        .unwrap();
    let items: Vec<(&str, bool)> = page
        .items
        .iter()
        .map(|item| (item.title.as_str(), item.withdrawn))
        .collect();
    assert_eq!(items, [("stays", false), ("t", true)]);
    assert_eq!((page.counts.unread, page.counts.unseen), (1, 1));
}

/// Acks, cancels, supersedes and the sweep over the same rows, for a while, all at once.
#[tokio::test]
async fn ack_supersede_cancel_sweep_storm_without_deadlock() {
    let house = House::open().await;
    let mut phone = house.connect("device=phone").await;
    let acking = async {
        let mut acked = 0_i64;
        for _ in 0..60 {
            let seq = phone.item().await["seq"].as_i64().unwrap();
            acked = acked.max(seq);
            phone
                .call("AcknowledgeThrough", json!([acked]))
                .await
                .unwrap();
        }
    };
    let publishing = async {
        let mut last: Option<String> = None;
        for number in 0..60 {
            let mut body = json!({"title": format!("{number}"), "audience": {"users": ["u1", "u2"]},
                                  "collapse_key": format!("k{}", number % 7)});
            if let Some(last) = &last {
                body["supersedes"] = json!(last);
            }
            last = Some(published(&house, body).await);
            if number % 5 == 0 {
                delete(&house, &format!("/{}", last.as_ref().unwrap())).await;
            }
        }
    };
    let deadlocks = async || -> i64 {
        sqlx::query_scalar(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()",
        )
        .fetch_one(&house.pool)
        .await
        .unwrap()
    };
    tokio::join!(acking, publishing);
    assert_eq!(deadlocks().await, 0);
}
