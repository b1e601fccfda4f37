//! The process under test: `bellhop serve` with its embedded database and demo data, on one port for all its lives.

use std::fs::{self, OpenOptions};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use embedded_postgres::{Cluster, Durability, Settings};
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;

/// A start in the development profile, with demo data, beside other work.
const START: Duration = Duration::from_mins(3);

/// Where things lie.
pub(crate) struct Setup {
    pub(crate) program: PathBuf,
    pub(crate) pg: PathBuf,
    pub(crate) data: PathBuf,
    pub(crate) log: PathBuf,
}

/// What the server says of itself once it serves.
#[derive(Clone, Deserialize)]
pub(crate) struct Ready {
    pub(crate) pid: u32,
    pub(crate) database_url: String,
    pub(crate) tenant: String,
    pub(crate) service: String,
    pub(crate) api_key: String,
}

/// A running server. Told to stop when dropped.
pub(crate) struct House {
    setup: Setup,
    pub(crate) address: SocketAddr,
    pub(crate) ready: Ready,
    child: Child,
}

impl House {
    /// Begins with an empty cluster.
    pub(crate) async fn open(setup: Setup) -> Result<Self> {
        fs::create_dir_all(setup.log.parent().context("the log lies in a folder")?)?;
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let (child, ready) = serve(&setup, address, &["--reset"]).await?;
        Ok(Self {
            setup,
            address,
            ready,
            child,
        })
    }

    pub(crate) fn ready_file(&self) -> PathBuf {
        ready_file(&self.setup)
    }

    /// Runs a command of the same program beside it.
    pub(crate) fn command(&self, arguments: &[&str]) -> Result<()> {
        let done = Command::new(&self.setup.program)
            .args(arguments)
            .env_remove("DATABASE_URL")
            .output()?;
        if !done.status.success() {
            bail!(
                "bellhop {arguments:?} failed: {}",
                String::from_utf8_lossy(&done.stderr)
            );
        }
        Ok(())
    }

    /// `kill -9`, and returns when it is gone. Its database stays behind, running.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Starts it again, at the same address and on the same data.
    pub(crate) async fn start_again(&mut self) -> Result<()> {
        let (child, ready) = serve(&self.setup, self.address, &[]).await?;
        self.child = child;
        self.ready = ready;
        Ok(())
    }

    /// `kill -9` of the database's first process; the server is not told.
    pub(crate) fn kill_postmaster(&self) -> Result<()> {
        let file = self.cluster()?.join("postmaster.pid");
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let pid = text.lines().next().and_then(|pid| pid.trim().parse().ok());
        let pid = pid
            .and_then(Pid::from_raw)
            .context("the postmaster's file names no process")?;
        kill_process(pid, Signal::KILL)?;
        Ok(())
    }

    /// Where the database's files are.
    pub(crate) fn cluster(&self) -> Result<PathBuf> {
        let data = &self.setup.data;
        let folder = match fs::read_to_string(data.join("postgres.location")) {
            Ok(away) => PathBuf::from(away.trim()),
            Err(_) => data.clone(),
        };
        Ok(folder.join("postgres").canonicalize()?)
    }

    /// As Ctrl-C does, and waits until server and database are gone.
    pub(crate) fn stop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
                let _ = kill_process(pid, Signal::TERM);
            }
            let _ = self.child.wait();
        }
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.stop();
        // A server that was killed and could not start again left its database running: opening the cluster stops it.
        let settings = Settings {
            data: self.setup.data.clone(),
            bin: self.setup.pg.clone(),
            user: None,
            durability: Durability::Durable,
        };
        if let Err(error) = Cluster::open(&settings, Arc::new(|_| {})) {
            eprintln!("the database could not be looked after: {error}");
        }
    }
}

fn ready_file(setup: &Setup) -> PathBuf {
    setup.data.with_extension("ready.json")
}

async fn serve(setup: &Setup, address: SocketAddr, more: &[&str]) -> Result<(Child, Ready)> {
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&setup.log)?;
    let file = ready_file(setup);
    let mut child = Command::new(&setup.program)
        .args([
            "serve",
            "--log",
            "info",
            "--port",
            &address.port().to_string(),
            "--data",
        ])
        .arg(&setup.data)
        .arg("--ready")
        .arg(&file)
        .args(more)
        .env("BELLHOP_PG_BIN", &setup.pg)
        .env_remove("DATABASE_URL")
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .with_context(|| format!("cannot start {}", setup.program.display()))?;
    let begun = Instant::now();
    loop {
        if let Some(ended) = child.try_wait()? {
            bail!(
                "the server ended before it served ({ended}); its log is {}",
                setup.log.display()
            );
        }
        // A killed run leaves its file: only one that names this run counts.
        let ready = fs::read(&file)
            .ok()
            .and_then(|text| serde_json::from_slice::<Ready>(&text).ok());
        if let Some(ready) = ready.filter(|ready| ready.pid == child.id()) {
            return Ok((child, ready));
        }
        if begun.elapsed() > START {
            child.kill()?;
            bail!(
                "the server did not come to serve; its log is {}",
                setup.log.display()
            );
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
