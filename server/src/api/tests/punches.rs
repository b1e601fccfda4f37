//! Punches over HTTP.

use serde_json::{Value, json};

use super::site::Site;

const PATH: &str = "/api/v1/punches";

fn at(site: &Site) -> String {
    site.product.parts.clock.now().to_string()
}

#[tokio::test]
async fn one_is_taken_once() {
    let site = Site::open().await;
    let token = site.scoped("acme", "app", &["punch"]);
    let punch =
        json!({"pin": "7", "device": "Gate", "at": at(&site), "direction": "in", "source_id": "1"});
    let first = site.post(PATH, &token, &punch).await;
    assert_eq!(first.status, 201, "{first:?}");
    let first = first.json();
    assert_eq!(
        (&first["duplicate"], &first["direction"], &first["ignored"]),
        (&json!(false), &json!("in"), &json!(false))
    );
    let again = site.post(PATH, &token, &punch).await;
    assert_eq!(again.status, 200);
    assert_eq!(again.json(), json!({"id": first["id"], "duplicate": true}));
    // The same device and id in another tenant is another punch.
    let answer = site.post(PATH, &site.service("evil"), &punch).await;
    assert_eq!(answer.status, 201);
    assert_ne!(answer.json()["id"], first["id"]);
}

#[tokio::test]
async fn what_is_refused_says_which_field() {
    let site = Site::open().await;
    let token = site.service("acme");
    let good = json!({"user": "u1", "device": "Gate", "at": at(&site), "source_id": "1"});
    let with = |name: &str, value: Value| {
        let mut punch = good.clone();
        punch[name] = value;
        punch
    };
    let mut pin = good.clone();
    pin["pin"] = json!("8");
    pin.as_object_mut().unwrap().remove("user");
    let mut zone = good.clone();
    zone["local"] = json!("2026-11-21T09:02:00");
    zone["zone"] = json!("Europe/Atlantis");
    zone.as_object_mut().unwrap().remove("at");
    for (punch, code, field) in [
        (with("user", json!("ghost")), "unknown_user", "user"),
        (pin, "unknown_pin", "pin"),
        (zone, "unknown_zone", "zone"),
        (
            with("at", json!("2000-01-01T00:00:00Z")),
            "implausible_time",
            "at",
        ),
        (with("device", json!("")), "invalid", "device"),
        (with("direction", json!("up")), "invalid", "direction"),
        (with("at", json!("noon")), "invalid", "at"),
        (with("source", json!("x")), "unknown_field", "source"),
    ] {
        let answer = site.post(PATH, &token, &punch).await;
        assert_eq!(answer.problem(), (422, code.to_owned()), "{punch}");
        assert_eq!(answer.json()["field"], field, "{punch}");
    }
}

#[tokio::test]
async fn many_are_answered_one_by_one() {
    let site = Site::open().await;
    let token = site.service("acme");
    let punch = |user: &str, source: &str| json!({"user": user, "device": "Gate", "at": at(&site), "source_id": source});
    let mut both = punch("u1", "4");
    both["pin"] = json!("7");
    let items = json!({"items": [
        punch("u1", "1"), punch("ghost", "2"), both, punch("u1", "1"), punch("u2", "3"),
    ]});
    let answer = site.post(PATH, &token, &items).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let answer = answer.json();
    let items = answer["items"].as_array().unwrap();
    let status: Vec<_> = items.iter().map(|one| &one["status"]).collect();
    assert_eq!(
        status,
        [201, 422, 422, 200, 201],
        "the first of two is kept"
    );
    assert_eq!(items[1]["problem"]["code"], "unknown_user");
    assert_eq!(items[2]["problem"]["field"], "pin");
    assert_eq!(
        items[3]["id"], items[0]["id"],
        "the same one twice in a call"
    );

    let answer = site.post(PATH, &token, &json!({"items": []})).await;
    assert_eq!(answer.problem(), (422, "invalid".to_owned()));
    let many: Vec<Value> = (0..1_001).map(|n| punch("u1", &n.to_string())).collect();
    let answer = site.post(PATH, &token, &json!({"items": many})).await;
    assert_eq!(answer.json()["field"], "items");
    let broken = json!({"items": [punch("u1", "9"), {"user": "u1"}]});
    let answer = site.post(PATH, &token, &broken).await;
    assert_eq!(answer.json()["field"], "items[1]");
}
