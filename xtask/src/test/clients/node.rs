//! The official JavaScript SignalR client, in both protocols and over each transport, and the steps by
//! hand with curl, by Node's test runner.

use anyhow::Result;

use super::example;
use crate::command::{command, watch};
use crate::setup::npm::Packages;
use crate::step::{Outcome, step};
use crate::test::tally::Tally;

/// Name of a suite, the variable that names its program, the program.
const SUITES: [(&str, &str, &str); 7] = [
    ("codec", "CODEC_ORACLE", "codec_oracle"),
    ("interop", "INTEROP", "interop"),
    ("routes", "INTEROP", "interop"),
    ("curl", "INTEROP", "interop"),
    ("https", "INTEROP", "interop"),
    ("proxy", "INTEROP", "interop"),
    ("resume", "SIGNALR_CHAT", "chat"),
];

pub(super) fn test(packages: &Packages, filter: Option<&str>) -> Result<Tally> {
    let mut tally = Tally::default();
    step("The official SignalR client", || {
        let mut node = command("node");
        node.args(["--test", "--test-reporter=tap"])
            .env("NODE_PATH", packages.modules());
        if let Some(filter) = filter {
            node.arg(format!("--test-name-pattern={filter}"));
        }
        for (suite, variable, program) in SUITES {
            node.env(variable, example(program))
                .arg(format!("end2end/signalr/{suite}.test.mjs"));
        }
        let status = watch(&mut node, |line| read(&mut tally, line))?;
        tally.broken |= !status.success();
        Ok(Outcome::DoneWith(tally.to_string()))
    })?;
    Ok(tally)
}

/// Adds what one line of the summary says: `# pass 91`.
fn read(tally: &mut Tally, line: &str) {
    let mut words = line.split_whitespace();
    let (Some("#"), Some(what), Some(count)) = (words.next(), words.next(), words.next()) else {
        return;
    };
    let Ok(count) = count.parse::<u64>() else {
        return;
    };
    match what {
        "pass" => tally.passed += count,
        "fail" | "cancelled" => tally.failed += count,
        "skipped" | "todo" => tally.skipped += count,
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_of_nodes_runner_is_counted() {
        let mut tally = Tally::default();
        for line in [
            "# Subtest: 3 pass 4",
            "ok 1 - invoke",
            "# tests 7",
            "# pass 3",
            "# fail 1",
            "# cancelled 1",
            "# skipped 2",
            "# duration_ms 12.5",
        ] {
            read(&mut tally, line);
        }
        assert_eq!((tally.passed, tally.failed, tally.skipped), (3, 2, 2));
    }
}
