//! `bellhop tenant create KEY --name NAME`: a tenant with its service `workplace`.

use clap::{Args, Subcommand};

use super::checked;
use crate::store::Pool;
use crate::store::identity::{services, tenants};
use crate::support::clock::Clock;
use crate::support::ids::Ids;
use crate::web::setup::WORKPLACE;

/// Tenants
#[derive(Debug, Subcommand)]
pub enum Tenant {
    /// Make a tenant, with the service `workplace` that its screens publish through
    Create(Create),
}

#[derive(Args, Debug)]
pub struct Create {
    /// Id of the tenant, as tokens name it
    pub key: String,
    /// Display name [default: the id]
    #[arg(long)]
    pub name: Option<String>,
}

/// Runs the command.
pub async fn run(pool: &Pool, command: Tenant) -> anyhow::Result<()> {
    let Tenant::Create(args) = command;
    create(pool, &args).await?;
    anstream::println!(
        "Tenant \"{}\" is made. Next: bellhop key create --tenant {0} --service {WORKPLACE} --scopes provision",
        args.key
    );
    Ok(())
}

/// Makes the tenant; refuses one that is there.
pub async fn create(pool: &Pool, args: &Create) -> anyhow::Result<()> {
    checked(&args.key, "the id of a tenant")?;
    let name = args.name.as_deref().unwrap_or(&args.key);
    let clock = Clock::system();
    let ids = Ids::new(clock.clone());
    let (tenant, now) = (ids.uuid(), clock.now());
    let mut tx = pool.begin().await?;
    let made = tenants::create(&mut tx, tenant, &args.key, name, now).await?;
    anyhow::ensure!(made, "there is a tenant \"{}\" already", args.key);
    services::put(
        &mut tx,
        tenant,
        ids.uuid(),
        WORKPLACE,
        "Workplace",
        services::Settings::default(),
        now,
    )
    .await?;
    tx.commit().await?;
    Ok(())
}
