//! What the tests of the official Java client need, by the exact versions in `pom.xml`: a Maven
//! repository in a folder of the cache named by that file's content.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::cache;
use crate::command::{command, output, run};
use crate::place;
use crate::step::{Outcome, note, step};

/// The oldest Java that the tests compile for.
const JAVA: u32 = 11;

/// A Maven repository that holds all that is needed.
pub(crate) struct Maven {
    repository: PathBuf,
}

impl Maven {
    /// Maven for the tests, which fetches nothing.
    pub(crate) fn offline(&self) -> Command {
        let mut maven = maven(&self.repository);
        maven.arg("--offline");
        maven
    }
}

/// `None` when this machine has no Java or no Maven; it has been said which.
pub(crate) fn find() -> Result<Option<Maven>> {
    let mut found = None;
    step("Maven packages for tests of the Java client", || {
        if let Err(missing) = check() {
            note(format!("{missing:#}: install a JDK 11 or newer and Maven"));
            return Ok(Outcome::Skipped("without Java".into()));
        }
        let (cache, _lock) = cache()?;
        let key = place::fingerprint(&project())?;
        let repository = cache.join(format!("maven-{key}"));
        if !repository.is_dir() {
            // Made aside and renamed: what is there is whole.
            let aside = cache.join(format!("maven-{key}.aside-{}", std::process::id()));
            run(maven(&aside).args(["--quiet", "-DskipTests", "test"]))
                .context("Maven cannot install: is its repository reachable?")?;
            fs::rename(&aside, &repository)?;
            found = Some(Maven { repository });
            return Ok(Outcome::Done);
        }
        let skipped = format!("they are in {}", repository.display());
        found = Some(Maven { repository });
        Ok(Outcome::Skipped(skipped))
    })?;
    Ok(found)
}

fn project() -> PathBuf {
    place::root().join("end2end/signalr/java/pom.xml")
}

fn maven(repository: &Path) -> Command {
    let define = |name: &str, value: PathBuf| format!("-D{name}={}", value.display());
    let mut maven = command("mvn");
    maven
        .args([
            "--batch-mode",
            "--no-transfer-progress",
            "-Dstyle.color=never",
        ])
        .arg("--file")
        .arg(project())
        .arg(define("maven.repo.local", repository.to_owned()))
        .arg(define("out", place::target().join("java-clients")));
    maven
}

fn check() -> Result<()> {
    let said = output(command("javac").arg("--version"))?;
    let version = said.trim().trim_start_matches("javac ");
    ensure!(new_enough(version), "Java {version} is too old");
    output(command("mvn").arg("--version"))?;
    Ok(())
}

fn new_enough(version: &str) -> bool {
    let major = version.split(['.', '-', '+']).next();
    major.and_then(|major| major.parse::<u32>().ok()) >= Some(JAVA)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn java_has_to_be_11() {
        for (version, enough) in [
            ("11", true),
            ("17.0.15", true),
            ("26-ea", true),
            ("1.8.0_402", false),
            ("9.0.4", false),
            ("", false),
        ] {
            assert_eq!(new_enough(version), enough, "{version}");
        }
    }
}
