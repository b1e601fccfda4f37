//! cargo-leptos, which builds both halves, and the wasm-bindgen CLI, which has to be of exactly the
//! version that the lock file names.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::cache;
use crate::command::{cargo, run};
use crate::place;
use crate::step::{Outcome, note, step};

/// The newest that this tool chain compiles.
const CARGO_LEPTOS: &str = "0.3.10";

/// Folders of programs, to be put on `PATH`.
pub(crate) struct RustTools {
    pub(crate) folders: Vec<PathBuf>,
}

pub(super) fn ensure() -> Result<RustTools> {
    let bindgen = locked_version("wasm-bindgen")?;
    let leptos = program("cargo-leptos", CARGO_LEPTOS, "cargo-leptos", true)?;
    // Without --locked: its lock file may name what the registry has not.
    let bindgen = program("wasm-bindgen-cli", &bindgen, "wasm-bindgen", false)?;
    Ok(RustTools {
        folders: vec![leptos, bindgen],
    })
}

fn program(package: &str, version: &str, binary: &str, locked: bool) -> Result<PathBuf> {
    let (cache, _lock) = cache()?;
    let folder = cache.join(format!("{package}-{version}"));
    let bin = folder.join("bin");
    step(&format!("{package} {version}"), || {
        if bin.join(binary).is_file() {
            return Ok(Outcome::Skipped(format!("it is in {}", bin.display())));
        }
        if place::on_path("cargo-binstall").is_some() && fetch(package, version, &folder) {
            return Ok(Outcome::DoneWith("fetched ready-made".into()));
        }
        note("compiling it; this happens once per machine and takes minutes");
        compile(package, version, locked, &cache, &folder)?;
        Ok(Outcome::Done)
    })?;
    Ok(bin)
}

fn fetch(package: &str, version: &str, folder: &Path) -> bool {
    let mut binstall = cargo();
    binstall
        .args([
            "binstall",
            "--no-confirm",
            "--disable-strategies",
            "compile",
            "--root",
        ])
        .arg(folder)
        .arg(format!("{package}@{version}"));
    run(&mut binstall).is_ok()
}

fn compile(package: &str, version: &str, locked: bool, cache: &Path, root: &Path) -> Result<()> {
    let mut install = cargo();
    install
        .args(["install", package, "--version", version, "--root"])
        .arg(root);
    if locked {
        install.arg("--locked");
    }
    // They only orchestrate: unoptimised they are as good, and there in a quarter of the time.
    install
        .env("CARGO_TARGET_DIR", cache.join("build"))
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "256")
        .env_remove("RUSTFLAGS");
    run(&mut install).with_context(|| {
        format!("{package} {version} does not install: are a C compiler and the registry there?")
    })
}

fn locked_version(package: &str) -> Result<String> {
    let lock = fs::read_to_string(place::root().join("Cargo.lock"))?;
    version_in(&lock, package).with_context(|| format!("Cargo.lock names no {package}"))
}

fn version_in(lock: &str, package: &str) -> Option<String> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| **line != *name);
    let version = lines
        .nth(1)?
        .strip_prefix("version = \"")?
        .strip_suffix('"')?;
    Some(version.to_owned())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_version_of_a_package_is_read_from_the_lock_file() {
        let lock = "[[package]]\nname = \"wasm-bindgen-x\"\nversion = \"9\"\n\n[[package]]\n\
                    name = \"wasm-bindgen\"\nversion = \"0.2.130\"\n";
        assert_eq!(
            super::version_in(lock, "wasm-bindgen").as_deref(),
            Some("0.2.130")
        );
        assert_eq!(super::version_in(lock, "leptos"), None);
    }
}
