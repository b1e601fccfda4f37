//! The process: commands, start and stop, the embedded database.
//!
//! One file per command, named like it. [`serve`] composes everything; the others are thin. Errors
//! are `anyhow` here and nowhere else: whoever reads them sits at a shell, so each says what to do.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub mod accept;
pub mod access;
pub mod commands;
pub mod database;
pub mod demo;
pub mod embedded;
pub mod listen;
pub mod migrate;
pub mod partitions;
pub mod parts;
pub mod product;
pub mod ready;
pub mod serve;
pub mod signals;

pub use parts::Parts;

use crate::verify;

/// Self-hosted real-time notifications, and the live workplace screens built on them.
#[derive(Debug, Parser)]
#[command(name = "bellhop", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server
    Serve(Box<serve::Serve>),
    /// Bring the database to this version's schema, and stop
    Migrate(Box<migrate::Migrate>),
    /// Publish a notification
    Publish(Box<commands::publish::Publish>),
    /// Prove delivery from outside, on an installation that runs
    Verify(Box<verify::Verify>),
    /// Sign a token with a key of your settings, to try things out
    Token(commands::token::Token),
    /// Tenants
    Tenant {
        #[command(flatten)]
        database: commands::target::Database,
        #[command(subcommand)]
        command: commands::tenant::Tenant,
    },
    /// API keys, and the key of Web Push
    Key {
        #[command(flatten)]
        database: commands::target::Database,
        #[command(subcommand)]
        command: commands::key::Key,
    },
    /// Rights in the database, and what to tell it after a restore
    Db {
        #[command(flatten)]
        database: commands::target::Database,
        #[command(subcommand)]
        command: commands::db::Db,
    },
    /// Run stand-ins of FCM and of the browsers' push services, with devices to look at
    Devpush(commands::devpush::DevPushCommand),
    /// Demo data, moving
    #[command(subcommand)]
    Demo(demo::DemoCommand),
}

/// Parses the command line, runs the command, reports its failure.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli.command) {
        Ok(code) => code,
        Err(error) => {
            report(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    // Two libraries might bring two providers one day; rustls would then panic at the first handshake.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let done = runtime.block_on(async {
        let done = match command {
            // It has three ends, and its own code for each.
            Command::Verify(command) => {
                return Ok(match Box::pin(command.run()).await {
                    Ok(whole) => ExitCode::from(u8::from(!whole)),
                    Err(error) => {
                        report(&error);
                        ExitCode::from(verify::COULD_NOT_RUN)
                    }
                });
            }
            Command::Serve(command) => Box::pin(command.run()).await,
            Command::Migrate(command) => Box::pin(command.run()).await,
            Command::Publish(command) => commands::publish::run(*command).await,
            Command::Token(command) => commands::token::run(command).await,
            Command::Tenant { database, command } => {
                commands::tenant::run(&database.open().await?, command).await
            }
            Command::Key { database, command } => commands::key::run(&database, command).await,
            Command::Db { database, command } => {
                commands::db::run(&database.open().await?, command).await
            }
            Command::Devpush(command) => commands::devpush::run(command).await,
            Command::Demo(demo::DemoCommand::Traffic(command)) => Box::pin(command.run()).await,
        };
        done.map(|()| ExitCode::SUCCESS)
    });
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    done
}

fn report(error: &anyhow::Error) {
    let style = anstyle::AnsiColor::Red.on_default().bold();
    anstream::eprintln!("{style}error:{style:#} {error}");
    for cause in error.chain().skip(1) {
        anstream::eprintln!("  because: {cause}");
    }
}
