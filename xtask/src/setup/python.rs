//! A Python of our own beside the system's: a virtual environment with the packages that the tests of
//! foreign clients need, by the committed `requirements.txt` (versions and hashes). It lies in a
//! folder of the cache named by that file's content and by Python's version, to which it is bound.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::cache;
use crate::command::{command, output, run};
use crate::place;
use crate::step::{Outcome, note, step};

/// The oldest Python that the packages and the tests run on.
const PYTHON: (u32, u32) = (3, 11);

/// The environment's own `python`; `None` when this machine has no Python to make it with, and it has
/// been said what is missing.
pub(crate) fn find() -> Result<Option<PathBuf>> {
    let requirements = place::root().join("end2end/signalr/python/requirements.txt");
    let mut python = None;
    step("Python packages for tests of foreign clients", || {
        let version = match version() {
            Ok(version) => version,
            Err(missing) => {
                note(format!(
                    "{missing:#}: install Python 3.11 or newer with venv"
                ));
                return Ok(Outcome::Skipped("without Python 3".into()));
            }
        };
        let (cache, _lock) = cache()?;
        let key = place::fingerprint(&requirements)?;
        let folder = cache.join(format!("python-{version}-{key}"));
        python = Some(folder.join("bin/python"));
        if folder.is_dir() {
            return Ok(Outcome::Skipped(format!(
                "they are in {}",
                folder.display()
            )));
        }
        // Made aside and renamed: what is there is whole.
        let aside = cache.join(format!("python-{key}.aside-{}", std::process::id()));
        if let Err(missing) = environment(&aside) {
            let _ = fs::remove_dir_all(&aside);
            python = None;
            note(format!(
                "{missing:#}: install Python's venv (on Debian python3-venv)"
            ));
            return Ok(Outcome::Skipped("without Python's venv".into()));
        }
        install(&aside, &requirements)?;
        fs::rename(&aside, &folder)?;
        Ok(Outcome::Done)
    })?;
    Ok(python)
}

/// As `3.11.7`.
fn version() -> Result<String> {
    let said = output(command("python3").arg("--version"))?;
    let version = said.trim().trim_start_matches("Python ").to_owned();
    anyhow::ensure!(new_enough(&version), "Python {version} is too old");
    Ok(version)
}

fn new_enough(version: &str) -> bool {
    let mut numbers = version.split('.').map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= PYTHON,
        _ => false,
    }
}

fn environment(folder: &Path) -> Result<String> {
    output(command("python3").args(["-m", "venv"]).arg(folder))
}

/// Ready-made builds only: what is compiled here would bring unpinned tools to do so.
fn install(folder: &Path, requirements: &Path) -> Result<()> {
    let mut pip = command(&folder.join("bin/python").to_string_lossy());
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--require-hashes",
        "--only-binary=:all:",
        "--requirement",
    ]);
    run(pip.arg(requirements)).context("pip cannot install: is its registry reachable?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_has_to_be_3_11() {
        for (version, enough) in [
            ("3.11.7", true),
            ("3.14.0rc1", true),
            ("4.0", true),
            ("3.9.18", false),
            ("2.7.18", false),
            ("", false),
        ] {
            assert_eq!(new_enough(version), enough, "{version}");
        }
    }
}
