//! How other programs are called: from the root of the clone, with our tools first on `PATH`, and so
//! that a failure names what was called.

use std::env;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};

use crate::place;

/// A command that runs in the root of the clone.
pub(crate) fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(place::root());
    command
}

/// Cargo, for development builds: with the flag that cargo-leptos sets for them, else the two would
/// build everything twice.
pub(crate) fn cargo_dev() -> Command {
    let mut cargo = cargo();
    cargo.env("RUSTFLAGS", erasing());
    cargo
}

/// Compiler flags with which a component's view is one type for all. cargo-leptos sets it for
/// development builds, where it halves the time; in release builds it takes a quarter off what the
/// browser loads (718 to 536 kB of wasm, compressed).
pub(crate) fn erasing() -> String {
    let flags = env::var("RUSTFLAGS").unwrap_or_default();
    format!("{flags} --cfg erase_components")
        .trim_start()
        .to_owned()
}

/// Cargo, of the tool chain that the clone names.
pub(crate) fn cargo() -> Command {
    let mut cargo = command("cargo");
    // Set by the cargo that runs us: they would make a nested cargo believe it builds us.
    for (name, _) in env::vars_os() {
        let own = name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
        });
        if own || name == "CARGO" {
            cargo.env_remove(name);
        }
    }
    cargo
}

/// `PATH` with these folders first.
pub(crate) fn path_with(folders: &[PathBuf]) -> Result<OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    let all = folders.iter().cloned().chain(env::split_paths(&path));
    env::join_paths(all).context("PATH cannot be put together: a folder's name holds a `:`")
}

/// Runs it; fails when it fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = start(command)?;
    if !status.success() {
        bail!(
            "`{}` failed ({status}); its own message is above",
            shown(command)
        );
    }
    Ok(())
}

/// Runs it and returns how it ended.
pub(crate) fn start(command: &mut Command) -> Result<ExitStatus> {
    command
        .status()
        .with_context(|| format!("cannot run `{}`: is it installed?", shown(command)))
}

/// Runs it silently and returns what it printed; what it complained about is in the error.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let out = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run `{}`: is it installed?", shown(command)))?;
    if !out.status.success() {
        let said = String::from_utf8_lossy(&out.stderr);
        bail!(
            "`{}` failed ({}):\n{}",
            shown(command),
            out.status,
            said.trim_end()
        );
    }
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}

/// Runs it, shows every line it prints, and hands each to `line`.
pub(crate) fn watch(command: &mut Command, mut line: impl FnMut(&str)) -> Result<ExitStatus> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run `{}`: is it installed?", shown(command)))?;
    if let Some(stdout) = child.stdout.take() {
        for text in BufReader::new(stdout).lines() {
            let text = text?;
            writeln!(std::io::stdout(), "{text}")?;
            line(&text);
        }
    }
    Ok(child.wait()?)
}

fn shown(command: &Command) -> String {
    let mut text = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        let _ = write!(text, " {}", argument.to_string_lossy());
    }
    text
}
