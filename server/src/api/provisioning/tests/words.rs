//! What is wrong with a request is named by place, and nothing of it is written.

use serde_json::{Value, json};

use super::{api, is};

#[tokio::test]
async fn wrong_words_are_named() {
    let api = api().await;
    let user = |extra: Value| {
        let mut user = json!({"name": "Ada"});
        user.as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        user
    };
    for (extra, code, field) in [
        (json!({"id": "other"}), "invalid", "id"),
        (json!({"manager": "ada"}), "invalid", "manager"),
        (json!({"deputy": "ada"}), "invalid", "deputy"),
        (json!({"site": "nowhere"}), "unknown_reference", "site"),
        (
            json!({"services": ["hr", "no"]}),
            "unknown_reference",
            "services[1]",
        ),
        (json!({"groups": ["a", "a"]}), "invalid", "groups[1]"),
        (json!({"password": "short"}), "invalid", "password"),
        (json!({"login": ""}), "invalid", "login"),
        (
            json!({"pins": [{"device": "", "pin": "1"}]}),
            "invalid",
            "pins[0].device",
        ),
        (json!({"departments": 1}), "invalid", "departments"),
    ] {
        let refused = api.refused("/users/ada", user(extra.clone())).await;
        assert_eq!(refused, (422, code.to_owned(), field.to_owned()), "{extra}");
    }
    assert_eq!(
        api.number("SELECT count(*) FROM bellhop.user_account")
            .await,
        0
    );
    let zone = json!({"name": "S", "zone": "Mars/Olympus"});
    assert_eq!(api.refused("/sites/s", zone).await.2, "zone");
    for origin in [
        "https://a.example/",
        "https://a.example:443",
        "*",
        "ftp://a.example",
        "a.example",
    ] {
        let body = json!({"name": "S", "allowed_origins": [origin]});
        assert_eq!(
            api.refused("/services/s", body).await.2,
            "allowed_origins[0]",
            "{origin}"
        );
    }
    let acks = json!({"name": "S", "acks": "results"});
    assert_eq!(api.refused("/services/s", acks).await.2, "acks");
    let long = format!("/users/{}", "x".repeat(129));
    assert_eq!(api.refused(&long, json!({"name": "A"})).await.2, "id");
    assert_eq!(
        api.refused("/users/a%00b", json!({"name": "A"})).await.2,
        "id"
    );
    assert_eq!(api.refused("/users/%ff", json!({"name": "A"})).await.0, 400);
    assert_eq!(
        api.put("/users/a%2Fb%20%C3%BC", json!({"name": "A"})).await,
        is(201, "created")
    );
    assert_eq!(
        api.number("SELECT count(*) FROM bellhop.user_account WHERE key = 'a/b ü'")
            .await,
        1
    );
    // Logins and PINs of others.
    api.put(
        "/users/one",
        json!({"name": "1", "login": "x", "pins": [{"device": "g", "pin": "1"}]}),
    )
    .await;
    let taken = api
        .refused("/users/two", json!({"name": "2", "login": "X"}))
        .await;
    assert_eq!(taken, (409, "login_taken".to_owned(), "login".to_owned()));
    let pins =
        json!({"name": "2", "pins": [{"device": "g", "pin": "2"}, {"device": "g", "pin": "1"}]});
    assert_eq!(
        api.refused("/users/two", pins).await,
        (409, "pin_taken".to_owned(), "pins[1]".to_owned())
    );
}
