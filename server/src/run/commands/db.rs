//! `bellhop db grant ROLE --tenant --service`: a database role may publish and punch by SQL, for one
//! service of one tenant and nothing else.

use clap::{Args, Subcommand};

use super::look_up;
use crate::store::Pool;
use crate::store::identity::services;

/// The database as a door for other programs
#[derive(Debug, Subcommand)]
pub enum Db {
    /// Let a database role call `bellhop.publish` and `bellhop.punch` for a service
    Grant(Grant),
}

#[derive(Args, Debug)]
pub struct Grant {
    /// Name of the role; it has to exist (CREATE ROLE … LOGIN)
    pub role: String,
    /// Id of the tenant
    #[arg(long)]
    pub tenant: String,
    /// Id of the service
    #[arg(long)]
    pub service: String,
}

/// Runs the command.
pub async fn run(pool: &Pool, command: Db) -> anyhow::Result<()> {
    let Db::Grant(args) = command;
    grant(pool, &args).await?;
    anstream::println!(
        "Role \"{}\" now speaks for service \"{}\" of tenant \"{}\": SELECT bellhop.publish(…), bellhop.punch(…)",
        args.role,
        args.service,
        args.tenant
    );
    Ok(())
}

/// Grants; a role that spoke for another service speaks for this one from now on.
pub async fn grant(pool: &Pool, args: &Grant) -> anyhow::Result<()> {
    let mut tx = pool.begin().await?;
    let (tenant, service) = look_up(&mut tx, &args.tenant, &args.service).await?;
    let granted = services::grant_role(&mut tx, &args.role, tenant, service).await?;
    anyhow::ensure!(
        granted,
        "there is no database role \"{}\": make it with CREATE ROLE … LOGIN PASSWORD …",
        args.role
    );
    tx.commit().await?;
    Ok(())
}
