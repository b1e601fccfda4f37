//! Tenants never see each other, equal ids in both included.

use serde_json::json;
use sqlx::{Connection as _, Executor as _};

use crate::testing::house::House;

#[tokio::test]
async fn same_user_id_in_two_tenants_on_every_group() {
    let house = House::open().await;
    let mut ours = house.connect_as("a", "u1", "device=d").await;
    let mut theirs = house.connect_as("b", "u1", "device=d").await;
    for audience in [
        json!({"users": ["u1"]}),
        json!({"departments": ["dept"]}),
        json!({"groups": ["club"]}),
        json!({"service": true}),
    ] {
        let body = json!({"kind": "NewTask", "title": "for a", "audience": audience});
        assert_eq!(house.post("a", &body).await.0, 202);
        assert_eq!(ours.titles(1).await, ["for a"]);
        theirs.expect_nothing().await;
    }
    theirs
        .call("JoinGroup", json!(["approvals"]))
        .await
        .unwrap();
    theirs.call("JoinGroup", json!(["inbox"])).await.unwrap();
    house.publish("b", "for b").await;
    assert_eq!(theirs.titles(1).await, ["for b"]);
    ours.expect_nothing().await;
}

#[tokio::test]
async fn another_tenants_item_can_be_neither_acked_nor_marked_nor_read() {
    let house = House::open().await;
    let id = house.publish("a", "for a").await;
    let mut theirs = house.connect_as("b", "u1", "device=d").await;
    assert_eq!(
        theirs.call("AcknowledgeNotification", json!([id])).await,
        Ok(json!(0))
    );
    assert_eq!(
        theirs.call("AcknowledgeThrough", json!([1])).await,
        Ok(json!(0))
    );
    theirs.call("Archive", json!([[id]])).await.unwrap();
    let read = house.read("a", &id).await;
    assert_eq!(read["deliveries"][0]["state"], "queued");
    assert_eq!(read["deliveries"][0]["read_at"], json!(null));
    assert_eq!(house.read("b", &id).await["code"], "not_found");
    assert_eq!(
        house.read("a", &uuid::Uuid::nil().to_string()).await["code"],
        "not_found"
    );
}

#[tokio::test]
async fn a_database_role_of_one_tenant_names_nobody_of_another() {
    let house = House::open().await;
    sqlx::raw_sql(
        "INSERT INTO bellhop.user_account (id, tenant_id, key, name, created_at, updated_at)
         SELECT bellhop.uuid_v7(), id, 'only-in-b', 'B', now(), now() FROM bellhop.tenant WHERE key = 'b';
         INSERT INTO bellhop.role_grant SELECT current_user, s.tenant_id, s.id FROM bellhop.service s
           JOIN bellhop.tenant t ON t.id = s.tenant_id WHERE t.key = 'a'",
    )
    .execute(&house.pool)
    .await
    .unwrap();
    let mut program = sqlx::PgConnection::connect_with(&house.pool.connect_options())
        .await
        .unwrap();
    let refused = program
        .execute("SELECT bellhop.publish('NewTask', 't', users => '{only-in-b}')")
        .await
        .unwrap_err();
    assert!(
        refused.to_string().contains("unknown user \"only-in-b\""),
        "{refused}"
    );
}

#[tokio::test]
async fn screens_topics_need_their_role() {
    let house = House::open().await;
    let mut employee = house.connect_as("a", "u2", "").await;
    for topic in [
        "attendance",
        "admin:connections",
        "admin:queued",
        "approvals:x",
        "user:u1",
        "dept:dept",
    ] {
        let refused = employee
            .call("JoinGroup", json!([topic]))
            .await
            .unwrap_err();
        assert!(refused.contains("no group"), "{topic}: {refused}");
    }
    assert!(
        employee
            .call("JoinGroup", json!(["inbox", 0]))
            .await
            .is_ok()
    );
}
