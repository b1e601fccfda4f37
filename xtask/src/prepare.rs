//! `cargo xtask prepare`: lets the compiler check every SQL statement against a real, freshly migrated
//! database, and keeps what it learnt in `.sqlx`, so that builds need no database.
//!
//! The migrations are applied by a small script of `tools/` and not by `bellhop migrate`: that does
//! not compile while `.sqlx` is out of date, which is exactly when this is called.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::command::{cargo_dev, command, run};
use crate::lint::HOST;
use crate::place;
use crate::scratch::Scratch;
use crate::setup::npm;
use crate::step::{Outcome, step};

#[derive(Args, Default)]
pub(crate) struct Prepare {
    /// Change nothing; fail when `.sqlx` is out of date
    #[arg(long)]
    pub(crate) check: bool,
}

impl Prepare {
    pub(crate) fn run(self) -> Result<()> {
        let tools = npm::tools()?;
        let database = Scratch::start(&tools)?;
        step("Applying the migrations", || {
            run(command("node")
                .arg("tools/migrate.cjs")
                .env("NODE_PATH", tools.modules())
                .env("DATABASE_URL", database.url()))?;
            Ok(Outcome::Done)
        })?;
        let fresh = place::target().join("sqlx-prepare");
        step("Checking every SQL statement", || {
            if fresh.exists() {
                fs::remove_dir_all(&fresh)?;
            }
            fs::create_dir_all(&fresh)?;
            touch(&place::root().join("server/src/lib.rs"))?;
            run(cargo_dev()
                .arg("check")
                .args(HOST)
                .arg("--all-targets")
                .env("SQLX_OFFLINE", "false")
                .env("SQLX_OFFLINE_DIR", &fresh)
                .env("DATABASE_URL", database.url()))?;
            Ok(Outcome::Done)
        })?;
        let kept = place::root().join(".sqlx");
        if self.check {
            compare(&fresh, &kept)
        } else {
            replace(&fresh, &kept)
        }
    }
}

/// The macros run again only when the crate is compiled again.
#[expect(
    clippy::disallowed_methods,
    reason = "what cargo compares is the time of the machine"
)]
fn touch(source: &Path) -> Result<()> {
    Ok(fs::File::open(source)?.set_modified(std::time::SystemTime::now())?)
}

fn replace(fresh: &Path, kept: &Path) -> Result<()> {
    step("Refreshing .sqlx", || {
        let (new, old) = (queries(fresh)?, queries(kept)?);
        if new == old {
            return Ok(Outcome::Skipped(format!(
                "all {} statements are as they were",
                new.len()
            )));
        }
        fs::create_dir_all(kept)?;
        for name in old.keys() {
            fs::remove_file(kept.join(name))?;
        }
        for (name, content) in &new {
            fs::write(kept.join(name), content)?;
        }
        Ok(Outcome::DoneWith(format!(
            "{} statements, commit them",
            new.len()
        )))
    })
}

fn compare(fresh: &Path, kept: &Path) -> Result<()> {
    step("Comparing .sqlx", || {
        let (new, old) = (queries(fresh)?, queries(kept)?);
        if new != old {
            bail!(".sqlx is out of date: run `cargo xtask prepare` and commit it");
        }
        Ok(Outcome::DoneWith(format!(
            "all {} statements are up to date",
            new.len()
        )))
    })
}

/// Names and contents; nothing when there is no such folder.
fn queries(folder: &Path) -> Result<BTreeMap<OsString, Vec<u8>>> {
    let mut queries = BTreeMap::new();
    if folder.is_dir() {
        for entry in
            fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?
        {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with("query-") {
                queries.insert(entry.file_name(), fs::read(entry.path())?);
            }
        }
    }
    Ok(queries)
}
