//! The stand-ins' own strictness: what a careless sender gets wrong is refused here, as the real
//! services would.

use std::net::Ipv4Addr;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use http::StatusCode;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{Account, Browser, DevPush};
use crate::support::clock::Clock;
use crate::support::ids::Ids;
use crate::support::lifecycle::Lifecycle;

static ACCOUNT: OnceLock<Account> = OnceLock::new();

const NOW: i64 = 1_795_341_600;

struct Stage {
    url: String,
    stand_ins: DevPush,
    key: Value,
    http: reqwest::Client,
    life: Lifecycle,
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.life.kill();
    }
}

impl Stage {
    async fn new() -> Self {
        let account = ACCOUNT.get_or_init(|| Account::make().unwrap()).clone();
        let clock = Clock::manual(jiff::Timestamp::from_second(NOW).unwrap());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let stand_ins = DevPush::new(address, account, clock.clone(), Ids::new(clock));
        let key = serde_json::from_str(&stand_ins.key_file()).unwrap();
        let life = Lifecycle::new();
        life.spawn("stand-ins", stand_ins.clone().serve(listener, life.clone()));
        Self {
            url: format!("http://{address}"),
            stand_ins,
            key,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            life,
        }
    }

    fn text(&self, name: &str) -> &str {
        self.key[name].as_str().unwrap()
    }

    fn claims(&self) -> Value {
        json!({"iss": self.text("client_email"), "aud": self.text("token_uri"), "iat": NOW - 30,
               "scope": "https://www.googleapis.com/auth/firebase.messaging", "exp": NOW + 3500})
    }

    fn sign(&self, claims: &Value) -> String {
        let key = EncodingKey::from_rsa_pem(self.text("private_key").as_bytes()).unwrap();
        jsonwebtoken::encode(&Header::new(Algorithm::RS256), claims, &key).unwrap()
    }

    async fn exchange(&self, grant: &str, assertion: &str) -> (StatusCode, Value) {
        let form = [("grant_type", grant), ("assertion", assertion)];
        let answer = self
            .http
            .post(self.text("token_uri"))
            .form(&form)
            .send()
            .await
            .unwrap();
        (answer.status(), answer.json().await.unwrap())
    }
}

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

#[tokio::test]
async fn an_assertion_is_checked_in_every_claim() {
    let stage = Stage::new().await;
    let good = stage.sign(&stage.claims());
    let (status, granted) = stage.exchange(GRANT, &good).await;
    assert_eq!(
        (status, &granted["expires_in"]),
        (StatusCode::OK, &json!(3599))
    );
    assert_eq!(
        stage.exchange("password", &good).await.0,
        StatusCode::BAD_REQUEST
    );
    for (name, value) in [
        ("iss", json!("somebody@else")),
        ("aud", json!("https://oauth2.googleapis.com/token")),
        ("scope", json!("https://www.googleapis.com/auth/drive")),
        ("iat", json!(NOW - 301)),
        ("iat", json!(NOW + 301)),
        ("exp", json!(NOW + 3571)), // 3601 s after iat
        ("exp", json!(NOW)),
        ("exp", json!(null)),
    ] {
        let mut claims = stage.claims();
        claims[name] = value.clone();
        let (status, _) = stage.exchange(GRANT, &stage.sign(&claims)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{name}: {value}");
    }
    let forged = format!("{}A", &good[..good.len() - 1]);
    let forged = if forged == good {
        format!("{}B", &good[..good.len() - 1])
    } else {
        forged
    };
    assert_eq!(
        stage.exchange(GRANT, &forged).await.0,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn a_padded_assertion_passes_and_is_counted() {
    let stage = Stage::new().await;
    // Parts as two of Google's own libraries write them.
    let header = URL_SAFE.encode(r#"{"alg":"RS256","typ":"JWT","kid":"12"}"#);
    let payload = URL_SAFE.encode(format!("{} ", stage.claims()));
    let payload = if payload.ends_with('=') {
        payload
    } else {
        URL_SAFE.encode(stage.claims().to_string())
    };
    let message = format!("{header}.{payload}");
    let key = EncodingKey::from_rsa_pem(stage.text("private_key").as_bytes()).unwrap();
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::RS256).unwrap();
    let padded = format!("{message}.{signature}==");
    assert_eq!(stage.exchange(GRANT, &padded).await.0, StatusCode::OK);
    let counted = stage
        .http
        .get(format!("{}/state", stage.url))
        .send()
        .await
        .unwrap();
    assert_eq!(
        counted.json::<Value>().await.unwrap()["paddedAssertions"],
        1
    );
}

mod vapid;

#[tokio::test]
async fn the_page_shows_cards_and_escapes_what_they_say() {
    let stage = Stage::new().await;
    let wanted = json!({"platform": "fcm", "name": "<b>Ana's</b> phone"});
    let made = stage
        .http
        .post(format!("{}/devices", stage.url))
        .json(&wanted)
        .send()
        .await
        .unwrap();
    let made: Value = made.json().await.unwrap();
    let (_, granted) = stage.exchange(GRANT, &stage.sign(&stage.claims())).await;
    let sent = stage
        .http
        .post(format!(
            "{}/v1/projects/{}/messages:send",
            stage.url,
            stage.text("project_id")
        ))
        .bearer_auth(granted["access_token"].as_str().unwrap())
        .json(&json!({"message": {"token": made["tokenOrSubscription"],
                                   "notification": {"title": "<script>", "body": "a & b"}}}))
        .send()
        .await
        .unwrap();
    assert_eq!(sent.status(), StatusCode::OK);
    let page = stage.http.get(&stage.url).send().await.unwrap();
    assert!(
        page.headers()["content-security-policy"]
            .to_str()
            .unwrap()
            .contains("'none'")
    );
    let page = page.text().await.unwrap();
    assert!(
        page.contains("&lt;b&gt;Ana&#39;s&lt;/b&gt; phone"),
        "{page}"
    );
    assert!(page.contains("&lt;script&gt;") && page.contains("a &amp; b"));
    assert_eq!(page.matches("<script").count(), 1, "the page's own");
    let style = stage
        .http
        .get(format!("{}/page.css", stage.url))
        .send()
        .await
        .unwrap();
    assert_eq!(style.headers()["content-type"], "text/css; charset=utf-8");
}

#[tokio::test]
async fn the_same_is_there_for_whoever_is_in_the_process() {
    let stage = Stage::new().await;
    let phone = stage.stand_ins.phone("Ana's");
    let browser = stage
        .stand_ins
        .browser("Ana's", Browser::Apple, None)
        .unwrap();
    assert_eq!((phone.platform, browser.platform), ("fcm", "webpush"));
    assert!(
        browser
            .token_or_subscription
            .contains("web.push.apple.com.localhost")
    );
    assert_eq!(
        stage.stand_ins.look(&phone.id).unwrap()["screen"],
        json!([])
    );
    assert!(
        stage
            .stand_ins
            .script(&phone.id, json!([{"status": 503}]))
            .unwrap()
    );
    assert!(!stage.stand_ins.script("nobody", json!([])).unwrap());
    assert!(
        stage
            .stand_ins
            .script(&phone.id, json!([{"statsu": 503}]))
            .is_err()
    );

    let folder = tempfile::tempdir().unwrap();
    let files = stage.stand_ins.write_keys(folder.path()).unwrap();
    let vapid = std::fs::read(&files.vapid).unwrap();
    let again = stage.stand_ins.write_keys(folder.path()).unwrap();
    assert_eq!(
        std::fs::read(&again.vapid).unwrap(),
        vapid,
        "what subscribed stays subscribed"
    );
    let key: Value = serde_json::from_slice(&std::fs::read(&files.fcm).unwrap()).unwrap();
    assert_eq!(key, stage.key);
}

/// The page's buttons are the app: they acknowledge with the device's credential, and say when that failed.
#[tokio::test]
async fn a_touched_card_is_acknowledged_with_the_devices_credential() {
    let stage = Stage::new().await;
    let heard = std::sync::Arc::new(parking_lot::Mutex::new(Vec::new()));
    let to = heard.clone();
    let acks = axum::routing::post(
        move |headers: http::HeaderMap, axum::Json(body): axum::Json<Value>| {
            let bearer = headers["authorization"].to_str().unwrap().to_owned();
            to.lock().push((bearer, body));
            async { StatusCode::OK }
        },
    );
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = axum::Router::new().route("/api/v1/acks", acks);
    stage.life.spawn("product", async move {
        axum::serve(listener, router).await.ok();
    });

    let phone = stage.stand_ins.phone("phone");
    let install = |acks: String| {
        let body = json!({"acks": acks, "credential": "bhd_x"});
        let url = format!("{}/devices/{}/app", stage.url, phone.id);
        stage.http.post(url).json(&body).send()
    };
    let refused = install("https://evil.example/api/v1/acks".to_owned())
        .await
        .unwrap();
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let good = install(format!("http://{address}/api/v1/acks"))
        .await
        .unwrap();
    assert_eq!(good.status(), StatusCode::NO_CONTENT);

    let draw = |tag: &str| {
        let mut held = stage.stand_ins.0.held.lock();
        let device = held.devices.get_mut(&phone.id).unwrap();
        device.screen.draw(super::card::Card {
            tag: tag.to_owned(),
            title: "Look <now>".to_owned(),
            body: String::new(),
            link: None,
            high: true,
            drawn: jiff::Timestamp::from_second(NOW).unwrap(),
            replaced: 0,
            withdrawn: None,
            touched: None,
            settled: false,
        });
    };
    draw("one");
    draw("two");
    let page = stage
        .http
        .get(&stage.url)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(
        page.contains("Look &lt;now&gt;") && page.contains("cards/one/tap"),
        "{page}"
    );
    let touch = |tag: &str, how: &str, site: &str| {
        let url = format!("{}/devices/{}/cards/{tag}/{how}", stage.url, phone.id);
        stage.http.post(url).header("sec-fetch-site", site).send()
    };
    let cross = touch("one", "tap", "cross-site").await.unwrap();
    assert_eq!(cross.status(), StatusCode::FORBIDDEN);
    for (tag, how) in [("one", "tap"), ("one", "tap"), ("two", "dismiss")] {
        let answer = touch(tag, how, "same-origin").await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "back at the page");
    }
    let said = |via: &str, id: &str| ("Bearer bhd_x".to_owned(), json!({"ids": [id], "via": via}));
    assert_eq!(*heard.lock(), [said("tap", "one"), said("push", "two")]);
    let screen = stage.stand_ins.look(&phone.id).unwrap()["screen"].clone();
    assert_eq!(screen, json!([]));

    // A server that is gone: the device says so.
    install("http://127.0.0.1:1/api/v1/acks".to_owned())
        .await
        .unwrap();
    draw("three");
    touch("three", "tap", "same-origin").await.unwrap();
    let page = stage
        .http
        .get(&stage.url)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(page.contains("not acknowledged"), "{page}");
}
