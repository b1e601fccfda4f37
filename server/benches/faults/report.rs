//! The table, and beside each scenario what was seen.

use std::fmt;
use std::time::Duration;

use benches::machine::Machine;

use crate::scenario::Outcome;

/// Sentences about one scenario that are written out; the rest is counted.
const MOST: usize = 40;

pub(crate) struct Report {
    pub(crate) command: String,
    pub(crate) commit: String,
    pub(crate) profile: String,
    pub(crate) machine: Machine,
    pub(crate) outcomes: Vec<Outcome>,
}

impl Report {
    pub(crate) fn is_whole(&self) -> bool {
        self.outcomes.iter().all(|outcome| outcome.wrong.is_empty())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# Faults in a running house, commit {}\n", self.commit)?;
        writeln!(
            f,
            "By `{}`, {} profile. What is done and what must hold: `server/benches/faults`.\n",
            self.command, self.profile
        )?;
        f.write_str(
            "Publishers by HTTP (through the same proxy as the clients) and, for every fifth publication, by SQL; each with \
             an idempotency key, and asking again until there is an answer. Half of the clients are unmodified \
             `@microsoft/signalr` in Node, half the Rust clients of `bellhop verify`, every fifth of these on the plain event \
             stream. *Outage*: the longest while in which nothing was accepted. *Slowest*: the longest that one publication took, \
             with its repetitions. *Back*: from the fault until the last client that had lost its connection had one again. \
             *Received* and *lost* count after the dedupe by `notificationId`, *doubles* before it. Audited from outside: by what \
             clients heard (each once, ascending on each connection, nothing foreign) and by the ledger (numbers without gaps, a row \
             for each accepted publication and one only for each key, a delivery for each recipient, acked where an ack was \
             answered).\n\n",
        )?;
        writeln!(
            f,
            "| fault | outage | slowest | accepted | retried | received | doubles | lost | acked | back | verdict |"
        )?;
        writeln!(f, "|---|---|---|---|---|---|---|---|---|---|---|")?;
        for outcome in &self.outcomes {
            row(f, outcome)?;
        }
        for outcome in &self.outcomes {
            notes(f, outcome)?;
        }
        writeln!(f, "\n## Machine\n\n{}", self.machine)
    }
}

fn row(f: &mut fmt::Formatter<'_>, outcome: &Outcome) -> fmt::Result {
    let name = outcome.fault.name();
    if outcome.skipped {
        return writeln!(f, "| {name} | | | | | | | | | | skipped |");
    }
    let found = &outcome.findings;
    let verdict = if outcome.wrong.is_empty() {
        "whole"
    } else {
        "**not whole**"
    };
    let back = match outcome.returned {
        0 => "none left".into(),
        count => format!("{}, {count} clients", seconds(outcome.back)),
    };
    writeln!(
        f,
        "| {name} | {} | {} | {} | {} | {} of {} | {} | {} | {} | {back} | {verdict} |",
        seconds(outcome.outage),
        seconds(outcome.slowest),
        found.accepted,
        found.retries,
        found.received,
        found.owed,
        found.doubles,
        found.outstanding,
        found.acked,
    )
}

fn notes(f: &mut fmt::Formatter<'_>, outcome: &Outcome) -> fmt::Result {
    writeln!(f, "\n## {}\n\n{}", outcome.fault.name(), outcome.note)?;
    if outcome.skipped {
        return Ok(());
    }
    let latency = |percent| {
        outcome
            .findings
            .latency(percent)
            .map_or_else(String::new, |time| {
                format!("{:.0} ms", time.as_secs_f64() * 1_000.0)
            })
    };
    writeln!(
        f,
        "\n- publish to receipt of what came live, the outage included: p50 {}, p99 {}, max {}",
        latency(50),
        latency(99),
        latency(100)
    )?;
    for (why, times) in &outcome.setbacks {
        writeln!(f, "- publishers: {times} × {why}")?;
    }
    for (why, times) in &outcome.ends {
        writeln!(f, "- connections: {times} × {why}")?;
    }
    for what in outcome.wrong.iter().take(MOST) {
        writeln!(f, "- **wrong**: {what}")?;
    }
    if outcome.wrong.len() > MOST {
        writeln!(f, "- **wrong**: and {} more", outcome.wrong.len() - MOST)?;
    }
    Ok(())
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
