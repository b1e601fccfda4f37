//! Signing in and out as a browser does, on a real database.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use app::backend::Caller;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::middleware::from_fn;
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use http::{Request, StatusCode, header};
use parking_lot::Mutex;
use secrecy::ExposeSecret as _;
use tower::ServiceExt as _;
use uuid::Uuid;

use super::sign_in::SignIn;
use super::{session, setup, sign_in};
use crate::auth::api_key;
use crate::auth::limiter::{LoginLimiter, Tries};
use crate::auth::{AuthSettings, AuthState, Hooks, Surface, VerificationKeys, hub_token};
use crate::support::address::TrustedProxies;
use crate::support::clock::Clock;
use crate::support::ids::Ids;
use crate::testing;
use crate::testing::log::CaughtLog;

struct Site {
    auth: AuthState,
    router: Router,
    ended: Arc<Mutex<Vec<Uuid>>>,
}

async fn site(limiter: LoginLimiter) -> Site {
    let pool = testing::database().await;
    let clock = Clock::system();
    let auth = AuthState::open(
        pool,
        clock.clone(),
        Ids::new(clock),
        VerificationKeys::default(),
        AuthSettings::default(),
    )
    .await
    .unwrap();
    let ended = Arc::new(Mutex::new(Vec::new()));
    let told = ended.clone();
    auth.set_hooks(Hooks {
        session_ended: Arc::new(move |session| told.lock().push(session)),
        people_changed: Arc::new(|_, _| {}),
        people_removed: Arc::new(|| {}),
        services_changed: Arc::new(|| {}),
    });
    let forms = sign_in::routes(SignIn {
        auth: auth.clone(),
        limiter,
        proxies: TrustedProxies::default(),
    });
    let who = async |Extension(caller): Extension<Option<Caller>>| match caller {
        Some(caller) => format!("{:?} {:x}", caller.roles, caller.session),
        None => "nobody".to_owned(),
    };
    let router = forms
        .merge(
            Router::new()
                .route("/who", get(who))
                .layer(from_fn(session::caller)),
        )
        .layer(session::layer(&auth, false))
        .layer(session::csrf(&[]).unwrap());
    Site {
        auth,
        router,
        ended,
    }
}

impl Site {
    async fn send(&self, mut request: Request<Body>) -> Response {
        let peer = SocketAddr::from(([192, 0, 2, 1], 4000));
        request.extensions_mut().insert(ConnectInfo(peer));
        self.router.clone().oneshot(request).await.unwrap()
    }

    async fn post(&self, path: &str, cookie: &str, form: &[(&str, &str)]) -> Response {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::COOKIE, cookie)
            .header("sec-fetch-site", "same-origin");
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    async fn who(&self, cookie: &str) -> String {
        let request = Request::get("/who").header(header::COOKIE, cookie);
        let response = self.send(request.body(Body::empty()).unwrap()).await;
        let body = axum::body::to_bytes(response.into_body(), 4096)
            .await
            .unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    }

    /// Sets up by the link; answers the admin's cookie.
    async fn set_up(&self) -> String {
        let token = self.link().await.unwrap();
        let response = self
            .post("/setup", "", &form(&token, "correct horse battery"))
            .await;
        assert_eq!(location(&response), "/");
        cookie(&response).0
    }

    async fn link(&self) -> Option<String> {
        let clock = Clock::system();
        let ids = Ids::new(clock.clone());
        let link = setup::ensure_setup_link(self.auth.pool(), &clock, &ids)
            .await
            .unwrap()?;
        Some(link.strip_prefix("/setup?token=").unwrap().to_owned())
    }
}

fn form<'a>(token: &'a str, password: &'a str) -> [(&'a str, &'a str); 5] {
    [
        ("token", token),
        ("tenant", "Acme Works"),
        ("name", "Ada"),
        ("login", "Ada@Acme.example"),
        ("password", password),
    ]
}

fn location(response: &Response) -> &str {
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    response.headers()[header::LOCATION].to_str().unwrap()
}

/// `name=value` of the cookie set, and its attributes.
fn cookie(response: &Response) -> (String, String) {
    let set = response.headers()[header::SET_COOKIE].to_str().unwrap();
    let (pair, attributes) = set.split_once(';').unwrap();
    (pair.to_owned(), attributes.to_owned())
}

const LOGIN: (&str, &str) = ("login", " ada@ACME.example ");
const PASSWORD: (&str, &str) = ("password", "correct horse battery");

#[tokio::test]
async fn signing_in_gives_a_new_cookie_and_signing_out_ends_it_everywhere() {
    let site = site(LoginLimiter::default()).await;
    site.set_up().await;
    let planted = "bellhop=AAAAAAAAAAAAAAAAAAAAAA";
    let next = ("next", "/approvals?tab=mine");
    let response = site
        .post("/sign-in", planted, &[LOGIN, PASSWORD, next])
        .await;
    assert_eq!(location(&response), "/approvals?tab=mine");
    let (first, attributes) = cookie(&response);
    assert_ne!(first, planted);
    for wanted in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=43"] {
        assert!(attributes.contains(wanted), "{attributes}");
    }
    assert!(
        !attributes.contains("Secure"),
        "loopback has no TLS: {attributes}"
    );
    assert!(site.who(&first).await.starts_with("[Employee, Admin]"));
    assert_eq!(site.who(planted).await, "nobody");

    // Signing in again with a good cookie: another one, and the first is worth nothing.
    let response = site.post("/sign-in", &first, &[LOGIN, PASSWORD]).await;
    assert_eq!(location(&response), "/");
    let (second, _) = cookie(&response);
    assert_ne!(first, second);
    assert_eq!(site.who(&first).await, "nobody");
    assert_eq!(site.ended.lock().len(), 1);

    let response = site.post("/sign-out", &second, &[]).await;
    assert_eq!(location(&response), "/sign-in");
    assert!(cookie(&response).1.contains("Max-Age=0"));
    assert_eq!(site.who(&second).await, "nobody");
    assert_eq!(site.ended.lock().len(), 2);
    let response = site.post("/sign-out", &second, &[]).await;
    assert_eq!(location(&response), "/sign-in");

    // The cookie itself is nowhere in the database.
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM bellhop.session")
        .fetch_one(site.auth.pool())
        .await
        .unwrap();
    assert_eq!(rows, 1, "only the one from the set-up is left");
}

#[tokio::test]
async fn a_wrong_name_and_a_wrong_password_look_alike_and_tries_are_counted() {
    let tries = |at_once| Tries {
        at_once: NonZeroU32::new(at_once).unwrap(),
        one_each: Duration::from_hours(1),
    };
    let site = site(LoginLimiter::new(tries(3), tries(100))).await;
    site.set_up().await;
    for name in ["ada@acme.example", "nobody", "a\u{0}b", ""] {
        let response = site
            .post("/sign-in", "", &[("login", name), ("password", "no")])
            .await;
        let at = location(&response);
        assert!(at.starts_with("/sign-in?error=wrong"), "{at}");
        assert!(response.headers().get(header::SET_COOKIE).is_none());
    }
    let wrong = [
        ("login", "ada@acme.example"),
        ("password", "no"),
        ("next", "/inbox"),
    ];
    let response = site.post("/sign-in", "", &wrong).await;
    let back = "/sign-in?error=wrong&login=ada%40acme.example&next=%2Finbox";
    assert_eq!(location(&response), back);
    site.post("/sign-in", "", &wrong).await;
    // The fourth try is refused although it is right.
    let response = site.post("/sign-in", "", &[LOGIN, PASSWORD]).await;
    assert!(location(&response).starts_with("/sign-in?error=locked"));
}

#[tokio::test]
async fn another_site_can_neither_sign_in_nor_out() {
    let site = site(LoginLimiter::default()).await;
    let mine = site.set_up().await;
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("origin", "https://evil.example"),
    ] {
        let request = Request::post("/sign-out")
            .header(header::HOST, "bellhop.example")
            .header(header::COOKIE, &mine)
            .header(name, value);
        let response = site.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
    }
    assert!(site.who(&mine).await.contains("Admin"));
}

#[tokio::test]
async fn roles_are_fresh_and_an_inactive_user_is_out() {
    let site = site(LoginLimiter::default()).await;
    let mine = site.set_up().await;
    let change = async |sql: &'static str| {
        sqlx::query(sql).execute(site.auth.pool()).await.unwrap();
    };
    change("UPDATE bellhop.user_account SET roles = '{hr}'").await;
    assert!(site.who(&mine).await.starts_with("[Hr]"));
    change("UPDATE bellhop.user_account SET active = false").await;
    assert_eq!(site.who(&mine).await, "nobody");
    change("UPDATE bellhop.user_account SET active = true").await;
    change("UPDATE bellhop.session SET expires_at = now() - interval '1 second'").await;
    assert_eq!(site.who(&mine).await, "nobody");
    site.auth.chores().await.unwrap();
    assert_eq!(site.ended.lock().len(), 1, "the sweep tells the hub too");
}

#[tokio::test]
async fn a_session_in_use_lives_on_without_a_write_per_page() {
    let site = site(LoginLimiter::default()).await;
    let mine = site.set_up().await;
    let request = || Request::get("/who").header(header::COOKIE, &mine);
    let response = site.send(request().body(Body::empty()).unwrap()).await;
    assert!(response.headers().get(header::SET_COOKIE).is_none());
    sqlx::query("UPDATE bellhop.session SET expires_at = now() + interval '11 hours'")
        .execute(site.auth.pool())
        .await
        .unwrap();
    let response = site.send(request().body(Body::empty()).unwrap()).await;
    assert_eq!(cookie(&response).0, mine);
    let longer: bool = sqlx::query_scalar(
        "SELECT expires_at > now() + interval '719 minutes' FROM bellhop.session",
    )
    .fetch_one(site.auth.pool())
    .await
    .unwrap();
    assert!(longer);
}

#[tokio::test]
async fn the_set_up_link_works_once_for_half_an_hour_and_only_without_an_admin() {
    let site = site(LoginLimiter::default()).await;
    let old = site.link().await.unwrap();
    let earliest = Clock::system().now().as_millisecond();
    let token = site.link().await.unwrap();
    let latest = Clock::system().now().as_millisecond();
    let until: i64 = sqlx::query_scalar(
        "SELECT floor(extract(epoch FROM expires_at) * 1000)::bigint FROM bellhop.setup_link",
    )
    .fetch_one(site.auth.pool())
    .await
    .unwrap();
    let made = until - 30 * 60 * 1_000;
    assert!(
        (earliest..=latest).contains(&made),
        "{earliest} {made} {latest}"
    );
    let answer = async |token: &str, password: &str| {
        let response = site.post("/setup", "", &form(token, password)).await;
        location(&response).split('&').next().unwrap().to_owned()
    };
    assert_eq!(
        answer(&old, "correct horse battery").await,
        "/setup?error=expired"
    );
    assert_eq!(
        answer("nonsense", "correct horse battery").await,
        "/setup?error=expired"
    );
    assert_eq!(answer(&token, "short").await, "/setup?error=weak");
    sqlx::query("UPDATE bellhop.setup_link SET expires_at = now() - interval '1 second'")
        .execute(site.auth.pool())
        .await
        .unwrap();
    assert_eq!(
        answer(&token, "correct horse battery").await,
        "/setup?error=expired"
    );
    let token = site.link().await.unwrap();
    assert_eq!(answer(&token, "correct horse battery").await, "/");
    assert_eq!(
        answer(&token, "correct horse battery").await,
        "/setup?error=expired"
    );
    assert_eq!(site.link().await, None);
    let made: (String, String, Vec<String>, i64) = sqlx::query_as(
        "SELECT t.key, s.key, u.roles, (SELECT count(*) FROM bellhop.user_stream)
           FROM bellhop.tenant t JOIN bellhop.service s ON s.tenant_id = t.id
           JOIN bellhop.user_account u ON u.tenant_id = t.id
           JOIN bellhop.service_member m ON m.user_id = u.id AND m.service_id = s.id",
    )
    .fetch_one(site.auth.pool())
    .await
    .unwrap();
    assert_eq!(
        (made.0.as_str(), made.1.as_str(), made.3),
        ("acme-works", "workplace", 1)
    );
    assert_eq!(made.2, ["employee", "admin"]);
}

#[tokio::test]
async fn no_secret_reaches_the_log_even_at_trace() {
    let site = site(LoginLimiter::default()).await;
    let log = CaughtLog::start();

    let link = site.link().await.unwrap();
    let response = site
        .post("/setup", "", &form(&link, "correct horse battery"))
        .await;
    let (first, _) = cookie(&response);
    site.post(
        "/sign-in",
        &first,
        &[LOGIN, ("password", "wrong pass word")],
    )
    .await;
    let response = site.post("/sign-in", &first, &[LOGIN, PASSWORD]).await;
    let (second, _) = cookie(&response);
    let who = site.who(&second).await;
    let session = u128::from_str_radix(who.split(' ').next_back().unwrap(), 16).unwrap();
    let (tenant, user): (Uuid, Uuid) =
        sqlx::query_as("SELECT tenant_id, user_id FROM bellhop.session")
            .fetch_one(site.auth.pool())
            .await
            .unwrap();
    let caller = Caller {
        tenant: tenant.as_u128(),
        user: user.as_u128(),
        roles: Vec::new(),
        session,
    };
    let (token, _) = hub_token(&site.auth, &caller).unwrap();
    assert!(site.auth.authenticate(&token, Surface::Hub).await.is_ok());
    assert!(site.auth.authenticate(&token, Surface::Api).await.is_err());
    let (wrong, signature) = token.rsplit_once('.').unwrap();
    let wrong = format!("{wrong}.{}", signature.to_lowercase());
    assert!(site.auth.authenticate(&wrong, Surface::Hub).await.is_err());
    let key = api_key::mint(&Ids::new(Clock::system()));
    let key = key.text.expose_secret();
    assert!(site.auth.authenticate(key, Surface::Api).await.is_err());
    site.post("/sign-out", &second, &[]).await;

    let log = log.text();
    assert!(log.contains("wrong name or password"), "the log was caught");
    let value = |cookie: &str| cookie.split_once('=').unwrap().1.to_owned();
    for secret in [
        "correct horse battery",
        "wrong pass word",
        &link,
        &value(&first),
        &value(&second),
        signature,
        &key[16..],
    ] {
        assert!(!log.contains(secret), "{secret} was logged");
    }
}
