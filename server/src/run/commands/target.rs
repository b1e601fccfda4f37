//! Which server or database a command speaks to: named by URL, or by the ready file of a running
//! server, which knows both.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::json;
use sqlx::postgres::PgPoolOptions;

use crate::auth::jwt::keys::KeyConfig;
use crate::store::Pool;

/// A database.
#[derive(Args, Debug)]
pub struct Database {
    /// The database of the server
    #[arg(
        long,
        global = true,
        env = "DATABASE_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    database_url: Option<SecretString>,
    /// The ready file of a running server with the embedded database
    #[arg(long, global = true, value_name = "FILE")]
    ready: Option<PathBuf>,
}

/// A server's HTTP API.
#[derive(Args, Debug)]
pub struct Server {
    /// Where the server is, without a slash at the end
    #[arg(long, env = "BELLHOP_URL", value_name = "URL")]
    url: Option<String>,
    /// An API key with the scope `publish`
    #[arg(
        long,
        env = "BELLHOP_API_KEY",
        hide_env_values = true,
        value_name = "KEY"
    )]
    api_key: Option<SecretString>,
    /// The ready file of a running server with demo data
    #[arg(long, value_name = "FILE")]
    ready: Option<PathBuf>,
}

/// What is read of a ready file.
#[derive(Deserialize)]
struct Ready {
    url: String,
    database_url: Option<SecretString>,
    api_key: Option<SecretString>,
    tenant: Option<String>,
    jwt: Option<Jwt>,
}

/// How the server's development tokens are signed.
#[derive(Deserialize)]
struct Jwt {
    alg: String,
    secret: Option<SecretString>,
    iss: String,
    aud: String,
}

/// The key of a ready file that signs development tokens, and its tenant.
pub fn signing_key(path: &Path) -> anyhow::Result<(KeyConfig, String)> {
    let ready = read(path)?;
    let found = ready.tenant.zip(ready.jwt);
    let found = found.and_then(|(tenant, jwt)| Some((tenant, jwt.secret.clone()?, jwt)));
    let (tenant, secret, jwt) = found.with_context(|| {
        format!(
            "{} has no key that signs: the server runs without demo data, or with keys or a database of its own; give \
             --jwt-keys",
            path.display()
        )
    })?;
    let key = serde_json::from_value(json!({
        "alg": jwt.alg, "secret": secret.expose_secret(), "issuer": jwt.iss, "audience": jwt.aud,
        "tenants": [tenant], "scopes": ["publish", "read", "punch", "provision"],
    }))?;
    Ok((key, tenant))
}

impl Database {
    /// Connects.
    pub async fn open(&self) -> anyhow::Result<Pool> {
        let url = match (&self.database_url, &self.ready) {
            (_, Some(path)) => read(path)?.database_url.with_context(|| {
                format!("{} names no database: give --database-url", path.display())
            })?,
            (Some(url), None) => url.clone(),
            (None, None) => bail!(
                "which database? Give --database-url or DATABASE_URL, or --ready with the ready file \
                 of a running server (`cargo xtask run --ready FILE` writes one)"
            ),
        };
        PgPoolOptions::new()
            .max_connections(1)
            .connect(url.expose_secret())
            .await
            .context("the database does not answer")
    }
}

impl Server {
    /// The ready file, when one was named.
    pub fn ready(&self) -> Option<&Path> {
        self.ready.as_deref()
    }

    /// The base URL and the key.
    pub fn find(&self) -> anyhow::Result<(String, SecretString)> {
        let ready = self.ready.as_deref().map(read).transpose()?;
        let (of_file, key) = ready.map_or((None, None), |ready| (Some(ready.url), ready.api_key));
        let url = self.url.clone().or(of_file);
        let key = self.api_key.clone().or(key);
        Ok((
            url.context("which server? Give --url, or --ready with its ready file")?,
            key.context(
                "with which key? Give --api-key or BELLHOP_API_KEY (`bellhop key create`)",
            )?,
        ))
    }
}

fn read(path: &Path) -> anyhow::Result<Ready> {
    let text = std::fs::read(path)
        .with_context(|| format!("{} cannot be read: is the server running?", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} is no ready file", path.display()))
}
