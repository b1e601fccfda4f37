//! The product on a real socket and a database of its own, with two tenants of equal ids.

use std::net::SocketAddr;
use std::sync::Arc;

use app::backend::Caller;
use app::model::person::Role;
use jiff::Timestamp;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use uuid::Uuid;

use super::client::Client;
use super::stream::Events;
use super::wire::Wire;
use crate::auth::jwt::keys::{KeyConfig, VerificationKeys};
use crate::auth::jwt::mint::{Wanted, mint};
use crate::delivery::epoch::Epochs;
use crate::run::Parts;
use crate::run::database::hands_out;
use crate::run::product::Product;
use crate::support::clock::Clock;
use crate::support::ids::Ids;
use crate::support::lifecycle::Lifecycle;

/// Everything is stopped when it is dropped.
pub(crate) struct House {
    pub(crate) product: Product,
    pub(crate) pool: PgPool,
    pub(crate) address: SocketAddr,
    pub(crate) http: reqwest::Client,
    key: KeyConfig,
    life: Lifecycle,
}

impl Drop for House {
    fn drop(&mut self) {
        self.life.kill();
    }
}

impl House {
    /// Tenants `a` and `b`; in each the service `app`, the department `dept`, the group `club`, and
    /// the users `u1` (in both) and `u2`.
    pub(crate) async fn open() -> Self {
        Self::open_at(Clock::system()).await
    }

    pub(crate) async fn open_at(clock: Clock) -> Self {
        let pool = furnished().await;
        Self::open_on(pool.clone(), pool, clock).await
    }

    /// Whatever the product says to its database goes over the wire.
    pub(crate) async fn open_wired() -> (Self, Wire) {
        let pool = furnished().await;
        let straight = pool.connect_options();
        let far = (straight.get_host().to_owned(), straight.get_port());
        let far = tokio::net::lookup_host(far).await.unwrap().next().unwrap();
        let wire = Wire::lay(far).await;
        let detour = (*straight)
            .clone()
            .host(&wire.address.ip().to_string())
            .port(wire.address.port());
        let through = hands_out(PgPoolOptions::new()).connect_with(detour);
        let through = through.await.unwrap();
        let house = Self::open_on(pool, through, Clock::system()).await;
        (house, wire)
    }

    /// On a database that is furnished already. The product works through `through`, which may be a
    /// worse way to it; the test itself looks at `pool`.
    pub(crate) async fn open_on(pool: PgPool, through: PgPool, clock: Clock) -> Self {
        let pusher = super::phones::nobody(&clock);
        let epochs = Epochs::new(clock.clone());
        Self::open_with(pool, through, clock, (pusher, epochs)).await
    }

    /// Each new connection to the database is looked at, as in the product.
    pub(crate) async fn open_watching(pool: PgPool) -> Self {
        let clock = Clock::system();
        let epochs = Epochs::new(clock.clone());
        let options = epochs.watch(PgPoolOptions::new());
        let through = options.connect_with((*pool.connect_options()).clone());
        let pusher = super::phones::nobody(&clock);
        Self::open_with(pool, through.await.unwrap(), clock, (pusher, epochs)).await
    }

    /// Its pushes go to the stand-ins.
    pub(crate) async fn open_beside(makers: &super::phones::Makers, clock: Clock) -> Self {
        let pool = furnished().await;
        let with = (makers.pusher.clone(), Epochs::new(clock.clone()));
        Self::open_with(pool.clone(), pool, clock, with).await
    }

    async fn open_with(
        pool: PgPool,
        through: PgPool,
        clock: Clock,
        (pusher, epochs): (Arc<crate::push::Pusher>, Arc<Epochs>),
    ) -> Self {
        let key: KeyConfig = serde_json::from_value(serde_json::json!({
            "alg": "HS256", "secret": "0123456789abcdef0123456789abcdef", "issuer": "tests",
            "audience": "bellhop", "tenants": "*", "authoritative": true,
            "scopes": ["publish", "read", "punch", "provision"],
        }))
        .unwrap();
        let life = Lifecycle::new();
        let parts = Parts {
            pool: through,
            ids: Ids::new(clock.clone()),
            clock,
            epochs,
            life: life.clone(),
            config: Arc::new(super::config()),
            pusher,
        };
        let keys = VerificationKeys::new(vec![key.clone()]).unwrap();
        parts.epochs.open(&parts.pool).await.unwrap();
        let product = Product::start(parts, keys).await.unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let routes = product
            .routes()
            .into_make_service_with_connect_info::<SocketAddr>();
        life.spawn("http", async move {
            axum::serve(listener, routes).await.ok();
        });
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self {
            product,
            pool,
            address,
            http,
            key,
            life,
        }
    }

    /// Stops everything and leaves the database to whoever opens it next.
    pub(crate) async fn close(self) {
        self.life.kill();
        self.life.ended().await;
        self.product.parts.pool.close().await;
        self.pool.close().await;
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn token(&self, wanted: Wanted) -> String {
        let wanted = Wanted {
            lifetime: 3_600,
            ..wanted
        };
        mint(&self.key, &wanted, self.product.parts.clock.now())
            .unwrap()
            .unwrap()
    }

    /// A token of the tenant's back end with all scopes.
    pub(crate) fn service(&self, tenant: &str) -> String {
        self.token(Wanted {
            tenant: Some(tenant.to_owned()),
            service: Some("app".to_owned()),
            scopes: ["publish", "read", "punch", "provision"]
                .map(str::to_owned)
                .to_vec(),
            ..Wanted::default()
        })
    }

    /// A user's token.
    pub(crate) fn user(&self, tenant: &str, user: &str) -> String {
        self.token(Wanted {
            tenant: Some(tenant.to_owned()),
            service: Some("app".to_owned()),
            user: Some(user.to_owned()),
            ..Wanted::default()
        })
    }

    /// Publishes; the answer's status and body.
    pub(crate) async fn post(
        &self,
        tenant: &str,
        body: &serde_json::Value,
    ) -> (u16, serde_json::Value) {
        let answer = self
            .http
            .post(self.url("/api/v1/notifications"))
            .bearer_auth(self.service(tenant))
            .json(body)
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// Publishes `title` to `u1` of the tenant; its id.
    pub(crate) async fn publish(&self, tenant: &str, title: &str) -> String {
        let body = serde_json::json!({
            "kind": "NewTask", "title": title, "audience": {"users": ["u1"]}});
        let (status, answer) = self.post(tenant, &body).await;
        assert_eq!(status, 202, "{answer}");
        answer["id"].as_str().unwrap().to_owned()
    }

    /// Says something else to the API as the tenant's back end; it has to be taken.
    pub(crate) async fn say(
        &self,
        tenant: &str,
        path: &str,
        body: &serde_json::Value,
    ) -> serde_json::Value {
        let answer = self.http.post(self.url(path));
        let answer = answer.bearer_auth(self.service(tenant)).json(body);
        let answer = answer.send().await.unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
        answer.json().await.unwrap()
    }

    /// What the API says of a notification.
    pub(crate) async fn read(&self, tenant: &str, id: &str) -> serde_json::Value {
        let answer = self
            .http
            .get(self.url(&format!("/api/v1/notifications/{id}")))
            .bearer_auth(self.service(tenant))
            .send()
            .await
            .unwrap();
        answer.json().await.unwrap()
    }

    /// `u1` of tenant `a` over WebSocket, past its greeting. `query` like `device=phone`.
    pub(crate) async fn connect(&self, query: &str) -> Client {
        self.connect_as("a", "u1", query).await
    }

    pub(crate) async fn connect_as(&self, tenant: &str, user: &str, query: &str) -> Client {
        Client::open(self.address, &self.user(tenant, user), query).await
    }

    /// The same, of one that the hub may refuse.
    pub(crate) async fn connect_or_end(&self, query: &str) -> Client {
        Client::unwelcome(self.address, &self.user("a", "u1"), query).await
    }

    /// `u1` of tenant `a` over the event stream, past its greeting; `cursor` as the header says it.
    pub(crate) async fn listen(&self, query: &str, cursor: &str) -> Events {
        Events::open(self.address, &self.user("a", "u1"), query, cursor).await
    }

    /// Owes `u1` of tenant `a`, who was never published to, so many notifications with a body of 200
    /// bytes.
    pub(crate) async fn owe(&self, count: i64) {
        let user = self.id_of("a", "u1").await;
        // Written as the ledger writes them, in one statement.
        sqlx::query(
        "WITH made AS (
             SELECT n AS seq, bellhop.uuid_v7(now() - interval '1 minute') AS id
               FROM generate_series(1, $2) n),
         bumped AS (UPDATE bellhop.user_stream SET last_seq = $2 WHERE user_id = $1 RETURNING tenant_id),
         notes AS (
             INSERT INTO bellhop.notification (id, at, tenant_id, service_id, kind, title, body, data,
                    severity, audience, recipients, expires_at)
             SELECT id, bellhop.instant_of(id), tenant_id, tenant_id, 'NewTask', 't' || seq,
                    repeat('x', 200), '{}', 'info', '', 1, now() + interval '1 day'
               FROM made, bumped)
         INSERT INTO bellhop.delivery (user_id, seq, at, tenant_id, notification_id, expires_at)
         SELECT $1, seq, now(), tenant_id, id, now() + interval '1 day' FROM made, bumped",
    )
    .bind(user)
    .bind(count)
    .execute(&self.pool)
    .await
    .unwrap();
    }

    /// A user of the tenant who is signed in to the screens, in these roles.
    pub(crate) async fn caller(&self, tenant: &str, user: &str, roles: &[Role]) -> Caller {
        Caller {
            tenant: self.tenant(tenant).await.as_u128(),
            user: self.id_of(tenant, user).await.as_u128(),
            roles: roles.to_vec(),
            session: 0,
        }
    }

    /// Inner id of a tenant.
    pub(crate) async fn tenant(&self, key: &str) -> Uuid {
        sqlx::query_scalar("SELECT id FROM bellhop.tenant WHERE key = $1")
            .bind(key)
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }

    /// The same, over a connection that survives the loss of its socket.
    pub(crate) async fn connect_stateful(&self, query: &str) -> Client {
        Client::stateful(self.address, &self.user("a", "u1"), query).await
    }

    /// Inner id of a user.
    pub(crate) async fn id_of(&self, tenant: &str, user: &str) -> Uuid {
        sqlx::query_scalar(
            "SELECT u.id FROM bellhop.user_account u JOIN bellhop.tenant t ON t.id = u.tenant_id
              WHERE t.key = $1 AND u.key = $2",
        )
        .bind(tenant)
        .bind(user)
        .fetch_one(&self.pool)
        .await
        .unwrap()
    }

    /// Waits until nothing more changes this number of `u1`'s settled deliveries.
    pub(crate) async fn settled(&self, state: i16, count: i64) {
        let user = self.id_of("a", "u1").await;
        super::eventually(|| async {
            let found: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM bellhop.delivery WHERE user_id = $1 AND state = $2",
            )
            .bind(user)
            .bind(state)
            .fetch_one(&self.pool)
            .await
            .unwrap();
            found == count
        })
        .await;
    }
}

/// A database with the people of the tests in it.
pub(crate) async fn furnished() -> PgPool {
    let pool = super::database().await;
    for tenant in ["a", "b"] {
        people(&pool, tenant).await;
    }
    pool
}

async fn people(pool: &PgPool, tenant: &str) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
        "INSERT INTO bellhop.tenant VALUES (bellhop.uuid_v7(), '{tenant}', '{tenant}', now());
         INSERT INTO bellhop.service
                SELECT bellhop.uuid_v7(), id, 'app', 'app', '{{}}', now() FROM bellhop.tenant
                 WHERE key = '{tenant}';
         INSERT INTO bellhop.department
                SELECT bellhop.uuid_v7(), id, 'dept', 'dept' FROM bellhop.tenant WHERE key = '{tenant}';
         INSERT INTO bellhop.custom_group
                SELECT bellhop.uuid_v7(), id, 'club', 'club' FROM bellhop.tenant WHERE key = '{tenant}';
         INSERT INTO bellhop.user_account (id, tenant_id, key, name, created_at, updated_at)
                SELECT bellhop.uuid_v7(), t.id, u, 'User ' || u, now(), now()
                  FROM bellhop.tenant t, unnest('{{u1,u2}}'::text[]) u WHERE t.key = '{tenant}';
         INSERT INTO bellhop.user_stream (user_id, tenant_id)
                SELECT u.id, u.tenant_id FROM bellhop.user_account u
                  JOIN bellhop.tenant t ON t.id = u.tenant_id WHERE t.key = '{tenant}';
         INSERT INTO bellhop.service_member
                SELECT u.tenant_id, u.id, s.id FROM bellhop.user_account u
                  JOIN bellhop.service s USING (tenant_id)
                  JOIN bellhop.tenant t ON t.id = u.tenant_id WHERE t.key = '{tenant}';
         INSERT INTO bellhop.user_department
                SELECT u.tenant_id, u.id, d.id FROM bellhop.user_account u
                  JOIN bellhop.department d USING (tenant_id)
                  JOIN bellhop.tenant t ON t.id = u.tenant_id WHERE t.key = '{tenant}' AND u.key = 'u1';
         INSERT INTO bellhop.group_member
                SELECT u.tenant_id, u.id, g.id FROM bellhop.user_account u
                  JOIN bellhop.custom_group g USING (tenant_id)
                  JOIN bellhop.tenant t ON t.id = u.tenant_id WHERE t.key = '{tenant}' AND u.key = 'u1';"
    )))
    .execute(pool)
    .await
    .unwrap();
}

/// A clock that stands at noon of today, so that today's partitions fit.
pub(crate) fn noon() -> Clock {
    let now = Clock::system().now().as_second();
    Clock::manual(Timestamp::from_second(now - now % 86_400 + 43_200).unwrap())
}
