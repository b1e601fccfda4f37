//! Provisioning over HTTP, by API keys, on a real database.

mod walls;
mod words;

use axum::Router;
use axum::body::Body;
use axum::middleware::from_fn_with_state;
use http::Request;
use parking_lot::Mutex;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use std::sync::Arc;
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::auth::{
    AuthSettings, AuthState, Hooks, Scope, Scopes, VerificationKeys, api_key, extract,
};
use crate::store;
use crate::store::identity::{services, tenants};
use crate::support::clock::Clock;
use crate::support::ids::Ids;
use crate::testing;

struct Api {
    auth: AuthState,
    router: Router,
    /// Keys of tenant `acme` and of tenant `evil`, both of a service `hr`.
    acme: String,
    evil: String,
    changed: Arc<Mutex<Vec<Uuid>>>,
    ended: Arc<Mutex<Vec<Uuid>>>,
}

async fn api() -> Api {
    let pool = testing::database().await;
    let clock = Clock::system();
    let ids = Ids::new(clock.clone());
    let keys = VerificationKeys::default();
    let auth = AuthState::open(pool, clock, ids, keys, AuthSettings::default())
        .await
        .unwrap();
    let changed: Arc<Mutex<Vec<Uuid>>> = Arc::default();
    let ended: Arc<Mutex<Vec<Uuid>>> = Arc::default();
    let (told, closed) = (Arc::clone(&changed), Arc::clone(&ended));
    auth.set_hooks(Hooks {
        session_ended: Arc::new(move |session| closed.lock().push(session)),
        people_changed: Arc::new(move |_, users| told.lock().extend(users)),
        people_removed: Arc::new(|| {}),
        services_changed: Arc::new(|| {}),
    });
    let (router, _) = super::routes::<AuthState>().split_for_parts();
    let router = router
        .layer(from_fn_with_state(auth.clone(), extract::api))
        .with_state(auth.clone());
    let acme = tenant(&auth, "acme").await;
    let evil = tenant(&auth, "evil").await;
    Api {
        auth,
        router,
        acme,
        evil,
        changed,
        ended,
    }
}

async fn tenant(auth: &AuthState, key: &str) -> String {
    let (id, service, now) = (auth.ids().uuid(), auth.ids().uuid(), auth.clock().now());
    let mut conn = auth.pool().acquire().await.unwrap();
    tenants::create(&mut conn, id, key, key, now).await.unwrap();
    services::put(
        &mut conn,
        id,
        service,
        "hr",
        "HR",
        services::Settings::default(),
        now,
    )
    .await
    .unwrap();
    drop(conn);
    self::key(auth, id, service, &[Scope::Provision]).await
}

async fn key(auth: &AuthState, tenant: Uuid, service: Uuid, scopes: &[Scope]) -> String {
    let minted = api_key::mint(auth.ids());
    let scopes = scopes.iter().copied().collect::<Scopes>().words();
    let new = store::keys::NewKey {
        id: &minted.id,
        tenant,
        service,
        name: "",
        hash: &minted.hash,
        scopes: &scopes,
    };
    let mut conn = auth.pool().acquire().await.unwrap();
    store::keys::insert(&mut conn, &new, auth.clock().now())
        .await
        .unwrap();
    minted.text.expose_secret().to_owned()
}

impl Api {
    async fn call(&self, key: &str, method: &str, path: &str, body: Value) -> (u16, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {key}"))
            .header("content-type", "application/json");
        let body = if body.is_null() {
            Body::empty()
        } else {
            Body::from(body.to_string())
        };
        let response = self
            .router
            .clone()
            .oneshot(request.body(body).unwrap())
            .await
            .unwrap();
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), 1 << 20)
            .await
            .unwrap();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    async fn put(&self, path: &str, body: Value) -> (u16, String) {
        let (status, answer) = self.call(&self.acme, "PUT", path, body).await;
        let word = answer
            .get("result")
            .or(answer.get("code"))
            .cloned()
            .unwrap_or(answer);
        (
            status,
            word.as_str()
                .map_or_else(|| word.to_string(), str::to_owned),
        )
    }

    /// Status, code and field of a refusal.
    async fn refused(&self, path: &str, body: Value) -> (u16, String, String) {
        let (status, answer) = self.call(&self.acme, "PUT", path, body).await;
        let word = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
        (status, word("code"), word("field"))
    }

    async fn number(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql)
            .fetch_one(self.auth.pool())
            .await
            .unwrap()
    }
}

fn is(status: u16, word: &str) -> (u16, String) {
    (status, word.to_owned())
}

#[tokio::test]
async fn everything_may_be_said_twice() {
    let api = api().await;
    for (path, body, other) in [
        (
            "/departments/fin",
            json!({"name": "Finance"}),
            json!({"name": "Money"}),
        ),
        (
            "/groups/fire",
            json!({"name": "Fire wardens"}),
            json!({"name": "Wardens"}),
        ),
        (
            "/services/crm",
            json!({"name": "CRM"}),
            json!({"name": "CRM", "allowed_origins": ["https://a.example"]}),
        ),
        (
            "/sites/lis",
            json!({"name": "Lisbon", "zone": "Europe/Lisbon"}),
            json!({"name": "Lisbon", "zone": "Atlantic/Azores"}),
        ),
        (
            "/users/u1",
            json!({"name": "Ada", "roles": ["hr", "manager", "hr"]}),
            json!({"name": "Ada L."}),
        ),
    ] {
        assert_eq!(
            api.put(path, body.clone()).await,
            is(201, "created"),
            "{path}"
        );
        assert_eq!(api.put(path, body).await, is(200, "unchanged"), "{path}");
        assert_eq!(api.put(path, other).await, is(200, "changed"), "{path}");
    }
    // What is left out of a service stays.
    let by_results = json!({"name": "CRM", "acks": "result"});
    assert_eq!(
        api.put("/services/crm", by_results).await,
        is(200, "changed")
    );
    let plain = json!({"name": "CRM"});
    assert_eq!(api.put("/services/crm", plain).await, is(200, "unchanged"));
    let kept = "SELECT count(*) FROM bellhop.service WHERE acks = 'result'
                   AND allowed_origins = '{https://a.example}'";
    assert_eq!(api.number(kept).await, 1);
    for path in [
        "/departments/fin",
        "/groups/fire",
        "/services/crm",
        "/users/u1",
    ] {
        for _ in 0..2 {
            let (status, _) = api.call(&api.acme, "DELETE", path, Value::Null).await;
            assert_eq!(status, 204, "{path}");
        }
    }
    // A deleted user is inactive, and comes back as the same person.
    assert_eq!(
        api.number("SELECT count(*) FROM bellhop.user_account WHERE NOT active")
            .await,
        1
    );
    assert_eq!(
        api.put("/users/u1", json!({"name": "Ada L."})).await,
        is(200, "changed")
    );
    assert_eq!(
        api.number("SELECT count(*) FROM bellhop.user_account WHERE active")
            .await,
        1
    );
    assert_eq!(
        api.number("SELECT count(*) FROM bellhop.user_stream").await,
        1
    );
}

#[tokio::test]
async fn a_user_keeps_what_is_left_out_and_loses_what_is_null() {
    let api = api().await;
    for path in [
        "/departments/d1",
        "/departments/d2",
        "/groups/g1",
        "/services/crm",
    ] {
        api.put(path, json!({"name": path})).await;
    }
    api.put("/sites/s1", json!({"name": "S", "zone": "Asia/Kolkata"}))
        .await;
    api.put("/users/boss", json!({"name": "Boss"})).await;
    let whole = json!({
        "name": "Ada", "departments": ["d1", "d2"], "groups": ["g1"], "services": ["crm", "hr"],
        "roles": ["employee", "manager"], "manager": "boss", "deputy": "boss", "site": "s1", "login": " Ada ",
        "password": "correct horse battery", "pins": [{"device": "gate", "pin": "1"}],
    });
    assert_eq!(
        api.put("/users/ada", whole.clone()).await,
        is(201, "created")
    );
    assert_eq!(api.put("/users/ada", whole).await, is(200, "unchanged"));
    assert_eq!(
        api.put("/users/ada", json!({"name": "Ada"})).await,
        is(200, "unchanged")
    );
    let row = "SELECT count(*) FROM bellhop.user_account u
        WHERE u.login = 'ada' AND u.password_hash IS NOT NULL AND u.manager_id IS NOT NULL
          AND u.deputy_id = u.manager_id AND u.site_id IS NOT NULL AND u.roles = '{employee,manager}'
          AND (SELECT count(*) FROM bellhop.user_department m WHERE m.user_id = u.id) = 2
          AND (SELECT count(*) FROM bellhop.service_member m WHERE m.user_id = u.id) = 2
          AND EXISTS (SELECT FROM bellhop.device_user m WHERE m.user_id = u.id)";
    assert_eq!(api.number(row).await, 1);
    let less = json!({"name": "Ada", "manager": null, "deputy": null, "site": null, "departments": ["d2"], "pins": []});
    assert_eq!(api.put("/users/ada", less).await, is(200, "changed"));
    let row = "SELECT count(*) FROM bellhop.user_account u
        WHERE u.login = 'ada' AND u.manager_id IS NULL AND u.deputy_id IS NULL AND u.site_id IS NULL
          AND (SELECT count(*) FROM bellhop.user_department m WHERE m.user_id = u.id) = 1
          AND NOT EXISTS (SELECT FROM bellhop.device_user m WHERE m.user_id = u.id)";
    assert_eq!(api.number(row).await, 1);
    // The credential's own service is where a new user belongs when nothing is said.
    let member = "SELECT count(*) FROM bellhop.service_member m
        JOIN bellhop.user_account u ON u.id = m.user_id JOIN bellhop.service s ON s.id = m.service_id
        WHERE u.key = 'boss' AND s.key = 'hr'";
    assert_eq!(api.number(member).await, 1);
}

#[tokio::test]
async fn a_new_password_or_a_deletion_ends_sessions_and_tells_the_hub() {
    let api = api().await;
    let user = |password: &str| json!({"name": "Ada", "login": "ada", "password": password});
    api.put("/users/ada", user("correct horse battery")).await;
    let begin = async || {
        sqlx::query(
            "INSERT INTO bellhop.session (hash, id, tenant_id, user_id, created_at, expires_at)
             SELECT 'x', gen_random_uuid(), tenant_id, id, now(), now() + interval '1 h'
               FROM bellhop.user_account WHERE key = 'ada'",
        )
        .execute(api.auth.pool())
        .await
        .unwrap();
    };
    begin().await;
    api.put("/users/ada", user("correct horse battery")).await;
    assert_eq!(api.ended.lock().len(), 0);
    api.changed.lock().clear();
    api.put("/users/ada", user("another long password")).await;
    assert_eq!((api.ended.lock().len(), api.changed.lock().len()), (1, 1));
    begin().await;
    api.call(&api.acme, "DELETE", "/users/ada", Value::Null)
        .await;
    assert_eq!((api.ended.lock().len(), api.changed.lock().len()), (2, 2));
    let left = "SELECT count(*) FROM bellhop.user_account WHERE password_hash IS NOT NULL";
    assert_eq!(api.number(left).await, 0);
}

#[tokio::test]
async fn a_bulk_request_is_written_whole_or_not_at_all() {
    let api = api().await;
    // A manager may come later in the list.
    let items = json!({"items": [
        {"id": "b", "name": "B", "manager": "z"}, {"id": "a", "name": "A"}, {"id": "z", "name": "Z"},
    ]});
    let (status, answer) = api.call(&api.acme, "PUT", "/users", items.clone()).await;
    assert_eq!(
        (status, answer),
        (200, json!({"created": 3, "changed": 0, "unchanged": 0}))
    );
    let (_, answer) = api.call(&api.acme, "PUT", "/users", items).await;
    assert_eq!(answer, json!({"created": 0, "changed": 0, "unchanged": 3}));
    let one_wrong = |item: Value| json!({"items": [{"id": "new", "name": "New"}, item]});
    for (item, code, field) in [
        (
            json!({"id": "x", "name": "X", "departments": ["no"]}),
            "unknown_reference",
            "items[1].departments[0]",
        ),
        (
            json!({"id": "x", "name": "X", "manager": "no"}),
            "unknown_reference",
            "items[1].manager",
        ),
        (json!({"id": "x", "name": ""}), "invalid", "items[1].name"),
        (json!({"name": "X"}), "invalid", "items[1].id"),
        (json!({"id": "new", "name": "X"}), "invalid", "items[1].id"),
        (
            json!({"id": "x", "name": "X", "roles": ["god"]}),
            "invalid",
            "items[1].roles[0]",
        ),
        (
            json!({"id": "x", "name": "X", "colour": 1}),
            "unknown_field",
            "items[1].colour",
        ),
        (
            json!({"id": "x", "name": "X\u{0}"}),
            "nul_in_text",
            "items[1].name",
        ),
    ] {
        let refused = api.refused("/users", one_wrong(item.clone())).await;
        assert_eq!(refused, (422, code.to_owned(), field.to_owned()), "{item}");
    }
    assert_eq!(
        api.number("SELECT count(*) FROM bellhop.user_account")
            .await,
        3
    );
    for path in ["/departments", "/groups", "/services", "/sites"] {
        let item = |id: &str| json!({"id": id, "name": "N", "zone": "UTC"});
        let item = |id: &str| {
            let mut item = item(id);
            if path != "/sites" {
                item.as_object_mut().unwrap().remove("zone");
            }
            item
        };
        let (status, answer) = api
            .call(
                &api.acme,
                "PUT",
                path,
                json!({"items": [item("1"), item("2")]}),
            )
            .await;
        assert_eq!((status, &answer["created"]), (200, &json!(2)), "{path}");
        let refused = api
            .refused(path, json!({"items": [item("3"), item("")]}))
            .await;
        assert_eq!(
            (refused.0, refused.2.as_str()),
            (422, "items[1].id"),
            "{path}"
        );
    }
    let many = (0..1001)
        .map(|n| json!({"id": n.to_string(), "name": "N"}))
        .collect::<Vec<_>>();
    assert_eq!(
        api.refused("/groups", json!({"items": many})).await.2,
        "items"
    );
}

#[tokio::test]
async fn a_thousand_users_fit_into_one_request() {
    let api = api().await;
    let user = |n: usize| json!({"id": format!("user-{n:04}"), "name": format!("User Number {n}")});
    let items = (0..1000).map(user).collect::<Vec<_>>();
    let (status, answer) = api
        .call(&api.acme, "PUT", "/users", json!({"items": items}))
        .await;
    assert_eq!((status, &answer["created"]), (200, &json!(1000)));
    assert_eq!(
        api.number("SELECT count(*) FROM bellhop.user_stream").await,
        1000
    );
}

#[tokio::test]
async fn two_bulk_requests_in_opposite_order_both_come_through() {
    let api = api().await;
    let list = |order: &[usize]| {
        let items = order
            .iter()
            .map(|n| json!({"id": format!("u{n}"), "name": "N"}));
        json!({"items": items.collect::<Vec<_>>()})
    };
    let up = list(&(0..100).collect::<Vec<_>>());
    let down = list(&(0..100).rev().collect::<Vec<_>>());
    let (one, other) = tokio::join!(
        api.call(&api.acme, "PUT", "/users", up),
        api.call(&api.acme, "PUT", "/users", down),
    );
    assert_eq!((one.0, other.0), (200, 200), "{one:?} {other:?}");
}
