//! Makes a cluster: scram from the first moment, a random password in a 0600 file, and one database.
//!
//! A marker file is written last: a cluster without it was being made when the start was killed, and
//! is made anew.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use crate::{Account, Durability, Error, Event, NAME, Say, binaries};

pub(crate) struct Plan<'a> {
    pub(crate) bin: &'a Path,
    pub(crate) pgdata: &'a Path,
    pub(crate) secret: &'a Path,
    pub(crate) account: Option<&'a Account>,
    pub(crate) durability: Durability,
    pub(crate) say: &'a Say,
}

/// The superuser's password of the cluster, which is made when it does not exist.
pub(crate) fn ensure(plan: &Plan<'_>) -> Result<String, Error> {
    let version = binaries::version(plan.bin)?;
    let offered = binaries::major(&version);
    let mark = plan.pgdata.join("PG_VERSION");
    let complete = plan.pgdata.join("bellhop.complete");
    if complete.exists() {
        let found = fs::read_to_string(&mark).map_err(Error::file("read", &mark))?;
        if found.trim() != offered {
            return Err(Error::WrongVersion {
                pgdata: plan.pgdata.to_owned(),
                found: found.trim().to_owned(),
                offered: offered.to_owned(),
            });
        }
        check_owner(plan)?;
        return match fs::read_to_string(plan.secret) {
            Ok(password) => Ok(password.trim().to_owned()),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(Error::NoPassword {
                pgdata: plan.pgdata.to_owned(),
                secret: plan.secret.to_owned(),
            }),
            Err(error) => Err(Error::file("read", plan.secret)(error)),
        };
    }
    if mark.exists() {
        empty_folder(plan.pgdata)?; // a start was killed while it made the cluster
    }
    let start = Instant::now();
    let password = random()?;
    write_secret(plan.secret, &password, None)?;
    initdb(plan, offered, &password)?;
    create_database(plan)?;
    fs::write(&complete, "").map_err(Error::file("write", &complete))?;
    (plan.say)(&Event::Initialised {
        pgdata: plan.pgdata,
        user: plan.account.map(|account| account.name.as_str()),
        took: start.elapsed(),
    });
    Ok(password)
}

fn initdb(plan: &Plan<'_>, major: &str, password: &str) -> Result<(), Error> {
    // Another user cannot read our file (nor our pipe): it gets its own copy for the moment.
    let handed = plan.pgdata.with_extension("handed");
    write_secret(&handed, password, plan.account)?;
    let mut command = Command::new(plan.bin.join("initdb"));
    command
        .arg("--pgdata")
        .arg(plan.pgdata)
        .args([
            "--username",
            NAME,
            "--auth=scram-sha-256",
            "--encoding=UTF8",
        ])
        .args(["--no-instructions", "--pwfile"])
        .arg(&handed);
    if major.parse::<u32>().is_ok_and(|major| major >= 17) {
        // Code-point order, Unicode case rules, and the same on every machine.
        command.args([
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
        ]);
    } else {
        command.arg("--locale=C");
    }
    if plan.durability == Durability::Throwaway {
        command.arg("--no-sync");
    }
    let done = run(plan, command, "");
    fs::remove_file(&handed).map_err(Error::file("remove", &handed))?;
    done
}

/// There is no `psql` beside the programs; the single-user mode needs neither client nor password.
fn create_database(plan: &Plan<'_>) -> Result<(), Error> {
    let mut command = Command::new(plan.bin.join("postgres"));
    command
        .args(["--single", "-c", "exit_on_error=on", "-D"])
        .arg(plan.pgdata)
        .arg("template1");
    run(plan, command, &format!("CREATE DATABASE {NAME}\n"))
}

fn run(plan: &Plan<'_>, mut command: Command, input: &str) -> Result<(), Error> {
    let program = PathBuf::from(command.get_program());
    if let Some(account) = plan.account {
        account.own(&mut command);
    }
    command
        .current_dir(plan.pgdata.parent().unwrap_or(plan.pgdata))
        .env_clear()
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let output = feed(&mut command, input).map_err(Error::file("run", &program))?;
    if output.status.success() {
        return Ok(());
    }
    let (out, err) = (&output.stdout, &output.stderr);
    Err(Error::Program {
        program: program.display().to_string(),
        status: output.status.to_string(),
        said: format!(
            "{}{}",
            String::from_utf8_lossy(out),
            String::from_utf8_lossy(err)
        ),
    })
}

fn feed(command: &mut Command, input: &str) -> std::io::Result<Output> {
    let mut child = command.spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes())?;
    }
    child.wait_with_output()
}

fn check_owner(plan: &Plan<'_>) -> Result<(), Error> {
    let about = fs::metadata(plan.pgdata).map_err(Error::file("look at", plan.pgdata))?;
    let own = || rustix::process::geteuid().as_raw();
    let runner = plan.account.map_or_else(own, |account| account.uid);
    if about.uid() == runner {
        return Ok(());
    }
    Err(Error::ForeignOwner {
        pgdata: plan.pgdata.to_owned(),
        owner: about.uid(),
        runner,
    })
}

/// 192 bits, as text that needs no quoting in a connection string.
fn random() -> Result<String, Error> {
    let source = Path::new("/dev/urandom");
    let mut bytes = [0_u8; 24];
    fs::File::open(source)
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(Error::file("read", source))?;
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

fn write_secret(path: &Path, secret: &str, owner: Option<&Account>) -> Result<(), Error> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(path).map_err(Error::file("create", path))?;
    file.write_all(secret.as_bytes())
        .map_err(Error::file("write", path))?;
    match owner {
        Some(owner) => {
            chown(path, Some(owner.uid), Some(owner.gid)).map_err(Error::file("give away", path))
        }
        None => Ok(()),
    }
}

/// Throws the cluster away; its folder stays, with its owner.
pub(crate) fn remove(pgdata: &Path, secret: &Path) -> Result<(), Error> {
    if pgdata.exists() {
        empty_folder(pgdata)?;
    }
    match fs::remove_file(secret) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(Error::file("remove", secret)(error))
        }
        _ => Ok(()),
    }
}

pub(crate) fn remove_folder(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(Error::file("remove", folder)(error))
        }
        _ => Ok(()),
    }
}

fn empty_folder(folder: &Path) -> Result<(), Error> {
    for entry in fs::read_dir(folder).map_err(Error::file("list", folder))? {
        let path = entry.map_err(Error::file("list", folder))?.path();
        let is_folder = path.is_dir() && !path.is_symlink();
        let done = if is_folder {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        done.map_err(Error::file("remove", &path))?;
    }
    Ok(())
}
