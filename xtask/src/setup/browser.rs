//! Chromium, for browser tests: `CHROMIUM`, or one on `PATH`, or, as root on Debian, its package.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::command::{command, run};
use crate::place;
use crate::step::{Outcome, note, step};

const NAMES: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// `None` when there is none and none can be installed; the cure has been said.
pub(crate) fn find() -> Result<Option<PathBuf>> {
    let mut found = None;
    step("Chromium", || {
        if let Some(named) = env::var_os("CHROMIUM") {
            let named = PathBuf::from(named);
            if !named.is_file() {
                bail!("CHROMIUM names {}, where no program is", named.display());
            }
            found = Some(named);
        } else {
            found = installed();
        }
        if let Some(browser) = &found {
            return Ok(Outcome::Skipped(format!("it is {}", browser.display())));
        }
        let root = rustix::process::geteuid().is_root();
        if root && Path::new("/etc/debian_version").exists() {
            note("installing the package `chromium` with apt-get");
            run(command("apt-get").args(["update", "-q"]))?;
            run(command("apt-get")
                .args(["install", "-y", "-q", "--no-install-recommends", "chromium"])
                .env("DEBIAN_FRONTEND", "noninteractive"))?;
            found = installed();
            return Ok(Outcome::Done);
        }
        let cure = "install Chromium (on Debian: apt install chromium), or name it with CHROMIUM";
        Ok(Outcome::Skipped(format!("there is none; {cure}")))
    })?;
    Ok(found)
}

fn installed() -> Option<PathBuf> {
    NAMES.iter().find_map(|name| place::on_path(name))
}
