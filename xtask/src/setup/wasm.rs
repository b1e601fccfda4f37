//! The standard library for the browser's half.

use std::path::Path;

use anyhow::{Context, Result};

use crate::command::{command, output, run};
use crate::step::{Outcome, step};

const TARGET: &str = "wasm32-unknown-unknown";

pub(super) fn ensure() -> Result<()> {
    step("Rust target for the browser", || {
        if installed()? {
            return Ok(Outcome::Skipped(format!("{TARGET} is installed")));
        }
        run(command("rustup").args(["target", "add", TARGET])).with_context(|| {
            format!("install the target {TARGET} of this tool chain by hand, then try again")
        })?;
        Ok(Outcome::Done)
    })
}

fn installed() -> Result<bool> {
    let folder = output(command("rustc").args(["--print", "target-libdir", "--target", TARGET]))?;
    Ok(Path::new(folder.trim()).is_dir())
}
