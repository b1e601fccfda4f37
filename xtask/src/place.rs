//! Where things lie: the clone, and the one cache folder outside of it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::hash::Hash;

/// The root of the clone.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// Where cargo builds the product (the chores themselves are built elsewhere, see `.cargo/config.toml`).
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Where cargo-leptos puts the browser's half.
pub(crate) fn site() -> PathBuf {
    root().join("target/site")
}

/// Programs made or fetched once per machine: `BELLHOP_CACHE`, else the usual folder for caches.
pub(crate) fn cache() -> Result<PathBuf> {
    let set = |name| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let cache = set("BELLHOP_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|folder| folder.join("bellhop")))
        .or_else(|| set("HOME").map(|folder| folder.join(".cache/bellhop")))
        .context("there is no HOME: set BELLHOP_CACHE to a folder for downloaded tools")?;
    fs::create_dir_all(&cache)
        .with_context(|| format!("cannot create {}: set BELLHOP_CACHE", cache.display()))?;
    Ok(cache)
}

/// A short name for the content of a file: a folder named by it is never out of date.
pub(crate) fn fingerprint(file: &Path) -> Result<String> {
    let content = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut hash = Hash::new();
    hash.add(&content);
    Ok(hash.to_string())
}

/// The program's path, when it is on `PATH`.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}
