//! `bellhop token`: a token signed by a configured HS key, for trying things out. In production your
//! own system issues tokens.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;

use super::target;
use crate::auth::Scope;
use crate::auth::jwt::keys::{KeyConfig, configs_from_json};
use crate::auth::jwt::mint::{self, Wanted};
use crate::support::clock::Clock;

#[derive(Args, Debug)]
pub struct Token {
    /// File with the verification keys; the first HS key that may name the tenant signs
    #[arg(
        long = "jwt-keys",
        env = "BELLHOP_JWT_KEYS",
        value_name = "FILE",
        required_unless_present = "ready"
    )]
    pub keys: Option<PathBuf>,
    /// The ready file of a running server with demo data, in place of keys and tenant
    #[arg(long, value_name = "FILE")]
    pub ready: Option<PathBuf>,
    /// Id of the tenant
    #[arg(long, required_unless_present = "ready")]
    pub tenant: Option<String>,
    /// Id of the service
    #[arg(long)]
    pub service: Option<String>,
    /// Id of the user; without one it is a service's token
    #[arg(long)]
    pub user: Option<String>,
    /// Id of the user's device
    #[arg(long)]
    pub device: Option<String>,
    /// Scopes of a service's token, separated by commas
    #[arg(long, value_delimiter = ',', conflicts_with = "user")]
    pub scopes: Vec<Scope>,
    /// How long it is good for
    #[arg(long, default_value_t = 60)]
    pub minutes: u32,
}

/// Runs the command; needs no database.
pub async fn run(args: Token) -> anyhow::Result<()> {
    let signed = match (&args.ready, &args.keys) {
        (Some(path), _) => {
            let (key, tenant) = target::signing_key(path)?;
            let tenant = args.tenant.clone().unwrap_or(tenant);
            sign(&[key], &tenant, &args)?
        }
        (None, Some(path)) => {
            let text = tokio::fs::read_to_string(path).await;
            let text = text
                .with_context(|| format!("{} (BELLHOP_JWT_KEYS) cannot be read", path.display()))?;
            let tenant = args
                .tenant
                .as_deref()
                .context("which tenant? Give --tenant")?;
            sign(&configs_from_json(&text)?, tenant, &args)?
        }
        (None, None) => bail!("signed by whom? Give --jwt-keys, or --ready with a ready file"),
    };
    anstream::println!("{signed}");
    Ok(())
}

/// Signs with the first key that can.
pub fn sign(keys: &[KeyConfig], tenant: &str, args: &Token) -> anyhow::Result<String> {
    let wanted = Wanted {
        tenant: Some(tenant.to_owned()),
        service: args.service.clone(),
        user: args.user.clone(),
        device: args.device.clone(),
        scopes: args
            .scopes
            .iter()
            .map(|scope| scope.as_str().to_owned())
            .collect(),
        lifetime: i64::from(args.minutes) * 60,
    };
    let may = |key: &&KeyConfig| {
        key.tenants.contain(tenant)
            && args
                .service
                .as_deref()
                .is_none_or(|service| key.services.contain(service))
            && (args.user.is_some() || !key.scopes.is_empty())
    };
    let now = Clock::system().now();
    let signed = keys
        .iter()
        .filter(may)
        .find_map(|key| mint::mint(key, &wanted, now));
    let what = if args.user.is_some() {
        "user"
    } else {
        "service"
    };
    let signed = signed.with_context(|| {
        format!("none of the keys is an HS key that may sign a {what}'s token for this tenant and service")
    })?;
    Ok(signed?)
}
