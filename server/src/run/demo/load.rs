//! Demo data at start: made once, remembered in the data folder, usable on loopback only.
//!
//! The file holds passwords, an API key and the secret that signs development tokens: 0600, random
//! for each data folder. The database remembers that it has them: a server that others can reach refuses to start on it,
//! with whatever data folder.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use app::model::person::DemoLogin;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::company::TENANT;
use super::seed::{Seeded, seed};
use crate::auth::api_key;
use crate::auth::jwt::keys::KeyConfig;
use crate::auth::password::Passwords;
use crate::run::Parts;
use crate::run::ready::{Jwt, Login};
use crate::store;
use crate::store::installation;
use crate::store::keys::{self, NewKey};

/// Issuer of development tokens.
const ISSUER: &str = "bellhop-dev";
/// Their audience.
const AUDIENCE: &str = "bellhop";
/// The service the API key and development tokens speak for.
pub const SERVICE: &str = "workplace";

/// Everything about the demo that is secret, or that a newcomer wants to copy.
#[derive(Debug, Serialize, Deserialize)]
pub struct Demo {
    seeded: Seeded,
    api_key: String,
    jwt_secret: String,
}

impl Demo {
    /// Loads the demo data on the first start, and remembers it on later ones; `None` where it is
    /// not wanted, or where somebody's own data are.
    pub async fn load(parts: &Parts) -> anyhow::Result<Option<Self>> {
        let config = &parts.config;
        let path = config.database.data.join("demo.json");
        let mut conn = parts.pool.acquire().await?;
        // Even when the demo is not wanted today: its logins and its key are in there.
        if installation::has_demo(&mut conn).await? {
            only_loopback(config)?;
        }
        for file in [path.clone(), aside(&path)] {
            let found = if file == path {
                read(&file)?
            } else {
                read(&file).unwrap_or_default() // perhaps cut off while it was written
            };
            let Some(demo) = found else { continue };
            // The database may have been reset or replaced since: then the file is of another one.
            let there = crate::store::directory::tenant(&mut conn, &demo.seeded.tenant).await?;
            if there == Some(demo.seeded.tenant_id) {
                // Made by a program from before the database knew.
                only_loopback(config)?;
                installation::note_demo(&mut conn, demo.seeded.tenant_id).await?;
                if file != path {
                    put_in_place(&path)?;
                }
                return Ok(config.wants_demo().then_some(demo));
            }
        }
        if !config.wants_demo() {
            return Ok(None);
        }
        if store::demo::exists(&mut conn, TENANT).await? {
            tracing::warn!(
                "the demo company is in the database, but {} with its logins is not: start with \
                 --reset to make both anew",
                path.display()
            );
            return Ok(None);
        }
        if store::demo::has_tenants(&mut conn).await? {
            tracing::info!("no demo data: the database has tenants of its own");
            return Ok(None);
        }
        drop(conn);
        only_loopback(config)?;
        let now = parts.clock.now();
        let passwords = Passwords::default();
        let Some((mut tx, seeded)) = seed(&parts.pool, &parts.ids, &passwords, now).await? else {
            return Ok(None); // another node was faster
        };
        installation::note_demo(&mut tx, seeded.tenant_id).await?;
        let minted = api_key::mint(&parts.ids);
        let scopes = ["publish", "read", "punch", "provision"].map(str::to_owned);
        keys::insert(
            &mut tx,
            &NewKey {
                id: &minted.id,
                tenant: seeded.tenant_id,
                service: seeded.workplace,
                name: "demo",
                hash: &minted.hash,
                scopes: &scopes,
            },
            now,
        )
        .await?;
        let demo = Self {
            seeded,
            api_key: minted.text.expose_secret().to_owned(),
            jwt_secret: URL_SAFE_NO_PAD.encode(parts.ids.bytes::<32>()),
        };
        // Written before the commit and put in place after it. A crash in between leaves it aside, for
        // the next start to find: a commit without it would be a company nobody can sign in to.
        write_aside(&path, &demo)?;
        tx.commit().await?;
        put_in_place(&path)?;
        store::demo::analyze(&mut *parts.pool.acquire().await?).await?;
        Ok(Some(demo))
    }

    /// The key that verifies development tokens.
    pub fn key(&self) -> anyhow::Result<KeyConfig> {
        Ok(serde_json::from_value(serde_json::json!({
            "alg": "HS256", "secret": self.jwt_secret, "issuer": ISSUER, "audience": AUDIENCE,
            "tenants": [self.seeded.tenant], "services": [SERVICE, "payroll"],
            "scopes": ["publish", "read", "punch", "provision"],
        }))?)
    }

    /// Outer id of the demo's tenant.
    #[must_use]
    pub fn tenant(&self) -> &str {
        &self.seeded.tenant
    }

    /// The demo's API key.
    #[must_use]
    pub fn api_key(&self) -> SecretString {
        self.api_key.clone().into()
    }

    /// How to sign development tokens.
    #[must_use]
    pub fn jwt(&self) -> Jwt {
        Jwt {
            alg: "HS256".to_owned(),
            secret: Some(self.jwt_secret.clone().into()),
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
        }
    }

    /// Who can sign in.
    #[must_use]
    pub fn logins(&self) -> Vec<Login> {
        let logins = self.seeded.logins.iter();
        logins
            .map(|login| Login {
                name: login.login.clone(),
                password: Some(login.password.clone().into()),
                user: login.user.clone(),
                tenant: login.tenant.clone(),
                roles: login.roles.clone(),
            })
            .collect()
    }

    /// Buttons for the sign-in page.
    #[must_use]
    pub fn buttons(&self) -> Vec<DemoLogin> {
        let logins = self.seeded.logins.iter();
        logins
            .map(|login| DemoLogin {
                login: login.login.clone(),
                password: login.password.clone(),
                name: login.name.clone(),
                what: login.what.clone(),
            })
            .collect()
    }
}

/// Known passwords and a server others can reach do not go together.
fn only_loopback(config: &crate::support::config::Config) -> anyhow::Result<()> {
    if !config.http.host.is_loopback() {
        bail!(
            "the database has demo data, with logins anybody can use, and {} is reachable by others: listen on \
             127.0.0.1, or start on another database (the embedded one lies in the --data folder)",
            config.http.host
        );
    }
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<Option<Demo>> {
    match fs::read(path) {
        Ok(text) => Ok(Some(serde_json::from_slice(&text).with_context(|| {
            format!(
                "{} is not what was written there; start with --reset",
                path.display()
            )
        })?)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
    }
}

fn aside(path: &Path) -> PathBuf {
    path.with_extension("json.new")
}

fn put_in_place(path: &Path) -> anyhow::Result<()> {
    fs::rename(aside(path), path).with_context(|| format!("{} cannot be written", path.display()))
}

/// Beside its place, whole and on disk.
fn write_aside(path: &Path, demo: &Demo) -> anyhow::Result<()> {
    let done = (|| {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(aside(path))?;
        file.write_all(&serde_json::to_vec_pretty(demo)?)?;
        file.sync_all()
    })();
    done.with_context(|| format!("{} cannot be written", path.display()))
}
