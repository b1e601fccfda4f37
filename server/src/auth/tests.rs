//! Who somebody turns out to be, on a real database.

use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde_json::json;
use uuid::Uuid;

use super::jwt::keys::{KeyConfig, configs_from_json};
use super::jwt::mint::{Wanted, mint};
use super::*;
use crate::api::problem::Problem;
use crate::store::{self, Pool};
use crate::support::clock::Clock;
use crate::support::ids::Ids;
use crate::testing;
use app::backend::Caller;
use app::model::person::Role;

/// Two tenants that call everything alike.
struct World {
    auth: AuthState,
    clock: Clock,
    ids: Ids,
    acme: Tenant,
    evil: Tenant,
    keys: Vec<KeyConfig>,
}

struct Tenant {
    id: Uuid,
    crm: Uuid,
}

fn keys() -> Vec<KeyConfig> {
    let key = |issuer: &str, tenants: serde_json::Value, more: serde_json::Value| {
        let mut key = json!({
            "alg": "HS256", "secret": format!("{issuer}: thirty-two bytes of a secret"),
            "issuer": issuer, "audience": "bellhop", "tenants": tenants,
        });
        if let (Some(key), serde_json::Value::Object(more)) = (key.as_object_mut(), more) {
            key.extend(more);
        }
        key
    };
    let text = json!([
        key("acme", json!(["acme"]), json!({"services": ["crm"]})),
        key("directory", json!(["acme"]), json!({"authoritative": true})),
        key(
            "backend",
            json!(["acme"]),
            json!({"scopes": ["publish", "read"]})
        ),
        key("evil", json!(["evil"]), json!({})),
        key("hoster", json!("*"), json!({})),
    ]);
    configs_from_json(&text.to_string()).unwrap()
}

async fn world() -> World {
    world_with(AuthSettings::default()).await
}

async fn world_with(settings: AuthSettings) -> World {
    let pool = testing::database().await;
    let clock = Clock::manual(Timestamp::from_second(1_795_000_000).unwrap());
    let ids = Ids::new(clock.clone());
    let acme = tenant(&pool, &ids, &clock, "acme").await;
    let evil = tenant(&pool, &ids, &clock, "evil").await;
    let keys = keys();
    let verification = VerificationKeys::new(keys.clone()).unwrap();
    let auth = AuthState::open(pool, clock.clone(), ids.clone(), verification, settings)
        .await
        .unwrap();
    World {
        auth,
        clock,
        ids,
        acme,
        evil,
        keys,
    }
}

async fn tenant(pool: &Pool, ids: &Ids, clock: &Clock, key: &str) -> Tenant {
    let mut conn = pool.acquire().await.unwrap();
    let tenant = Tenant {
        id: ids.uuid(),
        crm: ids.uuid(),
    };
    let now = clock.now();
    store::identity::tenants::create(&mut conn, tenant.id, key, key, now)
        .await
        .unwrap();
    for (id, name) in [(tenant.crm, "crm"), (ids.uuid(), "erp")] {
        store::identity::services::put(
            &mut conn,
            tenant.id,
            id,
            name,
            name,
            store::identity::services::Settings::default(),
            now,
        )
        .await
        .unwrap();
    }
    tenant
}

impl World {
    fn token(&self, issuer: &str, tenant: &str, service: &str, user: &str) -> String {
        let word = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        self.mint(
            issuer,
            &Wanted {
                tenant: word(tenant),
                service: word(service),
                user: word(user),
                lifetime: 600,
                ..Wanted::default()
            },
        )
    }

    fn mint(&self, issuer: &str, wanted: &Wanted) -> String {
        let key = self.keys.iter().find(|key| key.issuer == issuer).unwrap();
        mint(key, wanted, self.clock.now()).unwrap().unwrap()
    }

    /// A token with claims the `token` command does not write.
    fn special(&self, issuer: &str, claims: serde_json::Value) -> String {
        let key = self.keys.iter().find(|key| key.issuer == issuer).unwrap();
        let mut all = json!({
            "iss": issuer, "aud": "bellhop", "exp": self.clock.now().as_second() + 600,
            "tid": "acme", "sid": "crm", "sub": "u1",
        });
        if let (Some(all), serde_json::Value::Object(claims)) = (all.as_object_mut(), claims) {
            all.extend(claims);
        }
        let secret = key.secret.as_ref().unwrap().expose_secret();
        jsonwebtoken::encode(
            &jsonwebtoken::Header::new(key.alg),
            &all,
            &jsonwebtoken::EncodingKey::from_secret(secret.as_bytes()),
        )
        .unwrap()
    }

    async fn ask(&self, token: &str) -> Result<Principal, &'static str> {
        let answer: Result<Principal, Problem> = self.auth.authenticate(token, Surface::Api).await;
        answer.map_err(|problem| {
            assert_eq!(problem.status.as_u16(), 401, "{problem:?}");
            problem.code
        })
    }
}

fn user_of(principal: &Principal) -> Uuid {
    principal.user().unwrap().0
}

#[tokio::test]
async fn a_user_first_seen_is_created_once_with_membership_and_stream() {
    let world = world().await;
    let first = world
        .ask(&world.token("acme", "acme", "crm", "u1"))
        .await
        .unwrap();
    let again = world
        .ask(&world.token("acme", "acme", "crm", "u1"))
        .await
        .unwrap();
    assert_eq!(first, again);
    assert_eq!(first.tenant, world.acme.id);
    assert_eq!(first.service, Some(world.acme.crm));
    assert_eq!(first.roles, [Role::Employee]);
    let rows: (i64, i64) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM bellhop.service_member WHERE user_id = $1 AND service_id = $2),
                (SELECT count(*) FROM bellhop.user_stream WHERE user_id = $1 AND tenant_id = $3)",
    )
    .bind(user_of(&first))
    .bind(world.acme.crm)
    .bind(world.acme.id)
    .fetch_one(world.auth.pool())
    .await
    .unwrap();
    assert_eq!(rows, (1, 1));
}

#[tokio::test]
async fn a_hundred_first_sights_at_once_make_one_user() {
    let world = world().await;
    let token = world.token("acme", "acme", "crm", "u1");
    let all = futures_util::future::join_all((0..100).map(|_| world.ask(&token))).await;
    let first = user_of(all[0].as_ref().unwrap());
    assert!(
        all.iter()
            .all(|one| user_of(one.as_ref().unwrap()) == first)
    );
}

#[tokio::test]
async fn the_same_names_in_two_tenants_are_two_people_and_no_key_reaches_over() {
    let world = world().await;
    let ours = world
        .ask(&world.token("acme", "acme", "crm", "u1"))
        .await
        .unwrap();
    let theirs = world
        .ask(&world.token("evil", "evil", "crm", "u1"))
        .await
        .unwrap();
    assert_ne!(user_of(&ours), user_of(&theirs));
    assert_eq!(theirs.tenant, world.evil.id);
    assert_eq!(theirs.service, Some(world.evil.crm));
    // A tenant outside the key's list answers like one that does not exist.
    assert_eq!(
        world.ask(&world.token("evil", "acme", "crm", "u1")).await,
        Err("unknown_tenant")
    );
    assert_eq!(
        world.ask(&world.token("evil", "nowhere", "", "u1")).await,
        Err("unknown_tenant")
    );
    assert_eq!(
        world.ask(&world.token("hoster", "nowhere", "", "u1")).await,
        Err("unknown_tenant")
    );
    assert_eq!(
        world.ask(&world.token("hoster", "", "", "u1")).await,
        Err("unknown_tenant")
    );
    // So does a service.
    assert_eq!(
        world.ask(&world.token("acme", "acme", "erp", "u1")).await,
        Err("unknown_service")
    );
    assert_eq!(
        world.ask(&world.token("evil", "evil", "x", "u1")).await,
        Err("unknown_service")
    );
    // A key of one tenant need not name it.
    assert_eq!(
        world.ask(&world.token("acme", "", "", "u1")).await,
        Ok(ours)
    );
    assert!(
        world
            .ask(&world.token("hoster", "evil", "crm", "u1"))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn without_create_on_sight_only_members_come_in() {
    let world = world_with(AuthSettings {
        create_users: false,
    })
    .await;
    let token = world.token("acme", "acme", "crm", "u1");
    assert_eq!(world.ask(&token).await, Err("unknown_user"));
    let users: i64 = sqlx::query_scalar("SELECT count(*) FROM bellhop.user_account")
        .fetch_one(world.auth.pool())
        .await
        .unwrap();
    assert_eq!(users, 0);
    let new = store::identity::users::NewUser {
        id: world.ids.uuid(),
        tenant: world.acme.id,
        key: "u1",
        name: "U",
        roles: &[],
    };
    let mut conn = world.auth.pool().acquire().await.unwrap();
    store::identity::users::create(&mut conn, &new, world.clock.now())
        .await
        .unwrap();
    assert_eq!(world.ask(&token).await, Err("unknown_service"));
    store::identity::members::join_services(&mut conn, world.acme.id, new.id, &[world.acme.crm])
        .await
        .unwrap();
    world.auth.directory().forget_people();
    assert_eq!(user_of(&world.ask(&token).await.unwrap()), new.id);
}

#[tokio::test]
async fn roles_and_departments_count_only_from_an_authoritative_key() {
    let world = world().await;
    let says = json!({"roles": ["admin", "hr", "dba"], "departments": ["it", "hq"]});
    let plain = world
        .ask(&world.special("acme", says.clone()))
        .await
        .unwrap();
    assert_eq!(plain.roles, [Role::Employee]);
    let told = world.ask(&world.special("directory", says)).await.unwrap();
    assert_eq!(told.roles, [Role::Hr, Role::Admin]);
    // They are durable: another key's token now finds them.
    assert_eq!(
        world
            .ask(&world.special("acme", json!({})))
            .await
            .unwrap()
            .roles,
        told.roles
    );
    let departments: Vec<String> = sqlx::query_scalar(
        "SELECT d.key FROM bellhop.user_department m JOIN bellhop.department d ON d.id = m.department_id
          WHERE m.user_id = $1 ORDER BY 1",
    )
    .bind(user_of(&told))
    .fetch_all(world.auth.pool())
    .await
    .unwrap();
    assert_eq!(departments, ["hq", "it"]);
    // Silence keeps, an empty list takes away.
    let silent = world
        .ask(&world.special("directory", json!({})))
        .await
        .unwrap();
    assert_eq!(silent.roles, told.roles);
    let none = world
        .ask(&world.special("directory", json!({"roles": []})))
        .await
        .unwrap();
    assert_eq!(none.roles, [Role::Employee]);
}

#[tokio::test]
async fn no_user_token_has_a_scope_and_a_service_token_only_its_keys() {
    let world = world().await;
    let user = world.special("backend", json!({"scope": "publish read punch provision"}));
    let user = world.ask(&user).await.unwrap();
    assert_eq!(user.scopes, Scopes::NONE);
    assert_eq!(
        user.require(Scope::Publish).unwrap_err().status.as_u16(),
        403
    );
    let wanted = Wanted {
        service: Some("crm".to_owned()),
        scopes: vec!["publish".to_owned(), "provision".to_owned()],
        lifetime: 600,
        ..Wanted::default()
    };
    let service = world.ask(&world.mint("backend", &wanted)).await.unwrap();
    assert_eq!(
        (&service.who, service.scopes.words()),
        (&Who::Service, vec!["publish".to_owned()])
    );
    assert!(service.user().is_err());
    // Keys that may not: a token has to name a user.
    assert_eq!(
        world.ask(&world.mint("acme", &wanted)).await,
        Err("malformed_token")
    );
    let nobody = Wanted {
        service: None,
        ..wanted
    };
    assert_eq!(
        world.ask(&world.mint("backend", &nobody)).await,
        Err("malformed_token")
    );
}

#[tokio::test]
async fn an_inactive_user_is_refused_at_once_in_this_process() {
    let world = world().await;
    let token = world.token("acme", "acme", "crm", "u1");
    let before = world.ask(&token).await.unwrap();
    assert_eq!(world.auth.again(&before).await.unwrap(), before);
    let mut conn = world.auth.pool().acquire().await.unwrap();
    store::identity::users::deactivate(&mut conn, world.acme.id, "u1", world.clock.now())
        .await
        .unwrap();
    assert!(
        world.ask(&token).await.is_ok(),
        "remembered for seconds on other nodes"
    );
    world.auth.directory().forget_user(world.acme.id, "u1");
    assert_eq!(world.ask(&token).await, Err("inactive_user"));
    assert_eq!(
        world.auth.again(&before).await.unwrap_err().code,
        "inactive_user"
    );
}

#[tokio::test]
async fn an_api_key_works_until_revoked_and_its_use_is_noted_in_batches() {
    let world = world().await;
    let minted = api_key::mint(&world.ids);
    let mut conn = world.auth.pool().acquire().await.unwrap();
    let key = store::keys::NewKey {
        id: &minted.id,
        tenant: world.acme.id,
        service: world.acme.crm,
        name: "ci",
        hash: &minted.hash,
        scopes: &["publish".to_owned()],
    };
    store::keys::insert(&mut conn, &key, world.clock.now())
        .await
        .unwrap();
    let text = minted.text.expose_secret();
    let principal = world.ask(text).await.unwrap();
    assert_eq!(
        (principal.tenant, principal.service),
        (world.acme.id, Some(world.acme.crm))
    );
    assert!(principal.require(Scope::Publish).is_ok());
    assert!(principal.require(Scope::Provision).is_err());
    // One changed character of the secret, an id nobody has, rubbish.
    let last = if text.ends_with('A') { 'E' } else { 'A' };
    let wrong = format!("{}{last}", &text[..text.len() - 1]);
    assert!(matches!(
        world.ask(&wrong).await,
        Err("unknown_key" | "malformed_token")
    ));
    let other = api_key::mint(&world.ids);
    assert_eq!(
        world.ask(other.text.expose_secret()).await,
        Err("unknown_key")
    );
    assert_eq!(world.ask("bh_x").await, Err("malformed_token"));

    let used = async || -> Option<jiff_sqlx::Timestamp> {
        sqlx::query_scalar("SELECT last_used_at FROM bellhop.api_key WHERE id = $1")
            .bind(&minted.id)
            .fetch_one(world.auth.pool())
            .await
            .unwrap()
    };
    assert_eq!(used().await, None, "no write per request");
    world.auth.chores().await.unwrap();
    assert_eq!(used().await.unwrap().to_jiff(), world.clock.now());

    assert!(
        store::keys::revoke(&mut conn, &minted.id, world.clock.now())
            .await
            .unwrap()
    );
    world.clock.advance(6_000);
    assert_eq!(world.ask(text).await, Err("revoked_key"));
}

#[tokio::test]
async fn a_hub_token_is_good_for_the_hub_while_its_session_lives() {
    let world = world().await;
    let user = world
        .ask(&world.token("acme", "acme", "crm", "u1"))
        .await
        .unwrap();
    let session = store::sessions::NewSession {
        id: world.ids.uuid(),
        tenant: world.acme.id,
        user: user_of(&user),
    };
    let mut conn = world.auth.pool().acquire().await.unwrap();
    let ends = world.clock.now() + jiff::SignedDuration::from_hours(12);
    store::sessions::create(&mut conn, b"cookie", session, world.clock.now(), ends)
        .await
        .unwrap();
    let caller = Caller {
        tenant: world.acme.id.as_u128(),
        user: user_of(&user).as_u128(),
        roles: vec![],
        session: session.id.as_u128(),
    };
    let (token, _) = hub_token(&world.auth, &caller).unwrap();
    let principal = world.auth.authenticate(&token, Surface::Hub).await.unwrap();
    assert_eq!(
        (principal.session, user_of(&principal)),
        (Some(session.id), user_of(&user))
    );
    assert_eq!(world.ask(&token).await, Err("wrong_audience"));
    // Bound to that session and that user: another's session does not help.
    let forged = Caller {
        tenant: world.evil.id.as_u128(),
        ..caller
    };
    let (forged, _) = hub_token(&world.auth, &forged).unwrap();
    let refused = world
        .auth
        .authenticate(&forged, Surface::Hub)
        .await
        .unwrap_err();
    assert_eq!(refused.code, "session_ended");

    store::sessions::end(&mut conn, b"cookie").await.unwrap();
    world.auth.session_ended(session.id);
    let refused = world
        .auth
        .authenticate(&token, Surface::Hub)
        .await
        .unwrap_err();
    assert_eq!(refused.code, "session_ended");
}
