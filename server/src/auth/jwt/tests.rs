//! Attacks on a token, one test each, by tokens really signed.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _,
};
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, EncodingKey, Header as JwtHeader};
use serde_json::json;

use super::keys::{KeyConfig, Names};
use super::*;
use crate::support::clock::Clock;
use crate::support::ids::Ids;

const NOW: i64 = 1_795_000_000;
const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

fn config(alg: Algorithm) -> KeyConfig {
    KeyConfig {
        kid: None,
        alg,
        secret: None,
        pem: None,
        issuer: "https://login.acme.example".to_owned(),
        audience: "bellhop".to_owned(),
        tenants: Names::All,
        services: Names::All,
        authoritative: false,
        scopes: Vec::new(),
        claims: claims::ClaimNames::default(),
    }
}

fn hs(secret: &str) -> KeyConfig {
    KeyConfig {
        secret: Some(secret.to_owned().into()),
        ..config(Algorithm::HS256)
    }
}

fn payload(extra: Value) -> Value {
    let mut claims = json!({
        "iss": "https://login.acme.example", "aud": "bellhop",
        "exp": NOW + 600, "sub": "u1", "tid": "acme", "sid": "crm",
    });
    if let (Some(claims), Value::Object(extra)) = (claims.as_object_mut(), extra) {
        claims.extend(extra);
        claims.retain(|_, value| !value.is_null());
    }
    claims
}

fn sign(alg: Algorithm, key: &EncodingKey, claims: &Value) -> String {
    jsonwebtoken::encode(&JwtHeader::new(alg), claims, key).unwrap()
}

fn sign_hs(secret: &str, claims: &Value) -> String {
    sign(
        Algorithm::HS256,
        &EncodingKey::from_secret(secret.as_bytes()),
        claims,
    )
}

fn check(config: KeyConfig, token: &str) -> Result<Claims, Fault> {
    let keys = VerificationKeys::new(vec![config]).unwrap();
    verify(token, &keys, now()).map(|verified| verified.claims)
}

fn pem(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let lines = body
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap());
    let body = lines.collect::<Vec<_>>().join("\n");
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
}

fn rsa() -> (EncodingKey, String) {
    let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
    let private = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).unwrap();
    let public = AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key()).unwrap();
    let private = pem("PRIVATE KEY", private.as_ref());
    (
        EncodingKey::from_rsa_pem(private.as_bytes()).unwrap(),
        pem("PUBLIC KEY", public.as_ref()),
    )
}

#[test]
fn every_family_of_algorithms_is_accepted_and_only_by_its_own_key() {
    let claims = payload(json!({}));
    let mut tried = Vec::new();
    for alg in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
        let key = KeyConfig { alg, ..hs(SECRET) };
        tried.push((
            key,
            sign(alg, &EncodingKey::from_secret(SECRET.as_bytes()), &claims),
        ));
    }
    let (private, public) = rsa();
    for alg in [
        Algorithm::RS256,
        Algorithm::RS512,
        Algorithm::PS256,
        Algorithm::PS384,
    ] {
        let key = KeyConfig {
            pem: Some(public.clone()),
            ..config(alg)
        };
        tried.push((key, sign(alg, &private, &claims)));
    }
    for (alg, curve) in [
        (Algorithm::ES256, &ECDSA_P256_SHA256_FIXED_SIGNING),
        (Algorithm::ES384, &ECDSA_P384_SHA384_FIXED_SIGNING),
    ] {
        let pair = EcdsaKeyPair::generate(curve).unwrap();
        let private = pem("PRIVATE KEY", pair.to_pkcs8v1().unwrap().as_ref());
        let public = AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key()).unwrap();
        let key = KeyConfig {
            pem: Some(pem("PUBLIC KEY", public.as_ref())),
            ..config(alg)
        };
        let private = EncodingKey::from_ec_pem(private.as_bytes()).unwrap();
        tried.push((key, sign(alg, &private, &claims)));
    }
    let pair = Ed25519KeyPair::generate().unwrap();
    let private = pem(
        "PRIVATE KEY",
        AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).unwrap().as_ref(),
    );
    let public = AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key()).unwrap();
    let key = KeyConfig {
        pem: Some(pem("PUBLIC KEY", public.as_ref())),
        ..config(Algorithm::EdDSA)
    };
    let private = EncodingKey::from_ed_pem(private.as_bytes()).unwrap();
    tried.push((key, sign(Algorithm::EdDSA, &private, &claims)));

    for (index, (key, _)) in tried.iter().enumerate() {
        for (other, (_, token)) in tried.iter().enumerate() {
            let answer = check(key.clone(), token);
            if index == other {
                assert_eq!(answer.unwrap().user.as_deref(), Some("u1"), "{:?}", key.alg);
            } else {
                assert_eq!(
                    answer,
                    Err(Fault::BadSignature),
                    "{:?} took {other}",
                    key.alg
                );
            }
        }
    }
}

#[test]
fn a_token_without_algorithm_or_signature_is_refused() {
    let body = URL_SAFE_NO_PAD.encode(payload(json!({})).to_string());
    for alg in ["none", "None", "NONE", "", "HS256"] {
        let header = URL_SAFE_NO_PAD.encode(json!({"alg": alg, "typ": "JWT"}).to_string());
        assert_eq!(
            check(hs(SECRET), &format!("{header}.{body}.")),
            Err(Fault::BadSignature)
        );
    }
}

#[test]
fn a_public_key_is_no_shared_secret() {
    let (_, public) = rsa();
    let forged = sign_hs(&public, &payload(json!({})));
    let key = KeyConfig {
        pem: Some(public),
        ..config(Algorithm::RS256)
    };
    assert_eq!(check(key, &forged), Err(Fault::BadSignature));
}

#[test]
fn a_changed_payload_breaks_the_signature() {
    let token = sign_hs(SECRET, &payload(json!({})));
    let parts = token.split('.').collect::<Vec<_>>();
    let other = URL_SAFE_NO_PAD.encode(payload(json!({"sub": "boss"})).to_string());
    let forged = format!("{}.{other}.{}", parts[0], parts[2]);
    assert_eq!(check(hs(SECRET), &forged), Err(Fault::BadSignature));
    let elsewhere = sign_hs("another secret of thirty-two bytes", &payload(json!({})));
    assert_eq!(check(hs(SECRET), &elsewhere), Err(Fault::BadSignature));
}

#[test]
fn issuer_and_audience_must_be_ours() {
    let answer = |extra| check(hs(SECRET), &sign_hs(SECRET, &payload(extra)));
    assert_eq!(
        answer(json!({"iss": "https://evil.example"})),
        Err(Fault::UnknownIssuer)
    );
    assert!(matches!(
        answer(json!({"iss": null})),
        Err(Fault::MalformedToken(_))
    ));
    assert_eq!(answer(json!({"aud": "billing"})), Err(Fault::WrongAudience));
    assert_eq!(answer(json!({"aud": null})), Err(Fault::WrongAudience));
    assert_eq!(
        answer(json!({"aud": ["billing", "crm"]})),
        Err(Fault::WrongAudience)
    );
    assert!(answer(json!({"aud": ["billing", "bellhop"]})).is_ok());
    // A wrong audience is only told to who could sign.
    let foreign = sign_hs(
        "another secret of thirty-two bytes",
        &payload(json!({"aud": "x"})),
    );
    assert_eq!(check(hs(SECRET), &foreign), Err(Fault::BadSignature));
}

#[test]
fn time_counts_with_thirty_seconds_of_leeway() {
    let answer = |extra| check(hs(SECRET), &sign_hs(SECRET, &payload(extra)));
    assert!(answer(json!({"exp": NOW - 29})).is_ok());
    assert_eq!(answer(json!({"exp": NOW - 30})), Err(Fault::ExpiredToken));
    assert_eq!(answer(json!({"exp": NOW - 600})), Err(Fault::ExpiredToken));
    assert_eq!(answer(json!({"exp": -5})), Err(Fault::ExpiredToken));
    assert!(matches!(
        answer(json!({"exp": null})),
        Err(Fault::MalformedToken(_))
    ));
    assert!(matches!(
        answer(json!({"exp": "soon"})),
        Err(Fault::MalformedToken(_))
    ));
    assert!(matches!(
        answer(json!({"exp": 1e300})),
        Err(Fault::MalformedToken(_))
    ));
    assert!(answer(json!({"exp": 1_795_000_600.75})).is_ok());
    assert!(answer(json!({"nbf": NOW + 30})).is_ok());
    assert_eq!(
        answer(json!({"nbf": NOW + 31})),
        Err(Fault::NotYetValidToken)
    );
}

#[test]
fn the_key_id_chooses_among_the_keys_of_an_issuer_only() {
    let old = KeyConfig {
        kid: Some("2025".to_owned()),
        ..hs(SECRET)
    };
    let fresh = "another secret of thirty-two bytes";
    let new = KeyConfig {
        kid: Some("2026".to_owned()),
        ..hs(fresh)
    };
    let keys = VerificationKeys::new(vec![old, new]).unwrap();
    let token = |kid: Option<&str>, secret: &str| {
        let mut header = JwtHeader::new(Algorithm::HS256);
        header.kid = kid.map(str::to_owned);
        let key = EncodingKey::from_secret(secret.as_bytes());
        jsonwebtoken::encode(&header, &payload(json!({})), &key).unwrap()
    };
    assert!(verify(&token(Some("2026"), fresh), &keys, now()).is_ok());
    assert!(verify(&token(None, SECRET), &keys, now()).is_ok());
    for (kid, secret) in [("2025", fresh), ("2027", fresh)] {
        let answer = verify(&token(Some(kid), secret), &keys, now());
        assert_eq!(answer.unwrap_err(), Fault::BadSignature);
    }
}

#[test]
fn rubbish_is_malformed_and_nothing_panics() {
    let long = "a".repeat(LONGEST + 1);
    for token in [
        "",
        ".",
        "..",
        "a.b",
        "a.b.c.d",
        "é.é.é",
        "e30.e30.x",
        "bnVsbA.bnVsbA.",
        &long,
    ] {
        assert!(
            matches!(check(hs(SECRET), token), Err(Fault::MalformedToken(_))),
            "{token:.20}"
        );
    }
    let answer = |extra| check(hs(SECRET), &sign_hs(SECRET, &payload(extra)));
    for extra in [
        json!({"sub": ""}),
        json!({"sub": "a\u{0}b"}),
        json!({"sub": ["u1"]}),
        json!({"tid": "x".repeat(129)}),
        json!({"did": "x".repeat(65)}),
        json!({"departments": {"a": 1}}),
        json!({"roles": [1]}),
    ] {
        assert!(
            matches!(answer(extra.clone()), Err(Fault::MalformedToken(_))),
            "{extra}"
        );
    }
    assert_eq!(
        answer(json!({"sub": 42})).unwrap().user.as_deref(),
        Some("42")
    );
    let mut header = JwtHeader::new(Algorithm::HS256);
    header
        .extras
        .insert("crit".to_owned(), "[\"b64\"]".to_owned());
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let token = jsonwebtoken::encode(&header, &payload(json!({})), &key).unwrap();
    assert!(matches!(
        check(hs(SECRET), &token),
        Err(Fault::MalformedToken(_))
    ));
}

#[test]
fn claims_are_read_by_the_names_of_the_key() {
    let key = KeyConfig {
        claims: claims::ClaimNames {
            user: "oid".to_owned(),
            tenant: "org".to_owned(),
            ..claims::ClaimNames::default()
        },
        ..hs(SECRET)
    };
    let extra =
        json!({"oid": "o1", "org": "o", "scope": "read openid", "roles": ["hr"], "did": "d"});
    let claims = check(key, &sign_hs(SECRET, &payload(extra))).unwrap();
    assert_eq!(claims.user.as_deref(), Some("o1"));
    assert_eq!(claims.tenant.as_deref(), Some("o"));
    assert_eq!(claims.scopes.words(), ["read"]);
    assert_eq!(claims.roles, Some(vec!["hr".to_owned()]));
    assert_eq!(claims.departments, None);
}

#[test]
fn hub_tokens_are_five_minutes_and_for_the_hub() {
    let ids = Ids::new(Clock::manual(now()));
    let hub = hub::HubKey::new(&ids.bytes::<32>());
    let (tenant, user, session) = (ids.uuid(), ids.uuid(), ids.uuid());
    let token = hub.mint(tenant, user, session, now()).unwrap();
    let claims = hub.verify(&token, now()).unwrap();
    assert_eq!(
        (claims.tenant, claims.user, claims.session),
        (tenant, user, session)
    );
    assert_eq!(claims.expires_at.as_second(), NOW + 300);
    let later = Timestamp::from_second(NOW + 331).unwrap();
    assert_eq!(hub.verify(&token, later), Err(Fault::ExpiredToken));
    let other = hub::HubKey::new(&ids.bytes::<32>());
    assert_eq!(other.verify(&token, now()), Err(Fault::BadSignature));
}

#[test]
fn settings_that_cannot_be_safe_are_refused() {
    let (_, public) = rsa();
    let refused = |config| VerificationKeys::new(vec![config]).is_err();
    assert!(refused(hs("short")));
    assert!(refused(KeyConfig {
        issuer: "bellhop".to_owned(),
        ..hs(SECRET)
    }));
    assert!(refused(KeyConfig {
        audience: String::new(),
        ..hs(SECRET)
    }));
    assert!(refused(config(Algorithm::HS256)));
    assert!(refused(config(Algorithm::RS256)));
    assert!(refused(KeyConfig {
        pem: Some(public.clone()),
        ..hs(SECRET)
    }));
    assert!(refused(KeyConfig {
        pem: Some(public),
        ..config(Algorithm::ES256)
    }));
    let twice = KeyConfig {
        kid: Some("a".to_owned()),
        ..hs(SECRET)
    };
    assert!(VerificationKeys::new(vec![twice.clone(), twice]).is_err());
    let text = json!({"keys": [{
        "id": "k1", "alg": "HS256", "secret": SECRET, "issuer": "i", "audience": "a",
        "tenants": ["acme"], "authoritative": true, "scopes": ["publish"],
    }]});
    let keys = VerificationKeys::from_json(&text.to_string()).unwrap();
    assert!(keys.knows_issuer("i"));
    assert!(!format!("{keys:?}").contains(SECRET));
    let typo = text.to_string().replace("authoritative", "autoritative");
    assert!(VerificationKeys::from_json(&typo).is_err());
    let all = text.to_string().replace("[\"acme\"]", "\"acme\"");
    assert!(VerificationKeys::from_json(&all).is_err());
}
