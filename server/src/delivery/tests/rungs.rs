//! The ladder, as clients see it.

use app::model::inbox::InboxTab;
use serde_json::json;

use crate::testing::eventually;
use crate::testing::house::House;
use crate::testing::stream::Events;
use crate::workplace::inbox;

/// A class whose rungs come one after the other within seconds.
async fn hasty(house: &House, ladder: &str) {
    sqlx::query(
        "INSERT INTO bellhop.class SELECT id, 'hasty', $1, now() FROM bellhop.tenant WHERE key = 'a'",
    )
    .bind(format!(r#"{{"life":3600,"ladder":{ladder}}}"#))
    .execute(&house.pool)
    .await
    .unwrap();
    house.product.workplace.classes.reload().await.unwrap();
}

async fn publish(house: &House) -> String {
    let body = json!({"kind": "NewTask", "title": "t", "class": "hasty",
                      "audience": {"users": ["u1"]}});
    let (status, answer) = house.post("a", &body).await;
    assert_eq!(status, 202, "{answer}");
    answer["id"].as_str().unwrap().to_owned()
}

/// The rung the debt has come to.
async fn at_rung(house: &House, rung: i16) {
    eventually(async || {
        let found: Option<i16> = sqlx::query_scalar("SELECT rung FROM bellhop.debt")
            .fetch_optional(&house.pool)
            .await
            .unwrap();
        found >= Some(rung)
    })
    .await;
}

/// "Again" means other and new connections: one that has it is only asked whether it lives.
#[tokio::test]
async fn rung_never_repeats_on_same_connection() {
    let house = House::open().await;
    hasty(
        &house,
        r#"[{"after":1,"do":"again"},{"after":2,"do":"again"}]"#,
    )
    .await;
    let mut phone = house.connect("device=phone").await;
    phone.call("AcknowledgeMany", json!([[]])).await.unwrap();
    publish(&house).await;
    assert_eq!(phone.titles(1).await, ["t"]);
    at_rung(&house, 2).await;
    phone.expect_nothing().await;
    // A new one gets it, once, whatever rung it comes to.
    let mut laptop = house.connect("device=laptop").await;
    assert_eq!(laptop.titles(1).await, ["t"]);
    laptop.expect_nothing().await;
}

/// The process was killed between the commit and the dispatch: the connection that was open had to wait for its
/// next reconnect. Now the first rung brings it.
#[tokio::test]
async fn what_was_committed_and_never_dispatched_comes_with_the_first_rung() {
    let house = House::open().await;
    hasty(&house, r#"[{"after":1,"do":"again"}]"#).await;
    let mut phone = house.connect("device=phone").await;
    phone.call("AcknowledgeMany", json!([[]])).await.unwrap();
    // As the committer leaves it when it is killed there.
    let user = house.id_of("a", "u1").await;
    sqlx::query(
        "WITH note AS (
             INSERT INTO bellhop.notification (id, at, tenant_id, service_id, kind, title, body, data,
                    severity, audience, recipients, expires_at, class)
             SELECT i.id, bellhop.instant_of(i.id), s.tenant_id, s.id, 'NewTask', 'undispatched', '', '{}',
                    'info', '', 1, now() + interval '1 hour', 'hasty'
               FROM (SELECT bellhop.uuid_v7() AS id) i, bellhop.service s
               JOIN bellhop.tenant t ON t.id = s.tenant_id AND t.key = 'a'
             RETURNING id, tenant_id),
         number AS (UPDATE bellhop.user_stream SET last_seq = last_seq + 1 WHERE user_id = $1
                    RETURNING last_seq)
         INSERT INTO bellhop.delivery (user_id, seq, at, tenant_id, notification_id, expires_at)
         SELECT $1, last_seq, now(), tenant_id, id, now() + interval '1 hour' FROM note, number",
    )
    .bind(user)
    .execute(&house.pool)
    .await
    .unwrap();
    assert_eq!(phone.titles(1).await, ["undispatched"]);
    assert_eq!(
        phone.call("AcknowledgeThrough", json!([1])).await,
        Ok(json!(1))
    );
    house.settled(2, 1).await;
}

/// Who is asked in somebody's place is told in whose, on every way.
#[tokio::test]
async fn a_stand_in_is_told_for_whom() {
    let house = House::open().await;
    sqlx::query("UPDATE bellhop.user_account SET deputy_id = $1 WHERE id = $2")
        .bind(house.id_of("a", "u2").await)
        .bind(house.id_of("a", "u1").await)
        .execute(&house.pool)
        .await
        .unwrap();
    hasty(&house, r#"[{"after":4,"do":"deputy"}]"#).await;
    let mut hub = house.connect_as("a", "u2", "device=desk").await;
    let token = house.user("a", "u2");
    let mut stream = Events::open(house.address, &token, "device=script", "").await;
    let id = publish(&house).await;
    let item = hub.item().await;
    assert_eq!(
        (&item["notificationId"], &item["onBehalfOf"]),
        (&json!(id), &json!("u1"))
    );
    assert_eq!(stream.item().await.data["onBehalfOf"], "u1");
    let (tenant, user) = (house.tenant("a").await, house.id_of("a", "u2").await);
    let now = house.product.parts.clock.now();
    let page = inbox::page(&house.pool, tenant, user, InboxTab::All, None, now).await;
    let items = page.unwrap().items;
    assert_eq!(items[0].on_behalf_of.as_deref(), Some("User u1"));
    let owner = house.id_of("a", "u1").await;
    let page = inbox::page(&house.pool, tenant, owner, InboxTab::All, None, now).await;
    assert_eq!(page.unwrap().items[0].on_behalf_of, None);
}
