//! pysignalr and signalrcore, two clients that have nothing in common, by unittest.

use anyhow::Result;

use super::example;
use crate::command::{command, watch};
use crate::setup::python;
use crate::step::{Outcome, step};
use crate::test::tally::Tally;

/// `None` when there is no Python; it has been said what is missing.
pub(super) fn test(filter: Option<&str>) -> Result<Option<Tally>> {
    let Some(python) = python::find()? else {
        return Ok(None);
    };
    let mut tally = Tally::default();
    step("The Python SignalR clients", || {
        let mut run = command(&python.to_string_lossy());
        run.arg("end2end/signalr/python/run.py")
            .args(filter)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PYTHONUNBUFFERED", "1")
            .env("INTEROP", example("interop"));
        let status = watch(&mut run, |line| read(&mut tally, line))?;
        tally.broken |= !status.success();
        Ok(Outcome::DoneWith(tally.to_string()))
    })?;
    Ok(Some(tally))
}

/// Adds what one line of the summary says: `Ran 97 tests in 19.1s`, then `OK (skipped=1)` or
/// `FAILED (failures=1, errors=2)`.
fn read(tally: &mut Tally, line: &str) {
    if let Some(rest) = line.strip_prefix("Ran ") {
        let count = rest.split(' ').next();
        tally.passed += count.and_then(|count| count.parse().ok()).unwrap_or(0);
        return;
    }
    let Some(counts) = ["OK (", "FAILED ("]
        .iter()
        .find_map(|start| line.strip_prefix(start))
    else {
        return;
    };
    for part in counts.trim_end_matches(')').split(", ") {
        let Some((what, count)) = part.split_once('=') else {
            continue;
        };
        let count = count.parse::<u64>().unwrap_or(0);
        match what {
            "failures" | "errors" | "unexpected successes" => tally.failed += count,
            "skipped" => tally.skipped += count,
            _ => continue,
        }
        tally.passed = tally.passed.saturating_sub(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_of_unittest_is_counted() {
        let counted = |lines: &[&str]| {
            let mut tally = Tally::default();
            for line in lines {
                read(&mut tally, line);
            }
            (tally.passed, tally.failed, tally.skipped)
        };
        assert_eq!(counted(&["Ran 97 tests in 19.1s", "", "OK"]), (97, 0, 0));
        assert_eq!(
            counted(&["Ran 1 test in 0.1s", "OK (skipped=1)"]),
            (0, 0, 1)
        );
        let failed = "FAILED (failures=1, errors=2, skipped=3, expected failures=1)";
        assert_eq!(counted(&["Ran 10 tests in 1s", failed]), (4, 3, 3));
    }
}
