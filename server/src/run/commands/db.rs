//! `bellhop db grant ROLE --tenant --service`: a database role may publish and punch by SQL, for one
//! service of one tenant and nothing else. `bellhop db restored`: the database was put back to an
//! earlier point.

use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::look_up;
use crate::store::identity::services;
use crate::store::{Pool, installation};
use crate::support::clock::Clock;

/// The database itself
#[derive(Debug, Subcommand)]
pub enum Db {
    /// Let a database role call `bellhop.publish` and `bellhop.punch` for a service
    Grant(Grant),
    /// Say that the database was put back to an earlier point, before the server runs on it again
    ///
    /// Numbers are then given out a second time. This begins a new epoch, so that no device takes a new
    /// number for one it has had. Once too often does no harm: clients start over at what their device is
    /// known to have.
    Restored,
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
    match command {
        Db::Grant(args) => {
            grant(pool, &args).await?;
            anstream::println!(
                "Role \"{}\" now speaks for service \"{}\" of tenant \"{}\": SELECT bellhop.publish(…), bellhop.punch(…)",
                args.role,
                args.service,
                args.tenant
            );
        }
        Db::Restored => {
            let epoch = restored(pool, Clock::system().now()).await?;
            anstream::println!(
                "Epoch {epoch} begins. A server that runs notices within ten seconds"
            );
        }
    }
    Ok(())
}

/// Begins a new epoch and answers it.
pub async fn restored(pool: &Pool, now: Timestamp) -> anyhow::Result<i64> {
    let mut tx = pool.begin().await?;
    let epoch = installation::begin_epoch(&mut tx, now).await?;
    tx.commit().await?;
    Ok(epoch)
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
