//! The product on a database of its own, with two tenants that call everything alike.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use clap::Parser as _;
use http::{HeaderMap, Request, StatusCode};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use sqlx::PgPool;
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::auth::jwt::keys::KeyConfig;
use crate::auth::jwt::mint::{Wanted, mint};
use crate::auth::{Scope, VerificationKeys, api_key};
use crate::run::Parts;
use crate::run::product::Product;
use crate::store;
use crate::support::clock::Clock;
use crate::support::config::Config;
use crate::support::ids::Ids;
use crate::support::lifecycle::Lifecycle;
use crate::testing;

const ALL: [&str; 4] = ["publish", "read", "punch", "provision"];

#[derive(clap::Parser)]
struct Cli {
    #[command(flatten)]
    config: Config,
}

/// Everything is stopped when it is dropped.
pub(super) struct Site {
    pub(super) product: Product,
    pub(super) pool: PgPool,
    pub(super) router: Router,
    key: KeyConfig,
}

/// An answer, read whole.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.product.parts.life.kill();
    }
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Status and code of a problem; it says it is one.
    #[track_caller]
    pub(super) fn problem(&self) -> (u16, String) {
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{self:?}"
        );
        let json = self.json();
        assert_eq!(json["status"], self.status.as_u16());
        (
            self.status.as_u16(),
            json["code"].as_str().unwrap().to_owned(),
        )
    }

    pub(super) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }
}

impl Site {
    /// Tenants `acme` and `evil`; in each the services `app` and `other`, the department `ops`, and
    /// the users `u1` and `u2` (managed by `boss`), all members of `app`; PIN 7 on `Gate` is `u1`.
    pub(super) async fn open() -> Self {
        Self::open_with(&[]).await
    }

    pub(super) async fn open_with(arguments: &[&str]) -> Self {
        let pool = testing::database().await;
        for tenant in ["acme", "evil"] {
            people(&pool, tenant).await;
        }
        let key: KeyConfig = serde_json::from_value(serde_json::json!({
            "alg": "HS256", "secret": "0123456789abcdef0123456789abcdef", "issuer": "tests",
            "audience": "bellhop", "tenants": "*", "scopes": ALL,
        }))
        .unwrap();
        let clock = Clock::system();
        let arguments = ["bellhop", "--pg-bin=/nowhere"].iter().chain(arguments);
        let parts = Parts {
            pool: pool.clone(),
            ids: Ids::new(clock.clone()),
            pusher: crate::testing::phones::nobody(&clock),
            epochs: crate::delivery::epoch::Epochs::new(clock.clone()),
            clock,
            life: Lifecycle::new(),
            config: Arc::new(Cli::parse_from(arguments).config),
        };
        let keys = VerificationKeys::new(vec![key.clone()]).unwrap();
        parts.epochs.open(&parts.pool).await.unwrap();
        let product = Product::start(parts, keys).await.unwrap();
        Self {
            router: product.site(Router::new()),
            product,
            pool,
            key,
        }
    }

    fn token(&self, wanted: Wanted) -> String {
        mint(&self.key, &wanted, self.product.parts.clock.now())
            .unwrap()
            .unwrap()
    }

    /// A token of the tenant's service `app` with these scopes.
    pub(super) fn scoped(&self, tenant: &str, service: &str, scopes: &[&str]) -> String {
        self.token(Wanted {
            tenant: Some(tenant.to_owned()),
            service: Some(service.to_owned()),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            lifetime: 600,
            ..Wanted::default()
        })
    }

    /// A token of the tenant's service `app` with every scope.
    pub(super) fn service(&self, tenant: &str) -> String {
        self.scoped(tenant, "app", &ALL)
    }

    /// A user's token, for the service `app`.
    pub(super) fn user(&self, tenant: &str, user: &str) -> String {
        self.token(Wanted {
            tenant: Some(tenant.to_owned()),
            service: Some("app".to_owned()),
            user: Some(user.to_owned()),
            lifetime: 600,
            ..Wanted::default()
        })
    }

    /// A user's token that ended a minute ago.
    pub(super) fn expired(&self) -> String {
        self.token(Wanted {
            tenant: Some("acme".to_owned()),
            user: Some("u1".to_owned()),
            lifetime: -90,
            ..Wanted::default()
        })
    }

    /// An API key of the tenant's service `app`.
    pub(super) async fn api_key(&self, tenant: &str, scopes: &[Scope]) -> String {
        let minted = api_key::mint(&self.product.parts.ids);
        let mut conn = self.pool.acquire().await.unwrap();
        let tenant = store::directory::tenant(&mut conn, tenant).await.unwrap();
        let tenant = tenant.unwrap();
        let service = store::directory::service(&mut conn, tenant, "app").await;
        let scopes: Vec<String> = scopes.iter().map(|one| one.as_str().to_owned()).collect();
        let new = store::keys::NewKey {
            id: &minted.id,
            tenant,
            service: service.unwrap().unwrap(),
            name: "test",
            hash: &minted.hash,
            scopes: &scopes,
        };
        let now = self.product.parts.clock.now();
        store::keys::insert(&mut conn, &new, now).await.unwrap();
        minted.text.expose_secret().to_owned()
    }

    pub(super) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    pub(super) async fn post_text(&self, path: &str, token: &str, body: impl Into<Body>) -> Answer {
        let request = Request::post(path)
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json");
        self.send(request.body(body.into()).unwrap()).await
    }

    pub(super) async fn post(&self, path: &str, token: &str, body: &Value) -> Answer {
        self.post_text(path, token, body.to_string()).await
    }

    pub(super) async fn get(&self, path: &str, token: &str) -> Answer {
        let request = Request::get(path).header("authorization", format!("Bearer {token}"));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub(super) async fn put(&self, path: &str, token: &str, body: &Value) -> Answer {
        let request = Request::put(path)
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json");
        self.send(request.body(body.to_string().into()).unwrap())
            .await
    }

    pub(super) async fn delete(&self, path: &str, token: &str) -> Answer {
        let request = Request::delete(path).header("authorization", format!("Bearer {token}"));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// Publishes a title to `u1` of the tenant; its id.
    pub(super) async fn publish(&self, tenant: &str, title: &str) -> Uuid {
        let body = serde_json::json!({
            "kind": "NewTask", "title": title, "audience": {"users": ["u1"]}});
        let token = self.service(tenant);
        let answer = self.post("/api/v1/notifications", &token, &body).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        serde_json::from_value(answer.json()["id"].clone()).unwrap()
    }

    /// Sets the allowed origins of the tenant's service and waits until they are known.
    pub(super) async fn allow(&self, tenant: &str, service: &str, origin: &str) {
        sqlx::query(
            "UPDATE bellhop.service s SET allowed_origins = ARRAY[$3] FROM bellhop.tenant t
              WHERE t.id = s.tenant_id AND t.key = $1 AND s.key = $2",
        )
        .bind(tenant)
        .bind(service)
        .bind(origin)
        .execute(&self.pool)
        .await
        .unwrap();
        self.product.origins.changed();
        while !self.product.origins.knows(origin) {
            tokio::task::yield_now().await;
        }
    }
}

async fn people(pool: &PgPool, tenant: &str) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
        "SET search_path = bellhop;
         INSERT INTO tenant VALUES (uuid_v7(), '{tenant}', '{tenant}', now());
         INSERT INTO service SELECT uuid_v7(), id, s, s, '{{}}', now()
           FROM tenant, unnest('{{app,other}}'::text[]) s WHERE key = '{tenant}';
         INSERT INTO department SELECT uuid_v7(), id, 'ops', 'Ops' FROM tenant WHERE key = '{tenant}';
         INSERT INTO user_account (id, tenant_id, key, name, created_at, updated_at)
         SELECT uuid_v7(), t.id, u, 'User ' || u, now(), now()
           FROM tenant t, unnest('{{u1,u2,boss}}'::text[]) u WHERE t.key = '{tenant}';
         UPDATE user_account u SET manager_id = b.id FROM user_account b
          WHERE b.key = 'boss' AND b.tenant_id = u.tenant_id AND u.key IN ('u1', 'u2');
         INSERT INTO user_stream (user_id, tenant_id) SELECT u.id, u.tenant_id
           FROM user_account u JOIN tenant t ON t.id = u.tenant_id WHERE t.key = '{tenant}';
         INSERT INTO service_member SELECT u.tenant_id, u.id, s.id
           FROM user_account u JOIN service s USING (tenant_id)
           JOIN tenant t ON t.id = u.tenant_id WHERE t.key = '{tenant}' AND s.key = 'app';
         INSERT INTO user_department SELECT u.tenant_id, u.id, d.id
           FROM user_account u JOIN department d USING (tenant_id)
           JOIN tenant t ON t.id = u.tenant_id WHERE t.key = '{tenant}';
         INSERT INTO device_user SELECT u.tenant_id, 'Gate', '7', u.id
           FROM user_account u JOIN tenant t ON t.id = u.tenant_id
          WHERE t.key = '{tenant}' AND u.key = 'u1';
         RESET search_path;"
    )))
    .execute(pool)
    .await
    .unwrap();
}
