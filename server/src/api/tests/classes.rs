//! Classes and kinds over the API.

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};

use super::site::{Answer, Site};

async fn send(site: &Site, method: &str, path: &str, token: &str, body: &Value) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(format!("/api/v1{path}"))
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json");
    site.send(request.body(Body::from(body.to_string())).unwrap())
        .await
}

async fn class_of(site: &Site, id: &Value) -> String {
    sqlx::query_scalar("SELECT class FROM bellhop.notification WHERE id = $1::uuid")
        .bind(id.as_str().unwrap())
        .fetch_one(&site.pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_class_counts_from_the_answer_on() {
    let site = Site::open().await;
    let token = site.service("acme");
    let class = json!({"life": 60, "ladder": [{"after": 5, "do": "give_up"}]});
    assert_eq!(
        send(&site, "PUT", "/classes/fire", &token, &class)
            .await
            .status,
        201
    );
    assert_eq!(
        send(&site, "PUT", "/classes/fire", &token, &class)
            .await
            .status,
        204
    );
    let kind = json!({"class": "fire"});
    assert_eq!(
        send(&site, "PUT", "/kinds/Fire", &token, &kind)
            .await
            .status,
        204
    );
    let default = json!({"class": "info"});
    assert_eq!(
        send(&site, "PUT", "/classes/default", &token, &default)
            .await
            .status,
        204
    );

    let publish = |tenant: &'static str, kind: &'static str| {
        let site = &site;
        async move {
            let body = json!({"kind": kind, "title": "t", "audience": {"users": ["u1"]}});
            let answer = site
                .post("/api/v1/notifications", &site.service(tenant), &body)
                .await;
            assert_eq!(answer.status, 202, "{answer:?}");
            class_of(site, &answer.json()["id"]).await
        }
    };
    assert_eq!(publish("acme", "Fire").await, "fire");
    assert_eq!(publish("acme", "Other").await, "info");
    assert_eq!(
        publish("evil", "Fire").await,
        "standard",
        "another tenant's"
    );

    let list = site.get("/api/v1/classes", &token).await.json();
    assert_eq!(list["default"], "info");
    assert_eq!(list["kinds"], json!([{"kind": "Fire", "class": "fire"}]));
    assert_eq!(list["unknown_kinds"], "kind");
    let fire = list["classes"].as_array().unwrap().last().unwrap();
    assert_eq!(fire["key"], "fire");
    assert_eq!(fire["own"], true);
    assert_eq!(fire["built_in"], false);
    assert_eq!(fire["kinds"], json!(["Fire"]));
    assert_eq!(fire["class"]["ladder"][0]["do"], "give_up");
    assert_eq!(list["classes"][0]["key"], "standard");
    let theirs = site.get("/api/v1/classes", &site.service("evil")).await;
    assert_eq!(theirs.json()["kinds"], json!([]));
}

#[tokio::test]
async fn what_is_in_use_stays_unless_a_built_in_one_is_behind_it() {
    let site = Site::open().await;
    let token = site.service("acme");
    let class = json!({"life": 60});
    for key in ["fire", "urgent"] {
        let path = format!("/classes/{key}");
        assert_eq!(send(&site, "PUT", &path, &token, &class).await.status, 201);
        let path = format!("/kinds/K{key}");
        let named = json!({"class": key});
        assert_eq!(send(&site, "PUT", &path, &token, &named).await.status, 204);
    }
    let answer = send(&site, "DELETE", "/classes/fire", &token, &json!({})).await;
    assert_eq!(answer.problem(), (409, "in_use".to_owned()));
    assert!(answer.text.contains("Kfire"), "{answer:?}");
    let answer = send(&site, "DELETE", "/classes/urgent", &token, &json!({})).await;
    assert_eq!(answer.status, 204, "the built-in one is back");
    let answer = send(&site, "DELETE", "/kinds/Kfire", &token, &json!({})).await;
    assert_eq!(answer.status, 204);

    let named = json!({"class": "fire"});
    send(&site, "PUT", "/classes/default", &token, &named).await;
    let answer = send(&site, "DELETE", "/classes/fire", &token, &json!({})).await;
    assert_eq!(answer.problem(), (409, "in_use".to_owned()));
    let named = json!({"class": "standard"});
    send(&site, "PUT", "/classes/default", &token, &named).await;
    for _ in 0..2 {
        let answer = send(&site, "DELETE", "/classes/fire", &token, &json!({})).await;
        assert_eq!(answer.status, 204);
    }
    let list = site.get("/api/v1/classes", &token).await.json();
    assert_eq!(list["classes"].as_array().unwrap().len(), 4);
}

/// A kind may be known without a class of its own; it then has the default one, and so has one that is forgotten.
#[tokio::test]
async fn a_kind_is_known_with_a_class_or_without() {
    let site = Site::open().await;
    let token = site.service("acme");
    let put = async |path: &str, body: Value| {
        let answer = send(&site, "PUT", path, &token, &body).await;
        assert_eq!(answer.status, 204, "{answer:?}");
    };
    let kinds = async || site.get("/api/v1/classes", &token).await.json()["kinds"].clone();
    let class = async || {
        let body = json!({"kind": "Fire", "title": "t", "audience": {"users": ["u1"]}});
        let answer = site.post("/api/v1/notifications", &token, &body).await;
        class_of(&site, &answer.json()["id"]).await
    };
    put("/classes/default", json!({"class": "info"})).await;
    put("/kinds/Fire", json!({})).await;
    assert_eq!(kinds().await, json!([{"kind": "Fire", "class": null}]));
    assert_eq!(class().await, "info");
    put("/kinds/Fire", json!({"class": "urgent"})).await;
    assert_eq!(kinds().await, json!([{"kind": "Fire", "class": "urgent"}]));
    assert_eq!(class().await, "urgent");
    put("/kinds/Fire", json!({"class": null})).await;
    assert_eq!(class().await, "info");
    for _ in 0..2 {
        let answer = send(&site, "DELETE", "/kinds/Fire", &token, &json!({})).await;
        assert_eq!(answer.status, 204);
    }
    assert_eq!(kinds().await, json!([]));
}

#[tokio::test]
async fn what_unknown_kinds_are_invoked_as_is_the_tenants_choice() {
    let site = Site::open().await;
    let token = site.service("acme");
    let path = "/api/v1/unknown-kinds";
    assert_eq!(
        site.get(path, &token).await.json(),
        json!({"invoke": "kind"})
    );
    let wanted = json!({"invoke": "notification"});
    for _ in 0..2 {
        let answer = send(&site, "PUT", "/unknown-kinds", &token, &wanted).await;
        assert_eq!(answer.status, 204);
    }
    assert_eq!(site.get(path, &token).await.json(), wanted);
    let list = site.get("/api/v1/classes", &token).await.json();
    assert_eq!(list["unknown_kinds"], "notification");

    for (body, field) in [
        (json!({"invoke": "both"}), "invoke"),
        (json!({"invoke": "Kind"}), "invoke"),
        (json!({"invoke": "kind", "kinds": []}), "kinds"),
    ] {
        let answer = send(&site, "PUT", "/unknown-kinds", &token, &body).await;
        assert_eq!(answer.problem().0, 422, "{body}");
        assert_eq!(answer.json()["field"], field, "{body}");
    }
    let answer = send(&site, "PUT", "/unknown-kinds", &token, &json!({})).await;
    assert_eq!(answer.problem().0, 422);
    assert!(answer.text.contains("invoke"), "{answer:?}");
    assert_eq!(site.get(path, &token).await.json(), wanted, "as it was");

    let evil = site.service("evil");
    assert_eq!(
        site.get(path, &evil).await.json(),
        json!({"invoke": "kind"})
    );
    for token in [
        site.scoped("acme", "app", &["publish", "read"]),
        site.user("acme", "u1"),
    ] {
        let answer = send(
            &site,
            "PUT",
            "/unknown-kinds",
            &token,
            &json!({"invoke": "kind"}),
        )
        .await;
        assert_eq!(answer.problem(), (403, "forbidden".to_owned()));
        assert_eq!(site.get(path, &token).await.status, 403);
    }
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let site = Site::open().await;
    let token = site.service("acme");
    let good = json!({"life": 60});
    let rungs =
        json!({"life": 60, "ladder": [{"after": 5, "do": "again"}, {"after": 5, "do": "push"}]});
    let word = json!({"life": 60, "ladder": [{"after": 5, "do": "shout"}]});
    for (path, body, field) in [
        ("/classes/Loud", &good, "key"),
        ("/classes/1", &good, "key"),
        ("/classes/loud", &rungs, "ladder[1].after"),
        ("/classes/loud", &word, "ladder[0].do"),
        ("/classes/loud", &json!({"life": 60, "speed": 3}), "speed"),
        ("/classes/default", &json!({"class": "nowhere"}), "class"),
        ("/kinds/Fire", &json!({"class": "nowhere"}), "class"),
        ("/kinds/Fire", &json!({"method": "fire"}), "method"),
        ("/kinds/1", &json!({"class": "info"}), "kind"),
    ] {
        let answer = send(&site, "PUT", path, &token, body).await;
        assert_eq!(answer.problem().0, 422, "{path} {body}");
        assert_eq!(answer.json()["field"], field, "{path} {body}");
    }
    let answer = send(&site, "PUT", "/classes/preview", &token, &good).await;
    assert_eq!(answer.status, 405, "a word of the paths is no key");

    let reader = site.scoped("acme", "app", &["read"]);
    let publisher = site.scoped("acme", "app", &["publish"]);
    for token in [&reader, &publisher, &site.user("acme", "u1")] {
        let answer = send(&site, "PUT", "/classes/loud", token, &good).await;
        assert_eq!(answer.problem(), (403, "forbidden".to_owned()));
        let answer = send(&site, "POST", "/classes/preview", token, &good).await;
        assert_eq!(answer.problem(), (403, "forbidden".to_owned()));
    }
    assert_eq!(site.get("/api/v1/classes", &publisher).await.status, 200);
    assert_eq!(site.get("/api/v1/classes", &reader).await.status, 403);
}

#[tokio::test]
async fn a_preview_tells_the_whole_ladder() {
    let site = Site::open().await;
    let token = site.service("acme");
    let class =
        json!({"life": 600, "ladder": [{"after": 5, "do": "again"}, {"after": 60, "do": "push"}]});
    let answer = send(&site, "POST", "/classes/preview", &token, &class).await;
    let stories = answer.json()["stories"].clone();
    let times = |story: usize| -> Vec<i64> {
        let events = stories[story]["events"].as_array().unwrap();
        events
            .iter()
            .map(|one| one["after"].as_i64().unwrap())
            .collect()
    };
    assert_eq!(times(0), [0, 5, 60, 600], "nobody acks");
    assert_eq!(times(1), [0, 5, 60, 600], "reading is not enough here");
    assert_eq!(times(2), [0, 60, 600, 600], "taken back, then expired");
    assert_eq!(stories[0]["events"][2]["latest"], 66, "spread by a tenth");
    let list = site.get("/api/v1/classes", &token).await.json();
    assert_eq!(
        list["classes"].as_array().unwrap().len(),
        4,
        "nothing stored"
    );
}
