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
pub(crate) struct Section {
    pub(crate) title: &'static str,
    pub(crate) rows: Vec<Row>,
    /// How it was measured, and what else was seen.
    pub(crate) notes: Vec<String>,
}

/// One figure.
pub(crate) struct Row {
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
}

impl Row {
    pub(crate) fn new(what: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self {
            what: what.into(),
            value,
            unit,
            target: None,
            product: None,
        }
    }

    pub(crate) fn at_most(self, target: f64) -> Self {
        Self {
            target: Some(Target::AtMost(target)),
            ..self
        }
    }

    pub(crate) fn at_least(self, target: f64) -> Self {
        Self {
            target: Some(Target::AtLeast(target)),
            ..self
        }
    }

    /// The bare twin of a figure, for the ratio.
    pub(crate) fn twin(
        what: impl Into<String>,
        value: f64,
        unit: &'static str,
        product: f64,
    ) -> Self {
        Self {
            product: Some(product),
            ..Self::new(what, value, unit)
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            what, value, unit, ..
        } = self;
        let (wanted, met) = match self.target {
            None => (String::new(), ""),
            Some(Target::AtMost(most)) => (format!("≤ {most} {unit}"), said(*value <= most)),
            Some(Target::AtLeast(least)) => {
                (format!("≥ {} {unit}", number(least)), said(*value >= least))
            }
        };
        let what = match self.product {
            Some(_) => format!("*twin: {what}*"),
            None => what.clone(),
        };
        let ratio = self.product.map_or(String::new(), |product| {
            format!("{} ×", number(product / value))
        });
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

pub(crate) struct Report {
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
    pub(crate) fn new(machine: Machine, commit: String) -> Self {
        Self {
            machine,
            commit,
            at: Timestamp::now(),
            sections: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, section: Section, disturbance: Disturbance) {
        self.sections.push((section, disturbance));
    }

    /// `part`: the rows' names, when it is not all of them.
    pub(crate) fn write(&self, folder: &Path, part: Option<&str>) -> Result<PathBuf> {
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
            "By `cargo xtask bench`; what each row means: [performance](../performance.md). Compare within\n\
             this run, as ratios: the last column is the product's figure divided by its bare twin's.\n"
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
