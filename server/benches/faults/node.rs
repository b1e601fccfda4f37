//! The unmodified npm client, many times in one Node process; what it says goes into the journal.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use bellhop::support::lifecycle::Lifecycle;
use bellhop::verify::journal::Journal;
use bellhop::verify::recipient::Recipient;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use uuid::Uuid;

/// Ends with its standard input, which closes when this is dropped.
pub(crate) struct Node {
    _child: Child,
    _input: ChildStdin,
}

/// One line of the script's.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Heard {
        heard: usize,
        connection: String,
        item: Value,
    },
    Acked {
        acked: usize,
        id: Uuid,
    },
    Down {
        down: usize,
        why: String,
    },
    Up {
        up: usize,
    },
}

impl Node {
    pub(crate) async fn start(
        script: &Path,
        hub: &str,
        clients: &[Recipient],
        journal: Arc<Journal>,
        life: &Lifecycle,
    ) -> Result<Self> {
        let mut child = Command::new("node")
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("node cannot be run: install Node 20 or newer")?;
        let described: Vec<Value> = clients
            .iter()
            .map(|one| {
                json!({"user": &*one.user, "token": one.token.expose_secret(), "device": one.device, "acks": one.acks})
            })
            .collect();
        let order = json!({"hub": hub, "clients": described});
        let mut input = child.stdin.take().context("node has a standard input")?;
        input.write_all(format!("{order}\n").as_bytes()).await?;
        input.flush().await?;
        let output = child.stdout.take().context("node has a standard output")?;
        let users: Vec<Arc<str>> = clients.iter().map(|one| one.user.clone()).collect();
        life.spawn("node's lines", async move {
            let mut lines = BufReader::new(output).lines();
            while let Ok(Some(text)) = lines.next_line().await {
                match serde_json::from_str(&text) {
                    Ok(said) => note(&journal, &users, said),
                    Err(error) => eprintln!("node said {text:?}: {error}"),
                }
            }
        });
        Ok(Self {
            _child: child,
            _input: input,
        })
    }
}

fn note(journal: &Journal, users: &[Arc<str>], line: Line) {
    let user_of = |number: usize| users.get(number);
    match line {
        Line::Heard {
            heard,
            connection,
            item,
        } => {
            if let Some(user) = user_of(heard) {
                journal.hear(user, &connection.into(), &item);
            }
        }
        Line::Acked { acked, id } => {
            if let Some(user) = user_of(acked) {
                journal.ack(user, id);
            }
        }
        Line::Down { down, why } => {
            if let Some(user) = user_of(down) {
                journal.turn(user, Some(why));
            }
        }
        Line::Up { up } => {
            if let Some(user) = user_of(up) {
                journal.turn(user, None);
            }
        }
    }
}
