//! Where the cluster lies.
//!
//! In the data folder, except as root when the database's user cannot enter that (`/root` and
//! `mktemp -d` folders are 0700): then under [`AWAY`], and a pointer file in the data folder says so.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use crate::{Account, Error, Event, Say};

/// Root's place for what another user has to reach.
const AWAY: &str = "/var/lib/bellhop";
/// File in the data folder that names the cluster's folder when it is elsewhere.
const POINTER: &str = "postgres.location";

/// Makes the data folder. Its secrets are 0600 each; another user may pass through it only when
/// `shared`, never list it.
pub(crate) fn folder(data: &Path, shared: bool) -> Result<PathBuf, Error> {
    if !data.exists() {
        fs::DirBuilder::new()
            .recursive(true)
            .create(data)
            .map_err(Error::file("create the folder", data))?;
        let mode = fs::Permissions::from_mode(if shared { 0o711 } else { 0o700 });
        fs::set_permissions(data, mode).map_err(Error::file("set the mode of", data))?;
    }
    data.canonicalize().map_err(Error::file("find", data))
}

/// The folder of the cluster's files; it exists afterwards and belongs to `account`.
pub(crate) fn cluster(data: &Path, account: Option<&Account>, say: &Say) -> Result<PathBuf, Error> {
    let Some(account) = account else {
        return Ok(data.join("postgres"));
    };
    let pgdata = match pointed(data)? {
        Some(away) => away.join("postgres"),
        None if account.can_enter(data) => data.join("postgres"),
        None => {
            let away = away(&slug(data))?;
            say(&Event::Relocated {
                user: &account.name,
                data,
                to: &away,
            });
            let pointer = data.join(POINTER);
            fs::write(&pointer, away.as_os_str().as_encoded_bytes())
                .map_err(Error::file("write", &pointer))?;
            away.join("postgres")
        }
    };
    if !pgdata.exists() {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(pgdata.parent().unwrap_or(&pgdata))
            .map_err(Error::file("create the folder of", &pgdata))?;
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&pgdata)
            .map_err(Error::file("create the folder", &pgdata))?;
        chown(&pgdata, Some(account.uid), Some(account.gid))
            .map_err(Error::file("give away", &pgdata))?;
    }
    Ok(pgdata)
}

/// What the pointer file says, if there is one.
pub(crate) fn pointed(data: &Path) -> Result<Option<PathBuf>, Error> {
    let pointer = data.join(POINTER);
    match fs::read_to_string(&pointer) {
        Ok(path) => Ok(Some(PathBuf::from(path.trim()))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::file("read", &pointer)(error)),
    }
}

/// A folder of root's that every user can enter.
pub(crate) fn away(name: &str) -> Result<PathBuf, Error> {
    let folder = Path::new(AWAY).join(name);
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(&folder)
        .map_err(Error::file("create the folder", &folder))?;
    Ok(folder)
}

/// A readable name that two data folders do not share.
fn slug(data: &Path) -> String {
    let mut hasher = DefaultHasher::new();
    data.hash(&mut hasher);
    let name = data
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    format!(
        "{}-{:08x}",
        name.unwrap_or_else(|| "data".into()),
        hasher.finish() >> 32
    )
}
