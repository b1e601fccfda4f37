//! The report: one table, what each section wants said beside it, and the machine. The same text
//! goes to the terminal and into `docs/reports`.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use jiff::Timestamp;

use crate::machine::Machine;
use crate::noise::Disturbance;

/// What one kind of measurement found.
pub struct Section {
    pub title: &'static str,
    pub rows: Vec<Row>,
    /// How it was measured, and what else was seen.
    pub notes: Vec<String>,
}

/// One figure.
pub struct Row {
    what: String,
    value: f64,
    unit: &'static str,
    target: Option<Target>,
    /// For a twin: the product's own figure.
    product: Option<f64>,
}

#[derive(Clone, Copy)]
enum Target {
    AtMost(f64),
    AtLeast(f64),
    /// Of the ratio to the twin, as is the next.
    TimesAtMost(f64),
    TimesAtLeast(f64),
}

impl Row {
    /// Ours, or one that is compared with nothing.
    pub fn new(what: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self {
            what: what.into(),
            value,
            unit,
            target: None,
            product: None,
        }
    }

    /// The figure's own target.
    #[must_use]
    pub fn at_most(self, target: f64) -> Self {
        Self {
            target: Some(Target::AtMost(target)),
            ..self
        }
    }

    /// The figure's own target.
    #[must_use]
    pub fn at_least(self, target: f64) -> Self {
        Self {
            target: Some(Target::AtLeast(target)),
            ..self
        }
    }

    /// The bare twin of a figure, for the ratio.
    pub fn twin(what: impl Into<String>, value: f64, unit: &'static str, product: f64) -> Self {
        Self {
            product: Some(product),
            ..Self::new(what, value, unit)
        }
    }

    /// Target of a twin's row: the product's figure is at most so many times this one.
    #[must_use]
    pub fn times_at_most(self, target: f64) -> Self {
        Self {
            target: Some(Target::TimesAtMost(target)),
            ..self
        }
    }

    /// Target of a twin's row: the product's figure is at least so many times this one.
    #[must_use]
    pub fn times_at_least(self, target: f64) -> Self {
        Self {
            target: Some(Target::TimesAtLeast(target)),
            ..self
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            what, value, unit, ..
        } = self;
        let times = self.product.map_or(f64::NAN, |product| product / value);
        let (wanted, met) = match self.target {
            None => (String::new(), ""),
            Some(Target::AtMost(most)) => (format!("≤ {most} {unit}"), said(*value <= most)),
            Some(Target::AtLeast(least)) => {
                (format!("≥ {} {unit}", number(least)), said(*value >= least))
            }
            Some(Target::TimesAtMost(most)) => (format!("≤ {most} ×"), said(times <= most)),
            Some(Target::TimesAtLeast(least)) => (format!("≥ {least} ×"), said(times >= least)),
        };
        let what = match self.product {
            Some(_) => format!("*twin: {what}*"),
            None => what.clone(),
        };
        let ratio = self
            .product
            .map_or(String::new(), |_| format!("{} ×", number(times)));
        let value = number(*value);
        writeln!(
            f,
            "| {what} | {value} {unit} | {wanted} | {met} | {ratio} |"
        )
    }
}

fn said(met: bool) -> &'static str {
    if met { "yes" } else { "**no**" }
}

/// Three digits that mean something, thousands apart.
fn number(value: f64) -> String {
    let text = match value.abs() {
        0.0..10.0 => return format!("{value:.2}"),
        10.0..100.0 => return format!("{value:.1}"),
        _ => format!("{value:.0}"),
    };
    let mut out = String::new();
    for (index, digit) in text.chars().enumerate() {
        if index > 0 && (text.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Of one run.
pub struct Report {
    command: &'static str,
    machine: Machine,
    commit: String,
    at: Timestamp,
    sections: Vec<(Section, Disturbance)>,
}

impl Report {
    #[expect(
        clippy::disallowed_methods,
        reason = "the date of the report is the machine's"
    )]
    /// `command` made it, of what was built from `commit`.
    pub fn new(command: &'static str, machine: Machine, commit: String) -> Self {
        Self {
            command,
            machine,
            commit,
            at: Timestamp::now(),
            sections: Vec::new(),
        }
    }

    /// What was found, and who disturbed it.
    pub fn add(&mut self, section: Section, disturbance: Disturbance) {
        self.sections.push((section, disturbance));
    }

    /// `part`: the rows' names, when it is not all of them.
    pub fn write(&self, folder: &Path, part: Option<&str>) -> Result<PathBuf> {
        let day = self.at.strftime("%Y-%m-%d");
        let part = part.map_or(String::new(), |part| format!("-{part}"));
        let path = folder.join(format!("{day}-{}{part}.md", self.commit));
        fs::create_dir_all(folder)?;
        fs::write(&path, self.to_string())
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at.strftime("%Y-%m-%d %H:%M UTC");
        writeln!(f, "# Benchmark of {at}, commit {}\n", self.commit)?;
        writeln!(
            f,
            "By `{}`; what each row means: [performance](../performance.md). Compare within this run, as\n\
             ratios: the last column is our figure divided by its bare twin's.\n",
            self.command
        )?;
        for (section, _) in &self.sections {
            writeln!(f, "| {} | figure | target | met | ratio |", section.title)?;
            writeln!(f, "|---|---:|---:|---|---:|")?;
            for row in &section.rows {
                write!(f, "{row}")?;
            }
            writeln!(f)?;
        }
        writeln!(f, "## Notes\n")?;
        for (section, disturbance) in &self.sections {
            writeln!(f, "- {}: {disturbance}", section.title)?;
            for note in &section.notes {
                writeln!(f, "  - {note}")?;
            }
        }
        write!(f, "\n## Machine\n\n{}", self.machine)
    }
}
