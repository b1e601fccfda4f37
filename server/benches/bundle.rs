//! What a browser loads before a page comes alive: the release build's script, program and styles,
//! raw and as they go over the wire.

use std::fs;

use anyhow::{Context as _, Result};

use crate::product::Setup;
use benches::table::{Row, Section};

const FILES: [(&str, bool); 3] = [
    ("bellhop.wasm", true),
    ("bellhop.js", true),
    ("bellhop.css", false),
];
/// Of script and program, compressed, in kB of 1,000 bytes.
const BUDGET: f64 = 350.0;

pub(crate) fn rows(setup: &Setup) -> Result<Section> {
    let mut rows = Vec::new();
    let mut alive = 0.0;
    for (name, counts) in FILES {
        let raw = size(setup, name)?;
        let packed = size(setup, &format!("{name}.br"))?;
        rows.push(Row::new(name, raw, "kB"));
        rows.push(Row::new(format!("{name}, brotli"), packed, "kB"));
        if counts {
            alive += packed;
        }
    }
    rows.push(Row::new("wasm and js together, brotli", alive, "kB").at_most(BUDGET));
    Ok(Section {
        title: "Browser bundle",
        rows,
        notes: vec![
            "built with the profile wasm-release; the server sends the brotli files as they lie there"
                .to_owned(),
        ],
    })
}

#[expect(clippy::cast_precision_loss, reason = "sizes of files fit")]
fn size(setup: &Setup, name: &str) -> Result<f64> {
    let path = setup.site.join("pkg").join(name);
    let about = fs::metadata(&path)
        .with_context(|| format!("{} is missing: was it built for release?", path.display()))?;
    Ok(about.len() as f64 / 1_000.0)
}
