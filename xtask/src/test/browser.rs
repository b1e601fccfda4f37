//! Browser tests: Playwright drives a real Chromium against the real server, which it starts itself
//! (`end2end/server.ts`) from the program that was built for the integration tests.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::Value;

use super::tally::Tally;
use crate::command::{command, start};
use crate::place;
use crate::scratch::Scratch;
use crate::setup::{browser, npm};
use crate::site::Profile;
use crate::step::{Outcome, step};

/// What has to be there for this lane.
pub(super) struct Browser {
    chromium: PathBuf,
    packages: npm::Packages,
}

/// `None` when something is missing; it has been said what.
pub(super) fn runtime(packages: npm::Packages) -> Result<Option<Browser>> {
    let Some(chromium) = browser::find()? else {
        return Ok(None);
    };
    Ok(Some(Browser { chromium, packages }))
}

impl Browser {
    pub(super) fn run(
        &self,
        database: &Scratch,
        filter: Option<&str>,
        slow: bool,
    ) -> Result<Tally> {
        let report = place::target().join("end2end.json");
        let _ = fs::remove_file(&report); // of the last run
        let mut tally = Tally::default();
        step("Browser tests", || {
            let program = self.packages.programs().join("playwright");
            let mut playwright = command(&program.to_string_lossy());
            playwright
                .current_dir(place::root().join("end2end"))
                .arg("test")
                .env("PLAYWRIGHT_JSON_OUTPUT_NAME", &report)
                .env("CHROMIUM", &self.chromium)
                .env("BELLHOP", Profile::Dev.program())
                .env("BELLHOP_SITE_ROOT", place::site())
                .env("BELLHOP_PG_BIN", database.programs())
                .env_remove("DATABASE_URL");
            if slow {
                playwright.env("BELLHOP_SLOW", "1");
            }
            if let Some(filter) = filter {
                playwright.args(["--pass-with-no-tests", "--grep", filter]);
            }
            let status = start(&mut playwright)?;
            tally = read(&fs::read(&report).context("Playwright wrote no report")?)?;
            tally.broken |= !status.success();
            Ok(Outcome::DoneWith(tally.to_string()))
        })?;
        Ok(tally)
    }
}

fn read(report: &[u8]) -> Result<Tally> {
    let report: Value = serde_json::from_slice(report)?;
    let count = |name: &str| report["stats"][name].as_u64().unwrap_or(0);
    Ok(Tally {
        passed: count("expected") + count("flaky"),
        failed: count("unexpected"),
        skipped: count("skipped"),
        broken: report["errors"]
            .as_array()
            .is_some_and(|errors| !errors.is_empty()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_of_playwright_is_counted() {
        let report =
            br#"{"stats":{"expected":3,"unexpected":1,"flaky":0,"skipped":2},"errors":[]}"#;
        let tally = read(report).unwrap();
        assert_eq!(
            tally,
            Tally {
                passed: 3,
                failed: 1,
                skipped: 2,
                broken: false
            }
        );
    }
}
