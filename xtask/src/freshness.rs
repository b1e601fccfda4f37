//! Whether the product has to be built at all. cargo would find out by itself, but not before
//! wasm-bindgen has gone through the browser's half again: 5 to 15 s of a start that should take 2.

use std::env;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result};

use crate::hash::Hash;
use crate::place;

/// Everything a build reads, relative to the root.
const INPUTS: [&str; 13] = [
    ".cargo",
    ".sqlx",
    "Cargo.lock",
    "Cargo.toml",
    "app",
    "frontend",
    "migrations",
    "public",
    "rust-toolchain.toml",
    "server",
    "style",
    "tools/package-lock.json",
    "xtask/src", // how it is built: flags, compression
];

/// What a build of the product was made of and what it made, in one number.
pub(crate) struct Freshness {
    /// What is to be built: part of a file's name.
    what: &'static str,
    /// Taken before the build, so that what is changed while it runs counts as changed.
    inputs: Hash,
    outputs: Vec<PathBuf>,
}

impl Freshness {
    /// `outputs`: files that the build writes and nothing else may have touched since.
    pub(crate) fn of(what: &'static str, outputs: Vec<PathBuf>) -> Result<Self> {
        let root = place::root();
        let mut hash = Hash::new();
        for flags in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"] {
            hash.add(env::var_os(flags).unwrap_or_default().as_encoded_bytes());
        }
        for input in INPUTS {
            add(&mut hash, &root.join(input))?;
        }
        Ok(Self {
            what,
            inputs: hash,
            outputs,
        })
    }

    /// Nothing was changed since [`note`](Self::note), on either side.
    pub(crate) fn holds(&self) -> bool {
        let noted = fs::read_to_string(self.stamp()).ok();
        noted.is_some() && noted == self.line().ok()
    }

    /// Call it after the build.
    pub(crate) fn note(&self) -> Result<()> {
        let stamp = self.stamp();
        fs::write(&stamp, self.line()?).with_context(|| format!("cannot write {}", stamp.display()))
    }

    fn line(&self) -> Result<String> {
        let mut hash = self.inputs;
        for output in &self.outputs {
            let meta = fs::metadata(output)
                .with_context(|| format!("the build made no {}", output.display()))?;
            file(&mut hash, output, &meta)?;
        }
        Ok(format!("{hash}\n"))
    }

    fn stamp(&self) -> PathBuf {
        place::target().join(format!("built-{}", self.what))
    }
}

fn add(hash: &mut Hash, path: &Path) -> Result<()> {
    let cannot = || format!("cannot read {}", path.display());
    // Links as links: an editor's lock is one that leads nowhere.
    let meta = fs::symlink_metadata(path).with_context(cannot)?;
    if !meta.is_dir() {
        return file(hash, path, &meta);
    }
    let mut entries = fs::read_dir(path)
        .with_context(cannot)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .with_context(cannot)?;
    entries.sort();
    entries.iter().try_for_each(|entry| add(hash, entry))
}

/// Name, size and time of change: what `make` goes by.
fn file(hash: &mut Hash, path: &Path, meta: &Metadata) -> Result<()> {
    hash.add(path.as_os_str().as_encoded_bytes());
    hash.add(&meta.len().to_le_bytes());
    let changed = meta.modified()?.duration_since(UNIX_EPOCH)?;
    hash.add(&changed.as_nanos().to_le_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(path: &Path) -> String {
        let mut hash = Hash::new();
        add(&mut hash, path).unwrap();
        hash.to_string()
    }

    #[test]
    fn a_new_a_longer_and_a_lost_file_are_changes_and_a_look_is_none() {
        let folder = env::temp_dir().join(format!("bellhop-freshness-{}", std::process::id()));
        fs::create_dir_all(folder.join("below")).unwrap();
        let file = folder.join("below/file");
        fs::write(&file, "one").unwrap();
        let first = number(&folder);
        assert_eq!(number(&folder), first);
        fs::write(&file, "three").unwrap();
        let longer = number(&folder);
        assert_ne!(longer, first);
        fs::write(folder.join("new"), "").unwrap();
        assert_ne!(number(&folder), longer);
        fs::remove_file(folder.join("new")).unwrap();
        assert_eq!(number(&folder), longer);
        fs::remove_dir_all(&folder).unwrap();
    }
}
