//! Bad input, and paths and methods that do not exist.

use axum::body::Body;
use http::Request;

use super::site::Site;

const PATH: &str = "/api/v1/notifications";

#[tokio::test]
async fn what_is_wrong_with_a_body_is_named_by_place() {
    let site = Site::open().await;
    let token = site.service("acme");
    let long = format!(r#"{{"kind":"K","title":"{}"}}"#, "x".repeat(256 * 1024));
    let answer = site.post_text(PATH, &token, long).await;
    assert_eq!(answer.problem(), (413, "body_too_large".to_owned()));

    let answer = site
        .post_text(PATH, &token, "{\n  \"kind\": nonsense}")
        .await;
    assert_eq!(answer.problem(), (400, "malformed_json".to_owned()));
    assert!(answer.text.contains("line 2, column 12"), "{}", answer.text);

    let nul = r#"{"kind":"K","title":"a\u0000b","audience":{"users":["u1"]}}"#;
    let answer = site.post_text(PATH, &token, nul).await;
    assert_eq!(answer.problem(), (422, "nul_in_text".to_owned()));
    assert_eq!(answer.json()["field"], "title");

    let typo = r#"{"kind":"K","title":"t","audience":{"user":["u1"]}}"#;
    let answer = site.post_text(PATH, &token, typo).await;
    assert_eq!(answer.problem(), (422, "unknown_field".to_owned()));
    assert_eq!(answer.json()["field"], "audience.user");

    let untyped = Request::post(PATH).header("authorization", format!("Bearer {token}"));
    let answer = site.send(untyped.body(Body::from("{}")).unwrap()).await;
    assert_eq!(answer.problem(), (415, "unsupported_media_type".to_owned()));
}

#[tokio::test]
async fn paths_and_methods_that_do_not_exist_are_problems_too() {
    let site = Site::open().await;
    let token = site.service("acme");
    for path in ["/api/v1/nothing", "/api/v2/notifications", "/api/v1/"] {
        let answer = site.get(path, &token).await;
        assert_eq!(answer.problem(), (404, "no_such_path".to_owned()), "{path}");
    }
    let put = Request::put(PATH).header("authorization", format!("Bearer {token}"));
    let answer = site.send(put.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.problem(), (405, "method_not_allowed".to_owned()));
    assert_eq!(answer.header("allow"), "POST,DELETE");
    let post = Request::post("/api/v1/docs").body(Body::empty()).unwrap();
    let answer = site.send(post).await;
    assert_eq!(answer.problem(), (405, "method_not_allowed".to_owned()));
}

#[tokio::test]
async fn every_refused_proof_has_a_code_of_its_own() {
    let site = Site::open().await;
    let hub = "/hubs/workflow/negotiate?negotiateVersion=1";
    for path in [PATH, hub] {
        let bare = Request::post(path).body(Body::empty()).unwrap();
        let answer = site.send(bare).await;
        assert_eq!(answer.problem(), (401, "missing_token".to_owned()));
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        let answer = site.post_text(path, &site.expired(), "{}").await;
        assert_eq!(answer.problem(), (401, "expired_token".to_owned()));
        let answer = site.post_text(path, "bh_000000000000_nothing", "{}").await;
        assert_eq!(answer.problem(), (401, "malformed_token".to_owned()));
    }
}
