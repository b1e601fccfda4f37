//! Whom PostgreSQL runs as. It refuses root, and containers and CI often are root.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::Error;

/// A user of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
}

impl Account {
    /// Makes a command run as this user, from a folder it can surely enter.
    pub(crate) fn own(&self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }

    /// Whether this user can walk from the root down to `folder` and list it.
    pub(crate) fn can_enter(&self, folder: &Path) -> bool {
        let Ok(folder) = folder.canonicalize() else {
            return false;
        };
        folder.ancestors().all(|step| {
            fs::metadata(step).is_ok_and(|about| {
                let mode = about.mode();
                let bit = if about.uid() == self.uid {
                    0o100
                } else if about.gid() == self.gid {
                    0o010
                } else {
                    0o001
                };
                mode & bit != 0
            })
        })
    }
}

/// `None` when we are an ordinary user: then PostgreSQL runs as we do.
pub(crate) fn choose(wanted: Option<&str>) -> Result<Option<Account>, Error> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let users = Path::new("/etc/passwd");
    let users = fs::read_to_string(users).map_err(Error::file("read", users))?;
    let found = match wanted {
        Some(name) => find(&users, name),
        None => find(&users, "postgres").or_else(|| find(&users, "nobody")),
    };
    match found {
        Some(account) if account.uid != 0 => Ok(Some(account)),
        _ => Err(Error::NoAccount {
            wanted: wanted.unwrap_or("nobody").to_owned(),
        }),
    }
}

fn find(users: &str, name: &str) -> Option<Account> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next()? != name {
            return None;
        }
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(Account {
            name: name.to_owned(),
            uid,
            gid,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_read_from_the_list() {
        let users = "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65533:nobody:/:/bin/false\n";
        let nobody = Account {
            name: "nobody".into(),
            uid: 65534,
            gid: 65533,
        };
        assert_eq!(find(users, "nobody"), Some(nobody));
        assert_eq!(find(users, "body"), None);
    }

    #[test]
    fn a_private_folder_keeps_a_stranger_out() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let stranger = Account {
            name: "stranger".into(),
            uid: 4_000_001,
            gid: 4_000_001,
        };
        assert!(!stranger.can_enter(dir.path()));
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o711)).unwrap();
        assert!(stranger.can_enter(dir.path()));
    }
}
