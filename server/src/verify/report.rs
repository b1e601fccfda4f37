//! What the operator reads: one page, or JSON.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::audit::{Findings, Violation};

/// Violations that are written out; the rest is counted.
const MOST: usize = 20;

/// A finished run.
#[derive(Debug, Serialize)]
pub struct Report {
    /// By which the run's notifications are marked, and the number that chance came from.
    pub run: String,
    pub seed: u64,
    pub url: String,
    pub users: usize,
    /// From the first publication to the verdict.
    pub seconds: f64,
    pub whole: bool,
    /// Ended by a signal before its time.
    pub broken_off: bool,
    #[serde(flatten)]
    pub findings: Findings,
    pub latency: Latency,
    /// Answers that were no acceptance, and how often.
    pub setbacks: std::collections::BTreeMap<String, u64>,
    /// Why connections ended, other than as told, and how often.
    pub ends: std::collections::BTreeMap<String, u64>,
    /// What could not be cleaned up, and how to.
    pub left: Vec<String>,
    /// What to do next, for each violation in turn.
    pub next: Vec<String>,
}

/// From publishing to receipt of what was received live, in milliseconds.
#[derive(Debug, Default, Serialize)]
pub struct Latency {
    pub count: usize,
    pub p50: Option<f64>,
    pub p99: Option<f64>,
    pub max: Option<f64>,
}

impl Latency {
    /// Of these findings.
    #[must_use]
    pub fn of(findings: &Findings) -> Self {
        let at = |percent| findings.latency(percent).map(milliseconds);
        Self {
            count: findings.latencies.len(),
            p50: at(50),
            p99: at(99),
            max: at(100),
        }
    }
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 10_000.0).round() / 10.0
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Findings {
            accepted,
            refused,
            unanswered,
            retries,
            owed,
            received,
            doubles,
            acked,
            acks_read,
            others,
            connections,
            outstanding,
            ..
        } = self.findings;
        writeln!(
            f,
            "bellhop verify, run {} (seed {}) against {}",
            self.run, self.seed, self.url
        )?;
        writeln!(
            f,
            "  {} users, {connections} connections, {:.0} s",
            self.users, self.seconds
        )?;
        writeln!(
            f,
            "  published   {accepted} accepted, {refused} refused, {unanswered} never answered, {retries} retries"
        )?;
        writeln!(
            f,
            "  received    {received} of {owed} owed, and {doubles} doubles before the dedupe"
        )?;
        if outstanding > 0 {
            writeln!(f, "  not yet     {outstanding} when it was broken off")?;
        }
        writeln!(
            f,
            "  acked       {acked} answered, {acks_read} of them read back"
        )?;
        if let Latency {
            count,
            p50: Some(p50),
            p99: Some(p99),
            max: Some(max),
        } = self.latency
        {
            writeln!(
                f,
                "  latency     p50 {p50} ms, p99 {p99} ms, max {max} ms, of {count} received live"
            )?;
        }
        if others > 0 {
            writeln!(
                f,
                "  others      {others} items that are not this run's: earlier runs, or published to everybody"
            )?;
        }
        for (what, map) in [("answers", &self.setbacks), ("ends", &self.ends)] {
            for (why, times) in map {
                writeln!(f, "  {what:<11} {times} x {why}")?;
            }
        }
        let found = &self.findings.violations;
        for (violation, next) in found.iter().zip(&self.next).take(MOST) {
            writeln!(f, "\n  {violation}\n    next: {next}")?;
        }
        if found.len() > MOST {
            writeln!(f, "\n  and {} more; --json has all", found.len() - MOST)?;
        }
        for left in &self.left {
            writeln!(f, "\n  left behind: {left}")?;
        }
        let verdict = match (self.whole, self.broken_off) {
            (false, _) => format!("NOT WHOLE: {} violations", found.len()),
            (true, true) => "broken off; nothing wrong so far".into(),
            (true, false) => {
                "whole: everything accepted was received, in order, and every ack is kept".into()
            }
        };
        if refused + unanswered > 0 {
            let not = refused + unanswered;
            writeln!(f, "\n{not} publications were not accepted: see answers")?;
        }
        writeln!(f, "\n{verdict}")
    }
}

/// What to do about each.
#[must_use]
pub fn next(violations: &[Violation]) -> Vec<String> {
    violations.iter().map(Violation::next).collect()
}
