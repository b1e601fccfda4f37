//! Tenants never see each other, equal ids in both included.

use serde_json::{Value, json};
use signalr::Hub as _;
use sqlx::{Connection as _, Executor as _};

use crate::auth::{Principal, Surface};
use crate::hub::Hub;
use crate::testing::client::Client;
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

/// Whoever knows the id of a connection and is called the same elsewhere is not who negotiated it.
#[tokio::test]
async fn a_connection_is_not_that_of_the_same_user_id_in_another_tenant() {
    let house = House::open().await;
    let (ours, theirs) = (house.user("a", "u1"), house.user("b", "u1"));
    let hub = house.url("/hubs/workflow");
    let negotiated = house
        .http
        .post(format!("{hub}/negotiate?negotiateVersion=1"));
    let negotiated = negotiated.bearer_auth(&ours).send().await.unwrap();
    let negotiated: Value = negotiated.json().await.unwrap();
    let id = negotiated["connectionToken"].as_str().unwrap();
    let line = format!("{hub}?id={id}");

    // Before anybody opened it, by each transport.
    let path = |token: &str| format!("/hubs/workflow?id={id}&access_token={token}");
    let socket = Client::socket(house.address, &path(&theirs)).await;
    assert_eq!(socket.err(), Some(403));
    for accept in ["text/event-stream", "*/*"] {
        let ask = house.http.get(&line).header("accept", accept);
        let answer = ask.bearer_auth(&theirs).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 403, "{accept}");
    }
    // And while it is open.
    let first = house.http.get(&line).bearer_auth(&ours).send().await;
    assert_eq!(first.unwrap().status().as_u16(), 200);
    let shake = "{\"protocol\":\"json\",\"version\":1}\u{1e}";
    for (token, status) in [(&theirs, 403), (&ours, 200)] {
        let say = house.http.post(&line).body(shake).bearer_auth(token);
        let answer = say.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status);
    }
    let poll = house.http.get(&line).bearer_auth(&theirs).send().await;
    assert_eq!(poll.unwrap().status().as_u16(), 403);
    let end = house.http.delete(&line).bearer_auth(&theirs).send().await;
    assert_eq!(end.unwrap().status().as_u16(), 403);
    let poll = house.http.get(&line).bearer_auth(&ours).send().await;
    let said = poll.unwrap().text().await.unwrap();
    assert!(said.contains("{}\u{1e}"), "the handshake: {said}");
}

#[tokio::test]
async fn an_identity_is_a_user_of_a_tenant() {
    let house = House::open().await;
    let who = async |tenant: &str, user: &str| {
        let token = house.user(tenant, user);
        let proof = house.product.auth.authenticate(&token, Surface::Hub);
        proof.await.unwrap()
    };
    let ours = who("a", "u1").await;
    assert!(Hub::same_identity(&ours, &who("a", "u1").await));
    assert!(!Hub::same_identity(&ours, &who("a", "u2").await));
    let theirs = who("b", "u1").await;
    assert!(!Hub::same_identity(&ours, &theirs));
    // Inner ids differ too, which is not all that is relied on.
    let elsewhere = Principal {
        tenant: theirs.tenant,
        ..ours.clone()
    };
    assert!(!Hub::same_identity(&ours, &elsewhere));
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
