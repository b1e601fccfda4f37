//! The hub's path is a setting, and there may be several.

use axum::body::Body;
use http::Request;

use super::site::Site;

async fn negotiated(site: &Site, path: &str) -> u16 {
    let token = site.user("acme", "u1");
    let request = Request::post(format!("{path}/negotiate?negotiateVersion=1"))
        .header("authorization", format!("Bearer {token}"));
    let request = request.body(Body::empty()).unwrap();
    site.send(request).await.status.as_u16()
}

#[tokio::test]
async fn the_hub_stands_where_the_settings_say_in_any_letters() {
    let site = Site::open().await;
    assert_eq!(negotiated(&site, "/hubs/workflow").await, 200);
    assert_eq!(negotiated(&site, "/Hubs/WorkFlow").await, 200);
    assert_eq!(negotiated(&site, "/workflowHub").await, 404);

    let site = Site::open_with(&["--hub-path=/workflowHub,/chat/hub,/workflowhub"]).await;
    assert_eq!(negotiated(&site, "/workflowHub").await, 200);
    assert_eq!(negotiated(&site, "/workflowhub").await, 200);
    assert_eq!(negotiated(&site, "/chat/hub").await, 200);
    assert_eq!(negotiated(&site, "/hubs/workflow").await, 404);
}
