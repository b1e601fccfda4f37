//! `bellhop token`: a token signed by a configured HS key, for trying things out. In production your
//! own system issues tokens.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use crate::auth::Scope;
use crate::auth::jwt::keys::{KeyConfig, configs_from_json};
use crate::auth::jwt::mint::{self, Wanted};
use crate::support::clock::Clock;

#[derive(Args, Debug)]
pub struct Token {
    /// File with the verification keys; the first HS key that may name the tenant signs
    #[arg(long = "jwt-keys", env = "BELLHOP_JWT_KEYS", value_name = "FILE")]
    pub keys: PathBuf,
    /// Id of the tenant
    #[arg(long)]
    pub tenant: String,
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
    let text = tokio::fs::read_to_string(&args.keys)
        .await
        .with_context(|| format!("{} (BELLHOP_JWT_KEYS) cannot be read", args.keys.display()))?;
    anstream::println!("{}", sign(&text, &args)?);
    Ok(())
}

/// Signs with the first key that can.
pub fn sign(keys: &str, args: &Token) -> anyhow::Result<String> {
    let wanted = Wanted {
        tenant: Some(args.tenant.clone()),
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
        key.tenants.contain(&args.tenant)
            && args
                .service
                .as_deref()
                .is_none_or(|service| key.services.contain(service))
            && (args.user.is_some() || !key.scopes.is_empty())
    };
    let now = Clock::system().now();
    let signed = configs_from_json(keys)?
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
