//! Unit and integration tests: cargo's own runner, with a throw-away database beside it.
//!
//! Tests find it by `BELLHOP_TEST_DATABASE_URL` (its superuser) and PostgreSQL's programs by
//! `BELLHOP_TEST_PG_BIN`. Slow tests are marked `#[ignore = "slow: ..."]`.

use anyhow::{Context, Result};

use super::tally::Tally;
use crate::command::{cargo, cargo_dev, run, watch};
use crate::lint::HOST;
use crate::scratch::Scratch;
use crate::step::{Outcome, step};

pub(super) fn test(database: &Scratch, filter: Option<&str>, slow: bool) -> Result<Tally> {
    let mut tally = Tally::default();
    // Apart from the run, so that the two are timed apart. This builds the program too.
    step("Compiling the tests (development profile)", || {
        run(cargo_dev().arg("test").args(HOST).arg("--no-run"))
            .context("when it misses cached data for a query: `cargo xtask prepare`")?;
        Ok(Outcome::Done)
    })?;
    // A tag of the browser tests. No test in Rust has one, and rustdoc takes it for a file of arguments.
    if filter.is_some_and(|filter| filter.starts_with('@')) {
        return Ok(tally);
    }
    step("Unit and integration tests", || {
        let mut test = cargo_dev();
        test.arg("test")
            .args(HOST)
            .arg("--no-fail-fast")
            .env("BELLHOP_TEST_DATABASE_URL", database.url())
            .env("BELLHOP_TEST_PG_BIN", database.programs())
            .env_remove("DATABASE_URL");
        test.arg("--").args(filter);
        if slow {
            test.arg("--include-ignored");
        }
        let status = watch(&mut test, |line| tally.read(line))?;
        tally.broken |= !status.success();
        Ok(Outcome::DoneWith(tally.to_string()))
    })?;
    step("Tests of the chores", || {
        let mut test = cargo();
        test.args([
            "test",
            "--quiet",
            "--package",
            "xtask",
            "--target-dir",
            "target/xtask",
        ]);
        let status = watch(test.arg("--").args(filter), |line| tally.read(line))?;
        tally.broken |= !status.success();
        Ok(Outcome::Done)
    })?;
    Ok(tally)
}
