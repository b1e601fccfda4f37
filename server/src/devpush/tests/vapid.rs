//! A push service's look at signature, envelope and seal.

use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::{NOW, Stage};

struct Sender {
    key: EncodingKey,
    public: String,
}

impl Sender {
    fn new() -> Self {
        let key = PrivateKey::generate(&ECDH_P256).unwrap();
        let der: Pkcs8V1Der<'_> = key.as_der().unwrap();
        let public = key.compute_public_key().unwrap();
        Self {
            key: EncodingKey::from_ec_der(der.as_ref()),
            public: URL_SAFE_NO_PAD.encode(public.as_ref()),
        }
    }

    fn header(&self, claims: &Value) -> String {
        let token =
            jsonwebtoken::encode(&Header::new(Algorithm::ES256), claims, &self.key).unwrap();
        format!("vapid t={token}, k={}", self.public)
    }
}

#[tokio::test]
async fn a_careless_sender_is_refused_by_each_service_in_its_own_words() {
    let stage = Stage::new().await;
    let (sender, other) = (Sender::new(), Sender::new());
    let port = stage.url.rsplit(':').next().unwrap();
    for (browser, host, auth) in [
        ("chrome", "fcm.googleapis.com", StatusCode::FORBIDDEN),
        (
            "mozilla",
            "updates.push.services.mozilla.com",
            StatusCode::UNAUTHORIZED,
        ),
        ("apple", "web.push.apple.com", StatusCode::FORBIDDEN),
        (
            "wns",
            "wns2-am3p.notify.windows.com",
            StatusCode::UNAUTHORIZED,
        ),
    ] {
        let wanted = json!({"platform": "webpush", "browser": browser,
                            "applicationServerKey": sender.public});
        let made = stage
            .http
            .post(format!("{}/devices", stage.url))
            .json(&wanted)
            .send();
        let made: Value = made.await.unwrap().json().await.unwrap();
        let id = made["id"].as_str().unwrap();
        let origin = format!("http://{host}.localhost:{port}");
        let subscription = made["tokenOrSubscription"].as_str().unwrap();
        assert!(subscription.contains(&format!("{origin}/push/{id}")));

        let good = json!({"aud": origin, "exp": NOW + 3600, "sub": "mailto:push@acme.com"});
        let with = |name: &str, value: Value| {
            let mut claims = good.clone();
            claims[name] = value;
            sender.header(&claims)
        };
        let push = async |authorization: &str, headers: &[(&str, &str)]| {
            let mut request = stage
                .http
                .post(format!("{}/push/{id}", stage.url))
                .header("host", format!("{host}.localhost:{port}"))
                .header("authorization", authorization)
                .header("content-encoding", "aes128gcm");
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let answer = request.body(vec![0_u8; 200]).send().await.unwrap();
            (
                answer.status(),
                answer.headers().clone(),
                answer.text().await.unwrap(),
            )
        };
        let ttl = [("ttl", "60")];
        let without_port = format!("http://{host}.localhost");
        for (what, header) in [
            ("no port", with("aud", without_port.into())),
            ("another origin", with("aud", "https://example.com".into())),
            ("past", with("exp", NOW.into())),
            ("too far", with("exp", (NOW + 24 * 3600 + 1).into())),
            ("nobody", with("sub", "mailto:push@localhost".into())),
            ("other key", other.header(&good)),
            ("k of the subscription, signed by another", {
                let theirs = other.header(&good);
                theirs.replace(&other.public, &sender.public)
            }),
            ("scheme", "Bearer x".to_owned()),
        ] {
            let (status, headers, body) = push(&header, &ttl).await;
            assert_eq!(status, auth, "{browser}, {what}: {body}");
            match browser {
                "mozilla" => assert!(body.contains("\"errno\":109"), "{body}"),
                "apple" => assert_eq!(body, r#"{"reason":"BadJwtToken"}"#),
                "wns" => assert!(headers.contains_key("x-wns-error-description")),
                _ => {}
            }
        }
        let good = sender.header(&good);
        for headers in [
            &[][..],
            &[("ttl", "soon")],
            &[("ttl", "60"), ("urgency", "very-high")],
            &[("ttl", "60"), ("topic", "not a topic")],
            &[
                ("ttl", "60"),
                ("topic", "a-topic-of-more-than-thirty-two-letters"),
            ],
            &[("ttl", "60")], // and this one's body is no seal
        ] {
            let (status, ..) = push(&good, headers).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{browser}, {headers:?}");
        }
        if browser == "wns" {
            assert_eq!(
                push(&good, &[("ttl", "0")]).await.0,
                StatusCode::BAD_REQUEST
            );
        }
        let look = stage
            .http
            .get(format!("{}/devices/{id}", stage.url))
            .send()
            .await
            .unwrap();
        assert_eq!(look.json::<Value>().await.unwrap()["received"], json!([]));
    }
}
