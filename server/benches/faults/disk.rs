//! A small disk of our own that can be filled: a tmpfs, where mounting is allowed.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// A fresh cluster with demo data takes some 80 MB of it; a minute of publications is not much.
const SIZE: &str = "256m";

/// Unmounted when dropped.
pub(crate) struct Disk {
    folder: PathBuf,
}

impl Disk {
    pub(crate) fn mount() -> Result<Self> {
        // Not under `target`: the database's own user has to get there.
        let folder = std::env::temp_dir().join(format!("bellhop-faults-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let mount = Command::new("mount")
            .args([
                "-t",
                "tmpfs",
                "-o",
                &format!("size={SIZE},mode=0755"),
                "bellhop-faults",
            ])
            .arg(&folder)
            .output()
            .context("`mount` cannot be run")?;
        if !mount.status.success() {
            let _ = fs::remove_dir(&folder);
            bail!(
                "a tmpfs cannot be mounted here: {}",
                String::from_utf8_lossy(&mount.stderr).trim()
            );
        }
        Ok(Self { folder })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Takes all space that is left; the number of bytes.
    pub(crate) fn fill(&self) -> Result<u64> {
        let mut file = File::create(self.filler())?;
        let mut taken = 0;
        // Coarse, then to the last byte.
        for block in [1 << 20, 4 << 10, 1] {
            let bytes = vec![0; block];
            loop {
                match file.write(&bytes) {
                    Ok(0) => break,
                    Ok(count) => taken += count as u64,
                    Err(error) if error.kind() == ErrorKind::StorageFull => break,
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(taken)
    }

    pub(crate) fn free(&self) -> Result<()> {
        Ok(fs::remove_file(self.filler())?)
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.folder).status();
        let _ = fs::remove_dir(&self.folder);
    }
}
