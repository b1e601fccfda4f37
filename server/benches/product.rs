//! The measured process: `bellhop serve`, as built, on a database of its own.

use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, Method};
use embedded_postgres::{Cluster, Durability, Settings};
use jsonwebtoken::{EncodingKey, Header};
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::Http;

/// The kind that is published, and thereby the method that clients are called by.
pub(crate) const KIND: &str = "BenchPublished";

/// Where things lie.
pub(crate) struct Setup {
    pub(crate) program: PathBuf,
    pub(crate) site: PathBuf,
    pub(crate) pg: PathBuf,
    pub(crate) data: PathBuf,
}

/// What the server says of itself once it serves.
#[derive(Deserialize)]
pub(crate) struct Ready {
    url: String,
    pub(crate) pid: u32,
    pub(crate) database_url: String,
    pub(crate) tenant: String,
    pub(crate) service: String,
    api_key: String,
    jwt: Jwt,
    /// Where the stand-ins of the push services are.
    pub(crate) phones: Option<String>,
    pub(crate) logins: Vec<Login>,
}

#[derive(Deserialize)]
struct Jwt {
    secret: String,
    iss: String,
    aud: String,
}

#[derive(Deserialize)]
pub(crate) struct Login {
    pub(crate) name: String,
    pub(crate) password: String,
    pub(crate) roles: Vec<String>,
}

/// One run. Told to stop when dropped, so that a failed row leaves nothing running.
pub(crate) struct Product {
    child: Child,
    pub(crate) ready: Ready,
    pub(crate) address: SocketAddr,
}

impl Setup {
    /// Begins with an empty cluster and the demo company in it.
    pub(crate) async fn reset(&self) -> Result<()> {
        self.run(&["--reset"]).await?.stop()
    }

    pub(crate) async fn start(&self) -> Result<Product> {
        self.run(&[]).await
    }

    /// Starts it and returns at once.
    pub(crate) fn spawn(&self, more: &[&str]) -> Result<Child> {
        Command::new(&self.program)
            .args(["serve", "--log", "warn"])
            .arg("--data")
            .arg(&self.data)
            .args(more)
            .env("BELLHOP_SITE_ROOT", &self.site)
            .env("BELLHOP_PG_BIN", &self.pg)
            .env_remove("DATABASE_URL")
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", self.program.display()))
    }

    async fn run(&self, more: &[&str]) -> Result<Product> {
        let file = self.data.with_extension("ready.json");
        let name = file.to_string_lossy();
        let mut arguments = vec!["--port", "0", "--ready", &name];
        arguments.extend(more);
        let mut child = self.spawn(&arguments)?;
        let begun = Instant::now();
        let ready = loop {
            if let Some(ended) = child.try_wait()? {
                bail!("the server ended before it served ({ended})");
            }
            // A killed run leaves its file: only one that names this run counts.
            if let Some(ready) = read(&file).filter(|ready| ready.pid == child.id()) {
                break ready;
            }
            if begun.elapsed() > Duration::from_mins(2) {
                child.kill()?;
                bail!("the server did not come to serve within two minutes");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let address = ready.url.trim_start_matches("http://").parse()?;
        Ok(Product {
            child,
            ready,
            address,
        })
    }

    /// The cluster as a thing of its own, for the twin that starts it without the product.
    pub(crate) fn cluster(&self) -> Result<Cluster> {
        let settings = Settings {
            data: self.data.clone(),
            bin: self.pg.clone(),
            user: None,
            durability: Durability::Durable,
        };
        Ok(Cluster::open(&settings, std::sync::Arc::new(|_| {}))?)
    }
}

fn read(file: &Path) -> Option<Ready> {
    serde_json::from_slice(&std::fs::read(file).ok()?).ok()
}

impl Product {
    /// A back end's connection, with the demo's key.
    pub(crate) async fn back_end(&self) -> Result<Http> {
        let mut headers = HeaderMap::new();
        let key = format!("Bearer {}", self.ready.api_key);
        headers.insert(AUTHORIZATION, key.parse()?);
        Http::open(self.address, headers).await
    }

    /// Makes the users [`user`] 0 to `count`, by the API.
    pub(crate) async fn provision(&self, count: usize) -> Result<()> {
        self.provision_some(0..count, &[]).await
    }

    /// Makes the users with these numbers, in a group of that name if there is one.
    pub(crate) async fn provision_some(&self, numbers: Range<usize>, group: &[&str]) -> Result<()> {
        let mut back_end = self.back_end().await?;
        for group in group {
            let path = format!("/api/v1/groups/{group}");
            let body = json!({"name": group}).to_string();
            back_end.json(Method::PUT, &path, body).await?;
        }
        let numbers: Vec<usize> = numbers.collect();
        for some in numbers.chunks(1_000) {
            let items: Vec<_> = some
                .iter()
                .map(|number| json!({"id": user(*number), "name": user(*number), "groups": group}))
                .collect();
            let body = json!({ "items": items }).to_string();
            back_end.json(Method::PUT, "/api/v1/users", body).await?;
        }
        Ok(())
    }

    /// The hub's path for this user's device, with a signed token in it.
    pub(crate) fn hub_path(&self, number: usize) -> Result<String> {
        let claims = json!({
            "iss": self.ready.jwt.iss, "aud": self.ready.jwt.aud, "tid": self.ready.tenant,
            "sid": self.ready.service, "sub": user(number), "exp": 4_000_000_000_u64,
        });
        let key = EncodingKey::from_secret(self.ready.jwt.secret.as_bytes());
        let token = jsonwebtoken::encode(&Header::default(), &claims, &key)?;
        Ok(format!("/hubs/workflow?device=bench&access_token={token}"))
    }

    /// Stops it and its database, and waits until they are gone.
    pub(crate) fn stop(mut self) -> Result<()> {
        self.terminate();
        let ended = self.child.wait()?;
        if !ended.success() {
            bail!("the server did not stop as told ({ended})");
        }
        Ok(())
    }

    fn terminate(&self) {
        terminate(&self.child);
    }
}

impl Drop for Product {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.terminate();
            let _ = self.child.wait();
        }
    }
}

/// As Ctrl-C does: the server stops its database too.
pub(crate) fn terminate(child: &Child) {
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, Signal::TERM);
    }
}

/// The outer id of a provisioned user.
pub(crate) fn user(number: usize) -> String {
    format!("bench-{number:05}")
}

/// A publication of about 300 bytes, of which about 330 reach the device.
pub(crate) fn publication(to: usize, mark: usize) -> String {
    publication_to(&json!({"users": [user(to)]}), mark).to_string()
}

/// The same to any audience.
pub(crate) fn publication_to(audience: &Value, mark: usize) -> Value {
    json!({
        "kind": KIND,
        "audience": audience,
        "title": "Your purchase request was approved",
        "body": "12 laptop stands, 540.00 euro, approved by Amara Diallo this morning.",
        "data": {"mark": mark, "documentId": 4711, "link": "/approvals"},
    })
}
