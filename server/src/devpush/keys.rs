//! Key files with which a server is pointed at the stand-ins.

use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::DevPush;
use crate::push::web::key::VapidKey;

/// For `--fcm-key` and `--vapid-key`; together with `--push-allow-loopback` and a `--vapid-subject`
/// that is all the settings it takes.
#[derive(Clone, Debug)]
pub struct KeyFiles {
    pub fcm: PathBuf,
    pub vapid: PathBuf,
}

impl DevPush {
    /// Writes both into `folder`, which is made, mode 0600. `fcm.json` is of this run; `vapid.pem` is
    /// kept when it is there, so that what subscribed stays subscribed.
    pub fn write_keys(&self, folder: &Path) -> io::Result<KeyFiles> {
        std::fs::create_dir_all(folder)?;
        let files = KeyFiles {
            fcm: folder.join("fcm.json"),
            vapid: folder.join("vapid.pem"),
        };
        let mut open = std::fs::OpenOptions::new();
        open.write(true).create(true).truncate(true).mode(0o600);
        open.open(&files.fcm)?
            .write_all(self.key_file().as_bytes())?;
        if !files.vapid.exists() {
            VapidKey::make_file(&files.vapid)?;
        }
        Ok(files)
    }
}
