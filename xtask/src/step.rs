//! What is said: every step when it begins, what came of it, how long it took.

use std::fmt::Display;
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};
use anyhow::Result;

const NAME: Style = AnsiColor::Cyan.on_default().bold();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const ASIDE: Style = AnsiColor::Yellow.on_default();

/// How a step that did not fail ended.
pub(crate) enum Outcome {
    Done,
    /// With what came of it.
    DoneWith(String),
    /// With why nothing had to be done.
    Skipped(String),
}

/// Runs one step, aloud.
pub(crate) fn step(name: &str, work: impl FnOnce() -> Result<Outcome>) -> Result<()> {
    anstream::eprintln!("{NAME}==>{NAME:#} {name}");
    let begun = Instant::now();
    let outcome = work()?;
    let took = readable(begun.elapsed());
    match outcome {
        Outcome::Done => anstream::eprintln!("    {GOOD}done{GOOD:#} in {took}"),
        Outcome::DoneWith(what) => anstream::eprintln!("    {GOOD}done{GOOD:#} in {took}: {what}"),
        Outcome::Skipped(why) => anstream::eprintln!("    skipped: {why}"),
    }
    Ok(())
}

/// A line that belongs to the step before it.
pub(crate) fn note(text: impl Display) {
    anstream::eprintln!("    {ASIDE}note{ASIDE:#} {text}");
}

/// The end: the cause, and each cause behind it.
pub(crate) fn failed(error: &anyhow::Error) {
    anstream::eprintln!("{BAD}failed:{BAD:#} {error}");
    for cause in error.chain().skip(1) {
        anstream::eprintln!("  because: {cause}");
    }
}

fn readable(took: Duration) -> String {
    let seconds = took.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", took.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        _ => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        assert_eq!(readable(Duration::from_millis(340)), "0.3 s");
        assert_eq!(readable(Duration::from_secs(42)), "42 s");
        assert_eq!(readable(Duration::from_secs(61)), "1 min 1 s");
    }
}
