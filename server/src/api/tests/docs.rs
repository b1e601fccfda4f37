//! The API's description and its page.

use std::collections::BTreeSet;

use super::site::Site;

#[test]
fn the_description_changes_only_on_purpose() {
    let (_, document) = crate::api::operations();
    let document = crate::api::docs::complete(&document);
    insta::assert_json_snapshot!("openapi", document, { ".info.version" => "[version]" });
}

#[tokio::test]
async fn the_page_is_whole_and_stands_alone() {
    let site = Site::open().await;
    let document = site.get("/api/v1/openapi.json", "").await.json();
    assert_eq!(
        document["components"]["securitySchemes"]["bearer"]["scheme"],
        "bearer"
    );
    let page = site.get("/api/v1/docs", "").await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(
        page.header("content-security-policy")
            .starts_with("default-src 'none'; style-src 'self'")
    );
    let html = &page.text;
    for (path, item) in document["paths"].as_object().unwrap() {
        assert!(html.contains(path.as_str()), "{path}");
        for operation in item.as_object().unwrap().values() {
            let summary = operation["summary"].as_str().unwrap();
            assert!(html.contains(summary), "{summary}");
        }
    }
    for word in ["<script", "style=", "src=", "href=\"http", "@import"] {
        assert!(!html.contains(word), "{word}");
    }
    let after = |mark: &str| -> BTreeSet<String> {
        let parts = html.split(mark).skip(1);
        parts
            .map(|part| part.split('"').next().unwrap().to_owned())
            .collect()
    };
    let (ids, links) = (after(" id=\""), after("href=\"#"));
    assert!(links.len() > 10);
    let dead: Vec<_> = links.difference(&ids).collect();
    assert!(dead.is_empty(), "{dead:?}");
    let css = site.get("/api/v1/docs.css", "").await;
    assert_eq!(css.header("content-type"), "text/css; charset=utf-8");
}
