//! `bellhop key create` and `bellhop key revoke`: a key is printed once and never stored. `bellhop key
//! vapid`: the key of Web Push, into a file.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use secrecy::{ExposeSecret, SecretString};

use super::{checked, look_up, target};
use crate::auth::api_key;
use crate::auth::{Scope, Scopes};
use crate::push::web::key::VapidKey;
use crate::store::{self, Pool};
use crate::support::clock::Clock;
use crate::support::ids::Ids;

/// API keys, and the key of Web Push
#[derive(Debug, Subcommand)]
pub enum Key {
    /// Make a key for a service; prints it once
    Create(Create),
    /// Revoke a key; running servers refuse it within five seconds
    Revoke(Revoke),
    /// Make the private key of Web Push, for --vapid-key; needs no database
    Vapid {
        /// Where to; a file that is there is never overwritten, browsers may be bound to its key
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

#[derive(Args, Debug)]
pub struct Create {
    /// Id of the tenant
    #[arg(long)]
    pub tenant: String,
    /// Id of the service the key speaks for
    #[arg(long)]
    pub service: String,
    /// What it may do, separated by commas; `provision` is also for classes, kinds and read receipts
    #[arg(long, value_delimiter = ',', required = true)]
    pub scopes: Vec<Scope>,
    /// What it is for
    #[arg(long, default_value = "")]
    pub name: String,
}

#[derive(Args, Debug)]
pub struct Revoke {
    /// The part between the two underscores, or the whole key
    pub id: String,
}

/// Runs the command.
pub async fn run(database: &target::Database, command: Key) -> anyhow::Result<()> {
    match command {
        Key::Vapid { file } => {
            let public = vapid(&file)?;
            anstream::eprintln!(
                "{} holds the private key: keep it, browsers will be bound to it. The public half:",
                file.display()
            );
            anstream::println!("{public}");
        }
        Key::Create(args) => {
            let key = create(&database.open().await?, &args).await?;
            // On its own on standard output, so that a script can take it.
            anstream::eprintln!("This key is shown once and stored nowhere:");
            anstream::println!("{}", key.expose_secret());
        }
        Key::Revoke(args) => {
            revoke(&database.open().await?, &args).await?;
            anstream::println!("Revoked. Running servers refuse it within five seconds.");
        }
    }
    Ok(())
}

/// Makes a key; answers its text.
pub async fn create(pool: &Pool, args: &Create) -> anyhow::Result<SecretString> {
    anyhow::ensure!(args.name.len() <= 200, "the name has at most 200 bytes");
    if !args.name.is_empty() {
        checked(&args.name.chars().take(32).collect::<String>(), "the name")?;
    }
    let clock = Clock::system();
    let minted = api_key::mint(&Ids::new(clock.clone()));
    let scopes = args.scopes.iter().copied().collect::<Scopes>().words();
    let mut conn = pool.acquire().await?;
    let (tenant, service) = look_up(&mut conn, &args.tenant, &args.service).await?;
    let key = store::keys::NewKey {
        id: &minted.id,
        tenant,
        service,
        name: &args.name,
        hash: &minted.hash,
        scopes: &scopes,
    };
    store::keys::insert(&mut conn, &key, clock.now()).await?;
    Ok(minted.text)
}

/// Makes a VAPID key at `file` (mode 0600); answers the public half.
pub fn vapid(file: &Path) -> anyhow::Result<String> {
    let key = VapidKey::make_file(file).with_context(|| {
        format!(
            "{} cannot be made; a file that is there is not overwritten",
            file.display()
        )
    })?;
    Ok(key.public().to_owned())
}

/// Revokes a key.
pub async fn revoke(pool: &Pool, args: &Revoke) -> anyhow::Result<()> {
    let id = args.id.strip_prefix(api_key::PREFIX).unwrap_or(&args.id);
    let id = id.split('_').next().unwrap_or(id);
    let mut conn = pool.acquire().await?;
    let done = store::keys::revoke(&mut conn, id, Clock::system().now()).await?;
    // A refused id may be a whole key mistyped: it is not repeated.
    anyhow::ensure!(done, "there is no such key, or it was revoked before");
    Ok(())
}
