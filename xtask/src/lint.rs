//! `cargo xtask lint`: everything that is checked without running the program. Warnings are errors.

use anyhow::{Context, Result, bail};

use crate::command::{cargo, cargo_dev, output, run};
use crate::links;
use crate::setup::deny;
use crate::step::{Outcome, note, step};

/// The host's half. Never with the browser's in one build: that would mix `ssr` and `hydrate`.
pub(crate) const HOST: [&str; 12] = [
    "--package",
    "app",
    "--package",
    "server",
    "--package",
    "signalr",
    "--package",
    "embedded-postgres",
    "--package",
    "benches",
    "--features",
    "app/ssr,server/testing,benches/signalr,benches/faults",
];
const BROWSER: [&str; 4] = [
    "--package",
    "frontend",
    "--target",
    "wasm32-unknown-unknown",
];

/// What must never be in the browser's half: it would be megabytes, or not run at all.
const HOST_ONLY: [&str; 8] = [
    "sqlx",
    "sqlx-core",
    "axum",
    "hyper",
    "tokio",
    "jiff",
    "aws-lc-rs",
    "rustls",
];

fn format() -> Result<()> {
    step("Format", || {
        run(cargo().args(["fmt", "--all", "--check"])).context("run `cargo fmt --all`")?;
        Ok(Outcome::Done)
    })
}

/// `cargo xtask lint`.
pub(crate) fn everything() -> Result<()> {
    format()?;
    step("Links between pages", links::check)?;
    step("Browser half: no host's crate in it", || {
        let mut tree = cargo();
        tree.arg("tree").args(BROWSER).args([
            "--edges",
            "normal,no-proc-macro",
            "--prefix",
            "none",
        ]);
        let tree = output(tree.args(["--format", "{p}"]))?;
        let names = tree
            .lines()
            .filter_map(|line| line.split_whitespace().next());
        let mut found: Vec<&str> = names.filter(|name| HOST_ONLY.contains(name)).collect();
        found.sort_unstable();
        found.dedup();
        if !found.is_empty() {
            bail!("the browser's half depends on {found:?}: put them behind the `ssr` feature");
        }
        Ok(Outcome::Done)
    })?;
    step("Clippy, host", || {
        run(cargo_dev()
            .arg("clippy")
            .args(HOST)
            .args(["--all-targets", "--", "-D", "warnings"]))?;
        Ok(Outcome::Done)
    })?;
    step("Clippy, browser", || {
        run(cargo_dev()
            .arg("clippy")
            .args(BROWSER)
            .args(["--target-dir", "target/front", "--profile", "wasm-dev"])
            .args(["--", "-D", "warnings"]))?;
        Ok(Outcome::Done)
    })?;
    step("Clippy, chores", || {
        run(cargo()
            .args(["clippy", "--package", "xtask", "--all-targets"])
            .args(["--target-dir", "target/xtask", "--", "-D", "warnings"]))?;
        Ok(Outcome::Done)
    })?;
    step("Documentation", || {
        run(cargo_dev()
            .args(["doc", "--no-deps", "--document-private-items"])
            .args(HOST)
            .env("RUSTDOCFLAGS", "-D warnings"))?;
        Ok(Outcome::Done)
    })?;
    let deny = deny::ensure()?;
    step("Dependencies: bans, licences, sources", || {
        let mut check = crate::command::command(&deny.to_string_lossy());
        run(check.args(["--offline", "check", "bans", "licenses", "sources"]))?;
        Ok(Outcome::Done)
    })?;
    step("Dependencies: advisories", || {
        let deny = deny.to_string_lossy();
        // Fails at once without the network, which no other check needs.
        if output(crate::command::command(&deny).args(["fetch", "db"])).is_err() {
            return Ok(Outcome::Skipped("their database cannot be reached".into()));
        }
        let mut check = crate::command::command(&deny);
        if run(check.args(["--offline", "check", "advisories"])).is_err() {
            note("ADVISORIES: see above. No failure: they come without a change of ours");
        }
        Ok(Outcome::Done)
    })
}
