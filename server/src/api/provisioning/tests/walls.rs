//! The walls between tenants, and the door.

use serde_json::{Value, json};

use super::{api, is, key};
use crate::auth::Scope;

#[tokio::test]
async fn tenants_with_equal_ids_never_meet() {
    let api = api().await;
    // Everything of `evil` is called like what `acme` will look for.
    for (path, body) in [
        ("/departments/d", json!({"name": "theirs"})),
        ("/groups/g", json!({"name": "theirs"})),
        ("/services/crm", json!({"name": "theirs"})),
        ("/sites/s", json!({"name": "theirs", "zone": "UTC"})),
        (
            "/users/u",
            json!({"name": "theirs", "pins": [{"device": "gate", "pin": "1"}]}),
        ),
    ] {
        assert_eq!(
            api.call(&api.evil, "PUT", path, body).await.0,
            201,
            "{path}"
        );
    }
    for (extra, field) in [
        (json!({"departments": ["d"]}), "departments[0]"),
        (json!({"groups": ["g"]}), "groups[0]"),
        (json!({"services": ["crm"]}), "services[0]"),
        (json!({"manager": "u"}), "manager"),
        (json!({"deputy": "u"}), "deputy"),
        (json!({"site": "s"}), "site"),
    ] {
        let mut body = json!({"name": "ours"});
        body.as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        let refused = api.refused("/users/ours", body).await;
        assert_eq!(
            refused,
            (422, "unknown_reference".to_owned(), field.to_owned())
        );
    }
    // The same id is another user, the same PIN on the same device another tenant's device.
    let ours = json!({"name": "ours", "pins": [{"device": "gate", "pin": "1"}]});
    assert_eq!(api.put("/users/u", ours).await, is(201, "created"));
    assert_eq!(
        api.put("/departments/d", json!({"name": "ours"})).await,
        is(201, "created")
    );
    for path in ["/users/u", "/departments/d", "/groups/g", "/services/crm"] {
        let (status, _) = api.call(&api.acme, "DELETE", path, Value::Null).await;
        assert_eq!(
            status, 204,
            "{path}: the same answer whether there is one or not"
        );
    }
    let theirs =
        "SELECT (SELECT count(*) FROM bellhop.user_account WHERE name = 'theirs' AND active)
        + (SELECT count(*) FROM bellhop.department WHERE name = 'theirs')
        + (SELECT count(*) FROM bellhop.custom_group WHERE name = 'theirs')
        + (SELECT count(*) FROM bellhop.service WHERE name = 'theirs')
        + (SELECT count(*) FROM bellhop.device_user)";
    assert_eq!(api.number(theirs).await, 6);
}

#[tokio::test]
async fn only_the_scope_opens_the_door() {
    let api = api().await;
    let principal = api
        .auth
        .authenticate(&api.acme, crate::auth::Surface::Api)
        .await
        .unwrap();
    let (tenant, service) = (principal.tenant, principal.service.unwrap());
    let other = key(
        &api.auth,
        tenant,
        service,
        &[Scope::Publish, Scope::Read, Scope::Punch],
    )
    .await;
    let body = json!({"name": "N"});
    for (method, path) in [
        ("PUT", "/users/u"),
        ("DELETE", "/users/u"),
        ("PUT", "/departments/d"),
        ("DELETE", "/groups/g"),
        ("PUT", "/services/s"),
        ("DELETE", "/services/s"),
    ] {
        let (status, answer) = api.call(&other, method, path, body.clone()).await;
        assert_eq!(
            (status, &answer["code"]),
            (403, &json!("forbidden")),
            "{method} {path}"
        );
        let (status, answer) = api.call("", method, path, body.clone()).await;
        assert_eq!(
            (status, &answer["code"]),
            (401, &json!("missing_token")),
            "{method} {path}"
        );
    }
    let (status, answer) = api
        .call(&api.acme, "DELETE", "/services/hr", Value::Null)
        .await;
    assert_eq!((status, &answer["code"]), (409, &json!("in_use")));
}
