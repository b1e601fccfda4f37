//! What has to be there. Each file is one thing: it looks, and installs what is missing into the
//! cache, in a folder named by its version, so that a second clone and a second start find it.

use std::fs::File;
use std::path::Path;

use anyhow::{Context, Result};

use crate::place;

pub(crate) mod browser;
pub(crate) mod deny;
pub(crate) mod maven;
pub(crate) mod npm;
pub(crate) mod python;
mod rust_tools;
mod wasm;

pub(crate) use rust_tools::RustTools;

/// What a build needs.
pub(crate) struct Tools {
    pub(crate) rust: RustTools,
    pub(crate) npm: npm::Packages,
}

impl Tools {
    pub(crate) fn install() -> Result<Self> {
        wasm::ensure()?;
        let npm = npm::tools()?;
        let rust = rust_tools::ensure()?;
        Ok(Self { rust, npm })
    }
}

/// `cargo xtask setup`.
pub(crate) fn everything() -> Result<()> {
    Tools::install()?;
    npm::end2end()?;
    python::find()?;
    maven::find()?;
    browser::find()?;
    deny::ensure()?;
    Ok(())
}

/// Two chores may run at once: the second waits until the first has installed.
fn exclusive(cache: &Path) -> Result<File> {
    let path = cache.join("lock");
    let file = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
    file.lock()
        .with_context(|| format!("cannot lock {}", path.display()))?;
    Ok(file)
}

/// The cache, held for us alone.
fn cache() -> Result<(std::path::PathBuf, File)> {
    let cache = place::cache()?;
    let lock = exclusive(&cache)?;
    Ok((cache, lock))
}
