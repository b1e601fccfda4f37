//! PostgreSQL's programs, in a place where the user who runs them can reach them.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Account, Error, Event, Say, place};

/// The folder to run them from: `bin` itself, or a copy made once.
///
/// The whole installation is copied (`bin/..`), since the programs find `lib` and `share` beside.
pub(crate) fn reachable(
    bin: &Path,
    account: Option<&Account>,
    say: &Say,
) -> Result<PathBuf, Error> {
    for program in ["initdb", "postgres"] {
        if !bin.join(program).is_file() {
            return Err(Error::NoBinaries {
                folder: bin.to_owned(),
                program,
            });
        }
    }
    let bin = bin.canonicalize().map_err(Error::file("find", bin))?;
    let (Some(account), Some(installed)) = (account, bin.parent()) else {
        return Ok(bin);
    };
    if account.can_enter(&bin) {
        return Ok(bin);
    }
    let about = fs::metadata(bin.join("postgres")).map_err(Error::file("look at", &bin))?;
    let copy = place::away("")?.join(format!("postgres-{}-{}", version(&bin)?, about.size()));
    if !copy.exists() {
        // Made aside and renamed: a start that is killed half-way leaves no half copy in use.
        let aside = copy.with_extension(format!("aside-{}", std::process::id()));
        copy_tree(installed, &aside)?;
        if let Err(error) = fs::rename(&aside, &copy) {
            let _ = fs::remove_dir_all(&aside);
            if !copy.exists() {
                return Err(Error::file("rename", &aside)(error));
            } // else another start was quicker
        }
        say(&Event::Copied {
            user: &account.name,
            to: &copy,
        });
    }
    Ok(copy.join(bin.file_name().unwrap_or_default()))
}

/// What `postgres --version` says, for example `18.4`.
pub(crate) fn version(bin: &Path) -> Result<String, Error> {
    let program = bin.join("postgres");
    let out = Command::new(&program)
        .arg("--version")
        .output()
        .map_err(Error::file("run", &program))?;
    let said = String::from_utf8_lossy(&out.stdout);
    let version = said
        .split_whitespace()
        .nth(2)
        .filter(|_| out.status.success());
    version.map(str::to_owned).ok_or_else(|| Error::Program {
        program: format!("{} --version", program.display()),
        status: out.status.to_string(),
        said: String::from_utf8_lossy(&out.stderr).into_owned(),
    })
}

/// `18.4` or `19beta1` -> `18`, `19`: what a cluster's `PG_VERSION` holds.
pub(crate) fn major(version: &str) -> &str {
    version
        .split(|c: char| !c.is_ascii_digit())
        .next()
        .unwrap_or(version)
}

fn copy_tree(from: &Path, to: &Path) -> Result<(), Error> {
    fs::create_dir_all(to).map_err(Error::file("create the folder", to))?;
    for entry in fs::read_dir(from).map_err(Error::file("list", from))? {
        let entry = entry.map_err(Error::file("list", from))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().map_err(Error::file("look at", &source))?;
        if kind.is_dir() {
            copy_tree(&source, &target)?;
        } else if kind.is_symlink() {
            let points = fs::read_link(&source).map_err(Error::file("read", &source))?;
            symlink(points, &target).map_err(Error::file("link", &target))?;
        } else {
            fs::copy(&source, &target).map_err(Error::file("copy", &source))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_major_version_is_what_a_cluster_is_bound_to() {
        assert_eq!(super::major("18.4"), "18");
        assert_eq!(super::major("19beta1"), "19");
    }
}
