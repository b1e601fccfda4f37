//! A throw-away database for tests and for checking SQL: nothing of it is flushed, all of it is
//! removed at the end, or by the next chore when this one was killed.

use std::env;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use embedded_postgres::{Cluster, Durability, Running, Settings};

use crate::setup::npm::Packages;
use crate::step::{Outcome, note, step};

const NAME: &str = "bellhop-scratch-";

pub(crate) struct Scratch {
    settings: Settings,
    running: Option<Running>,
    url: String,
}

impl Scratch {
    pub(crate) fn start(tools: &Packages) -> Result<Self> {
        let bin = match env::var_os("BELLHOP_PG_BIN") {
            Some(bin) => bin.into(),
            None => tools.postgres()?,
        };
        sweep(&bin);
        let settings = settings(
            &env::temp_dir().join(format!("{NAME}{}", std::process::id())),
            &bin,
        );
        let mut running = None;
        step("A throw-away PostgreSQL", || {
            let say = Arc::new(|event: &embedded_postgres::Event<'_>| note(event));
            running = Some(Cluster::open(&settings, say)?.start()?);
            Ok(Outcome::Done)
        })?;
        let url = running.as_ref().map(Running::url).unwrap_or_default();
        Ok(Self {
            settings,
            running,
            url,
        })
    }

    /// Its superuser's address.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The folder of the programs it runs from.
    pub(crate) fn programs(&self) -> &Path {
        &self.settings.bin
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(self.running.take());
        if let Err(error) = Cluster::destroy(&self.settings) {
            note(format!("cannot remove the throw-away database: {error}"));
        }
    }
}

/// What killed chores left. One that is in use refuses, and stays.
fn sweep(bin: &Path) {
    let Ok(entries) = fs::read_dir(env::temp_dir()) else {
        return;
    };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(NAME)
            && Cluster::destroy(&settings(&entry.path(), bin)).is_ok()
        {
            note(format!(
                "removed {}, left by a killed run",
                entry.path().display()
            ));
        }
    }
}

fn settings(data: &Path, bin: &Path) -> Settings {
    Settings {
        data: data.to_owned(),
        bin: bin.to_owned(),
        user: None,
        durability: Durability::Throwaway,
    }
}
