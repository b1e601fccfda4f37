//! What one client may take up, and how all leave.

use serde_json::json;

use crate::testing::client::Client;
use crate::testing::house::House;

#[tokio::test]
async fn a_drain_answers_what_runs_and_sends_all_elsewhere() {
    let house = House::open().await;
    let id = house.publish("a", "one").await;
    let mut phones = Vec::new();
    for number in 0..20 {
        let mut phone = house.connect(&format!("device=phone{number}")).await;
        phone.item().await;
        phones.push(phone);
    }
    let calls = phones.iter_mut().map(|phone| async {
        let call = phone.begin("AcknowledgeNotification", json!([id])).await;
        (phone.end(&call).await, phone.closed().await)
    });
    let ends = async { futures_util::future::join_all(calls).await };
    let (ends, ()) = tokio::join!(ends, async {
        tokio::task::yield_now().await;
        house.product.drain().await;
    });
    for (answer, closed) in ends {
        assert!(answer.is_ok(), "{answer:?}");
        assert_eq!(closed, (None, true), "it shall come back, elsewhere");
    }
    let path = format!(
        "/hubs/workflow?access_token={}&device=late",
        house.user("a", "u1")
    );
    assert_eq!(Client::socket(house.address, &path).await.err(), Some(503));
    // Everything else still works, until the process ends.
    house.publish("a", "two").await;
}

#[tokio::test]
async fn a_users_connections_are_bounded_and_another_tenants_user_of_that_name_is_another() {
    let house = House::open().await;
    let most = house.product.parts.config.hub.user_connections;
    let path = |tenant| format!("/hubs/workflow?access_token={}", house.user(tenant, "u1"));
    let mut sockets = Vec::new();
    for _ in 0..most {
        sockets.push(Client::socket(house.address, &path("a")).await.unwrap());
    }
    let over = Client::socket(house.address, &path("a")).await;
    assert_eq!(over.err(), Some(429));
    Client::socket(house.address, &path("b")).await.unwrap();
    let metrics = house.http.get(house.url("/metrics")).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    let line = "bellhop_limits_met_total{limit=\"connections_per_user\"} 1";
    assert!(metrics.contains(line), "{metrics}");
}
