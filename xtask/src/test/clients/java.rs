//! The official Java client, by Maven and JUnit.

use anyhow::Result;

use super::example;
use crate::command::watch;
use crate::setup::maven;
use crate::step::{Outcome, step};
use crate::test::tally::Tally;

/// `None` when there is no Java; it has been said what is missing.
pub(super) fn test(filter: Option<&str>) -> Result<Option<Tally>> {
    let Some(maven) = maven::find()? else {
        return Ok(None);
    };
    let mut tally = Tally::default();
    step("The official Java SignalR client", || {
        let mut run = maven.offline();
        if let Some(filter) = filter {
            if !filter.chars().all(char::is_alphanumeric) {
                return Ok(Outcome::Skipped(format!("no method is named {filter}")));
            }
            run.arg(format!("-Dtest=*#*{filter}*"))
                .arg("-Dsurefire.failIfNoSpecifiedTests=false");
        }
        run.arg("test").env("INTEROP", example("interop"));
        let status = watch(&mut run, |line| read(&mut tally, line))?;
        tally.broken |= !status.success();
        Ok(Outcome::DoneWith(tally.to_string()))
    })?;
    Ok(Some(tally))
}

/// Adds the summary of all classes: `[INFO] Tests run: 27, Failures: 0, Errors: 0, Skipped: 0`. That of one
/// class goes on with its time.
fn read(tally: &mut Tally, line: &str) {
    let Some((_, counts)) = line.split_once("] Tests run: ") else {
        return;
    };
    let mut parts = counts.split(", ");
    let mut next = |name: &str| {
        let part = parts.next()?;
        part.strip_prefix(name)?.parse::<u64>().ok()
    };
    let counts = (
        next(""),
        next("Failures: "),
        next("Errors: "),
        next("Skipped: "),
    );
    if let (Some(run), Some(failures), Some(errors), Some(skipped)) = counts
        && parts.next().is_none()
    {
        tally.failed += failures + errors;
        tally.skipped += skipped;
        tally.passed += run.saturating_sub(failures + errors + skipped);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_of_surefire_is_counted_once() {
        let mut tally = Tally::default();
        for line in [
            "[INFO] Tests run: 7, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 5.7 s -- in A",
            "[ERROR] Tests run: 20, Failures: 1, Errors: 2, Skipped: 3, Time elapsed: 7 s <<< FAILURE!",
            "[ERROR] Tests run: 27, Failures: 1, Errors: 2, Skipped: 3",
            "[INFO] BUILD FAILURE",
        ] {
            read(&mut tally, line);
        }
        assert_eq!((tally.passed, tally.failed, tally.skipped), (21, 3, 3));
    }
}
