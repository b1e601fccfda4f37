//! Everybody who receives: half in Node, by the official client, half here.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use bellhop::support::lifecycle::Lifecycle;
use bellhop::verify::journal::Journal;
use bellhop::verify::recipient::{Recipient, Server, Way, attend};
use secrecy::SecretString;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::dice;
use crate::node::Node;

/// Until all are connected for the first time.
const PATIENCE: Duration = Duration::from_mins(2);

pub(crate) struct Crowd {
    pub(crate) count: usize,
    _node: Node,
    /// Nobody here is cut on purpose: that is the proxy's part.
    _cuts: Vec<watch::Sender<u32>>,
}

impl Crowd {
    pub(crate) async fn gather(
        people: &[(Arc<str>, SecretString)],
        server: &Server,
        script: &Path,
        journal: &Arc<Journal>,
        seed: u64,
        life: &Lifecycle,
    ) -> Result<Self> {
        let (in_node, here) = people.split_at(people.len() / 2);
        let node: Vec<Recipient> = in_node
            .iter()
            .enumerate()
            .map(|(index, one)| recipient(one, Way::Hub, index % 10 != 9))
            .collect();
        let hub = format!("{}{}", server.base, server.hub);
        let node = Node::start(script, &hub, &node, journal.clone(), life).await?;
        let mut cuts = Vec::new();
        for (index, one) in here.iter().enumerate() {
            let (cut, told) = watch::channel(0);
            cuts.push(cut);
            let me = match index % 10 {
                7 => recipient(one, Way::Hub, false),
                8 => recipient(one, Way::Stream, true),
                9 => recipient(one, Way::Stream, false),
                _ => recipient(one, Way::Hub, true),
            };
            let chance = dice(seed, 1_000 + index as u64);
            let client = attend(
                me,
                server.clone(),
                journal.clone(),
                life.stopping(),
                told,
                chance,
            );
            life.spawn("client", client);
        }
        let crowd = Self {
            count: people.len(),
            _node: node,
            _cuts: cuts,
        };
        crowd.wait(journal, PATIENCE).await?;
        Ok(crowd)
    }

    /// Until everybody is connected.
    pub(crate) async fn wait(&self, journal: &Journal, patience: Duration) -> Result<()> {
        let until = Instant::now() + patience;
        loop {
            let here = journal.with(|pages| pages.connected());
            if here == self.count {
                return Ok(());
            }
            if Instant::now() >= until {
                bail!(
                    "only {here} of {} clients are connected after {} s",
                    self.count,
                    patience.as_secs()
                );
            }
            sleep(Duration::from_millis(50)).await;
        }
    }
}

fn recipient((user, token): &(Arc<str>, SecretString), way: Way, acks: bool) -> Recipient {
    Recipient {
        user: user.clone(),
        token: token.clone(),
        device: "faults".into(),
        way,
        acks,
    }
}
