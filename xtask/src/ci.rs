//! `cargo xtask ci`: what has to be green before a change is merged. `.ci/run` calls nothing else.

use anyhow::Result;

use crate::{lint, prepare, test};

pub(crate) fn run() -> Result<()> {
    lint::everything()?;
    prepare::Prepare { check: true }.run()?;
    test::Test::default().run()
}
