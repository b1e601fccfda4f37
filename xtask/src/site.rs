//! The product, built by cargo-leptos: the server, and the browser's half with its styles.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::command::{cargo, erasing, path_with, run};
use crate::freshness::Freshness;
use crate::place;
use crate::setup::Tools;
use crate::step::{Outcome, step};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    Dev,
    Release,
}

impl Profile {
    fn name(self) -> &'static str {
        match self {
            Self::Dev => "development",
            Self::Release => "release",
        }
    }

    /// The server's program.
    pub(crate) fn program(self) -> PathBuf {
        let folder = if self == Self::Release {
            "release"
        } else {
            "debug"
        };
        place::target().join(folder).join("bellhop")
    }
}

/// Both halves.
pub(crate) fn build(tools: &Tools, profile: Profile) -> Result<()> {
    let name = match profile {
        Profile::Dev => "Building server and browser half (development profile)",
        Profile::Release => "Building server and browser half (release profile)",
    };
    step(name, || {
        let mut leptos = leptos(tools)?;
        match profile {
            Profile::Dev => forget_compressed()?,
            Profile::Release => {
                leptos.args(["--release", "--precompress"]);
                leptos.env("RUSTFLAGS", erasing());
            }
        }
        let mut outputs = browser_half();
        outputs.push(profile.program());
        if profile == Profile::Release {
            outputs.push(place::site().join("pkg/bellhop.wasm.br"));
        }
        unless_fresh(profile.name(), outputs, &mut leptos)
    })
}

/// Only what the browser loads.
pub(crate) fn build_browser_half(tools: &Tools) -> Result<()> {
    step("Building the browser half (development profile)", || {
        forget_compressed()?;
        let mut leptos = leptos(tools)?;
        leptos.arg("--frontend-only");
        unless_fresh("browser-half", browser_half(), &mut leptos)
    })
}

/// Removes what a release build compressed: the server would prefer it to the newer plain file.
fn forget_compressed() -> Result<()> {
    let Ok(built) = fs::read_dir(place::site().join("pkg")) else {
        return Ok(()); // nothing was built yet
    };
    for file in built {
        let file = file?.path();
        if file
            .extension()
            .is_some_and(|kind| kind == "br" || kind == "gz")
        {
            fs::remove_file(&file).with_context(|| format!("cannot remove {}", file.display()))?;
        }
    }
    Ok(())
}

fn browser_half() -> Vec<PathBuf> {
    ["bellhop.wasm", "bellhop.js", "bellhop.css"]
        .map(|file| place::site().join("pkg").join(file))
        .into()
}

fn unless_fresh(what: &'static str, outputs: Vec<PathBuf>, build: &mut Command) -> Result<Outcome> {
    let fresh = Freshness::of(what, outputs)?;
    if fresh.holds() {
        let why = "nothing was changed since the last build";
        return Ok(Outcome::Skipped(why.into()));
    }
    run(build)?;
    fresh.note()?;
    Ok(Outcome::Done)
}

fn leptos(tools: &Tools) -> Result<Command> {
    let mut folders = tools.rust.folders.clone();
    folders.push(tools.npm.programs());
    let mut leptos = cargo();
    leptos
        .args(["leptos", "build"])
        .env("RUST_BACKTRACE", "0") // where it failed inside of cargo-leptos helps nobody
        .env("PATH", path_with(&folders)?)
        // Where Tailwind finds what the style sheet imports: the clone has no node_modules.
        .env("NODE_PATH", tools.npm.modules());
    Ok(leptos)
}
