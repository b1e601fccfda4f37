//! The commands, and the walls between tenants as a plain SQL connection meets them.

use secrecy::ExposeSecret as _;
use serde_json::json;
use sqlx::postgres::{PgDatabaseError, PgPoolOptions};
use sqlx::{AssertSqlSafe, PgPool};

use super::db::{Grant, grant};
use super::key::{Create, Revoke, create, revoke};
use super::token::{self, Token};
use super::{key, tenant};
use crate::auth::jwt::keys::configs_from_json;
use crate::auth::{AuthSettings, AuthState, Scope, Surface, VerificationKeys};
use crate::push::web::key::VapidKey;
use crate::support::clock::Clock;
use crate::support::ids::Ids;
use crate::testing;

async fn with_tenants() -> PgPool {
    let pool = testing::database().await;
    for key in ["acme", "evil"] {
        tenant::create(
            &pool,
            &tenant::Create {
                key: key.to_owned(),
                name: None,
            },
        )
        .await
        .unwrap();
    }
    pool
}

fn wanted(tenant: &str, service: &str) -> Create {
    Create {
        tenant: tenant.to_owned(),
        service: service.to_owned(),
        scopes: vec![Scope::Publish, Scope::Read],
        name: "ci".to_owned(),
    }
}

#[tokio::test]
async fn a_key_made_at_the_shell_works_and_one_revoked_there_does_not() {
    let pool = with_tenants().await;
    let text = create(&pool, &wanted("acme", "workplace")).await.unwrap();
    let clock = Clock::system();
    let open = async || {
        let keys = VerificationKeys::default();
        let ids = Ids::new(clock.clone());
        AuthState::open(
            pool.clone(),
            clock.clone(),
            ids,
            keys,
            AuthSettings::default(),
        )
        .await
        .unwrap()
    };
    let principal = open()
        .await
        .authenticate(text.expose_secret(), Surface::Api)
        .await
        .unwrap();
    assert_eq!(&*principal.tenant_key, "acme");
    assert_eq!(principal.scopes.words(), ["publish", "read"]);
    revoke(
        &pool,
        &Revoke {
            id: text.expose_secret().to_owned(),
        },
    )
    .await
    .unwrap();
    let refused = open()
        .await
        .authenticate(text.expose_secret(), Surface::Api)
        .await;
    assert_eq!(refused.unwrap_err().code, "revoked_key");
    let again = revoke(
        &pool,
        &Revoke {
            id: text.expose_secret().to_owned(),
        },
    )
    .await;
    let said = again.unwrap_err().to_string();
    assert!(
        !said.contains(&text.expose_secret()[20..]),
        "a key is never repeated: {said}"
    );

    for (tenant, service) in [("nobody", "workplace"), ("acme", "nothing")] {
        assert!(key::create(&pool, &wanted(tenant, service)).await.is_err());
    }
    let twice = tenant::Create {
        key: "acme".to_owned(),
        name: None,
    };
    assert!(tenant::create(&pool, &twice).await.is_err());
}

#[test]
fn a_vapid_key_is_made_for_its_owner_alone_and_never_overwritten() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("vapid.pem");
    let public = key::vapid(&file).unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(VapidKey::read(&text).unwrap().public(), public);
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let refused = key::vapid(&file).unwrap_err();
    assert!(refused.to_string().contains("not overwritten"), "{refused}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn a_token_is_signed_by_the_first_key_that_may() {
    let keys = json!([
        {"alg": "HS256", "secret": "0123456789abcdef0123456789abcdef", "issuer": "other",
         "audience": "bellhop", "tenants": ["other"]},
        {"alg": "HS256", "secret": "fedcba9876543210fedcba9876543210", "issuer": "dev",
         "audience": "bellhop", "tenants": "*", "scopes": ["publish"]},
    ])
    .to_string();
    let sign = |keys: &str, (tenant, args): (&str, Token)| {
        token::sign(&configs_from_json(keys).unwrap(), tenant, &args)
    };
    let args = |tenant: &'static str, user: Option<&str>| {
        (
            tenant,
            Token {
                keys: None,
                ready: None,
                tenant: None,
                service: Some("crm".to_owned()),
                user: user.map(str::to_owned),
                device: None,
                scopes: vec![],
                minutes: 1,
            },
        )
    };
    let verification = VerificationKeys::from_json(&keys).unwrap();
    let now = Clock::system().now();
    let issuer = |token: &str| {
        crate::auth::jwt::verify(token, &verification, now)
            .unwrap()
            .key
            .issuer
            .clone()
    };
    assert_eq!(
        issuer(&sign(&keys, args("acme", Some("u1"))).unwrap()),
        "dev"
    );
    assert_eq!(
        issuer(&sign(&keys, args("other", Some("u1"))).unwrap()),
        "other"
    );
    assert_eq!(issuer(&sign(&keys, args("other", None)).unwrap()), "dev");
    let only_users = keys.replace(",\"scopes\":[\"publish\"]", "");
    assert!(sign(&only_users, args("acme", None)).is_err());
}

/// A login role of its own, so that tests that run side by side do not meet.
async fn role(pool: &PgPool) -> (String, PgPool) {
    let id = Ids::new(Clock::system()).uuid().simple().to_string();
    let name = format!("bellhop test \"{id}");
    let quoted = name.replace('"', "\"\"");
    sqlx::raw_sql(AssertSqlSafe(format!(
        "CREATE ROLE \"{quoted}\" LOGIN PASSWORD '{id}'"
    )))
    .execute(pool)
    .await
    .unwrap();
    let options = (*pool.connect_options())
        .clone()
        .username(&name)
        .password(&id);
    (
        name,
        PgPoolOptions::new()
            .max_connections(1)
            .connect_lazy_with(options),
    )
}

/// Roles belong to the cluster, so what was granted has to go with them.
async fn drop_role(pool: &PgPool, name: &str) {
    let quoted = name.replace('"', "\"\"");
    let sql = format!("DROP OWNED BY \"{quoted}\"; DROP ROLE \"{quoted}\"");
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(pool)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_granted_role_publishes_for_its_tenant_and_names_nobody_else() {
    let pool = with_tenants().await;
    // `u1` is in both, `only-evil` in one.
    for (tenant, user) in [("acme", "u1"), ("evil", "u1"), ("evil", "only-evil")] {
        sqlx::query(
            "INSERT INTO bellhop.user_account (id, tenant_id, key, name, created_at, updated_at)
             SELECT gen_random_uuid(), id, $2, $2, now(), now() FROM bellhop.tenant WHERE key = $1",
        )
        .bind(tenant)
        .bind(user)
        .execute(&pool)
        .await
        .unwrap();
    }
    sqlx::query(
        "INSERT INTO bellhop.department (id, tenant_id, key, name)
         SELECT gen_random_uuid(), id, 'd', 'd' FROM bellhop.tenant WHERE key = 'evil'",
    )
    .execute(&pool)
    .await
    .unwrap();
    let (name, theirs) = role(&pool).await;
    let args = Grant {
        role: name.clone(),
        tenant: "acme".to_owned(),
        service: "workplace".to_owned(),
    };
    let publish = async |users: &[&str], departments: &[&str]| {
        sqlx::query_scalar::<_, uuid::Uuid>(
            "SELECT bellhop.publish('NewTask', 'Hello', users => $1, departments => $2)",
        )
        .bind(users)
        .bind(departments)
        .fetch_one(&theirs)
        .await
    };
    // Before the grant it does not even see the functions.
    let code = |error: &sqlx::Error| {
        error
            .as_database_error()
            .unwrap()
            .code()
            .unwrap()
            .into_owned()
    };
    let refused = publish(&["u1"], &[]).await.unwrap_err();
    assert_eq!(code(&refused), "42501", "{refused}");
    grant(&pool, &args).await.unwrap();
    grant(&pool, &args).await.unwrap();

    let taken_for = async |ticket: uuid::Uuid| {
        sqlx::query_as::<_, (String, String)>(
            "SELECT i.what, t.key FROM bellhop.intake i JOIN bellhop.tenant t ON t.id = i.tenant_id
              WHERE i.ticket = $1",
        )
        .bind(ticket)
        .fetch_one(&pool)
        .await
        .unwrap()
    };
    let whose = |what: &str| (what.to_owned(), "acme".to_owned());
    let ticket = publish(&["u1"], &[]).await.unwrap();
    assert_eq!(taken_for(ticket).await, whose("publish"));
    // Another tenant's user or department is as unknown as one that never was.
    let said = |error: sqlx::Error| error.as_database_error().unwrap().message().to_owned();
    let theirs_said = said(publish(&["only-evil"], &[]).await.unwrap_err());
    let nobody_said = said(publish(&["nobody"], &[]).await.unwrap_err());
    assert_eq!(theirs_said.replace("only-evil", "nobody"), nobody_said);
    assert!(publish(&[], &["d"]).await.is_err());
    // A punch of the same name goes to its own tenant as well.
    let punched: uuid::Uuid = sqlx::query_scalar("SELECT bellhop.punch('gate', user_key => 'u1')")
        .fetch_one(&theirs)
        .await
        .unwrap();
    assert_eq!(taken_for(punched).await, whose("punch"));
    // Tables stay shut, for reading and for speaking as somebody else.
    for sql in [
        "SELECT count(*) FROM bellhop.user_account",
        "SELECT hub_secret::text FROM bellhop.installation",
        "UPDATE bellhop.role_grant SET tenant_id = tenant_id",
        "INSERT INTO bellhop.intake (what, tenant_id, service_id, ticket, payload)
         SELECT 'publish', gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), '{}'",
        "SELECT * FROM bellhop.caller()",
    ] {
        let refused = sqlx::raw_sql(sql).execute(&theirs).await.unwrap_err();
        assert_eq!(code(&refused), "42501", "{sql}");
    }
    theirs.close().await;
    drop_role(&pool, &name).await;

    let nobody = Grant {
        role: "no such role".to_owned(),
        ..args
    };
    assert!(grant(&pool, &nobody).await.is_err());
}

/// As after a grant that was taken back, or one made by hand: it may call, and nobody said for whom.
#[tokio::test]
async fn a_role_that_speaks_for_no_service_is_told_what_to_do() {
    let pool = with_tenants().await;
    let (name, theirs) = role(&pool).await;
    let args = Grant {
        role: name.clone(),
        tenant: "acme".to_owned(),
        service: "workplace".to_owned(),
    };
    grant(&pool, &args).await.unwrap();
    sqlx::query("DELETE FROM bellhop.role_grant WHERE role_name = $1")
        .bind(&name)
        .execute(&pool)
        .await
        .unwrap();
    for sql in [
        "SELECT bellhop.publish('NewTask', 'Hello', users => '{u1}')",
        "SELECT bellhop.punch('gate', user_key => 'u1')",
    ] {
        let refused = sqlx::raw_sql(sql).execute(&theirs).await.unwrap_err();
        let said = refused
            .as_database_error()
            .unwrap()
            .downcast_ref::<PgDatabaseError>();
        assert_eq!(said.code(), "42501", "{sql}");
        let role = format!("bellhop: the database role \"{name}\" speaks for no service");
        assert_eq!(said.message(), role, "{sql}");
        let hint = said.hint().unwrap_or_default();
        let command = "bellhop db grant ROLE --tenant TENANT --service SERVICE";
        assert!(hint.contains(command), "{sql}: {hint}");
    }
    let taken: i64 = sqlx::query_scalar("SELECT count(*) FROM bellhop.intake")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(taken, 0);
    theirs.close().await;
    drop_role(&pool, &name).await;
}

/// Name, whether it runs with its owner's rights, whether everybody may execute it, its settings.
type Function = (String, bool, bool, Vec<String>);

/// Whoever may connect may execute a new function unless that is revoked; and one that runs with its owner's rights
/// must not look for names where its caller says.
#[tokio::test]
async fn no_function_is_everybodys_and_those_with_more_rights_look_nowhere_else() {
    let pool = testing::database().await;
    let functions: Vec<Function> = sqlx::query_as(
        "SELECT p.oid::regprocedure::text, p.prosecdef,
                EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
                         WHERE a.grantee = 0 AND a.privilege_type = 'EXECUTE'),
                coalesce(p.proconfig, '{}')
           FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
          WHERE n.nspname = 'bellhop' ORDER BY 1",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let named = |wanted: fn(&Function) -> bool| -> Vec<&str> {
        let found = functions.iter().filter(|function| wanted(function));
        found.map(|(name, ..)| name.as_str()).collect()
    };
    assert_eq!(named(|(.., everybodys, _)| *everybodys), [""; 0]);
    let definers = named(|(_, definer, ..)| *definer);
    assert!(definers.len() >= 3, "publish, punch, caller: {definers:?}");
    // A name in `pg_temp` would come first if it were not said that it comes last.
    let fixed = "search_path=bellhop, pg_temp";
    for (name, definer, _, settings) in &functions {
        let looks_nowhere_else = settings.iter().any(|setting| setting == fixed);
        assert!(!definer || looks_nowhere_else, "{name}: {settings:?}");
    }
}
