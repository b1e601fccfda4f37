//! What is done to the product.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bellhop::support::dice::Dice;
use clap::ValueEnum;
use tokio::time::sleep;

use crate::disk::Disk;
use crate::house::House;
use crate::proxy::{Cut, Proxy};
use crate::sql::Sql;

/// Each is a scenario of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Fault {
    /// `kill -9` of the server, which is then started again
    KillServer,
    /// `kill -9` of PostgreSQL's first process, which the server supervises
    KillPostgres,
    /// The backend that listens for SQL publications is terminated
    KillListener,
    /// Half of all sockets are cut with RST
    CutSockets,
    /// Half of all sockets fall silent, without a word to either end
    SilentSockets,
    /// On half of all sockets nothing arrives any more that clients say, acks for one, while they go on hearing
    MuteSockets,
    /// The database's disk fills up, and is freed after a while
    FullDisk,
}

/// The disk stays full for so long.
const FULL: Duration = Duration::from_secs(12);
/// From the kill of the server to its next start: somebody has to notice.
const NOTICED: Duration = Duration::from_secs(2);
/// How often the listening backend is terminated, and how long it is left alone between.
const LISTENERS: u32 = 3;
const BETWEEN: Duration = Duration::from_secs(2);

/// What a fault may touch.
pub(crate) struct Reach<'a> {
    pub(crate) house: &'a mut House,
    pub(crate) proxy: &'a Proxy,
    pub(crate) sql: &'a Sql,
    pub(crate) disk: Option<&'a Disk>,
    pub(crate) dice: &'a mut Dice,
}

impl Fault {
    pub(crate) fn name(self) -> String {
        self.to_possible_value()
            .map_or_else(String::new, |value| value.get_name().to_owned())
    }

    pub(crate) fn wants_own_disk(self) -> bool {
        self == Self::FullDisk
    }

    /// How long is published at least after it, so that whoever is to notice has noticed.
    pub(crate) fn least(self, wished: Duration) -> Duration {
        match self {
            // Clients give a silent line 30 s, 45 s on an event stream.
            Self::SilentSockets | Self::MuteSockets => wished.max(Duration::from_secs(50)),
            _ => wished,
        }
    }

    /// Does it, and returns when what was broken on purpose is no longer kept broken; in words, what was done.
    pub(crate) async fn strike(self, reach: Reach<'_>) -> Result<String> {
        Ok(match self {
            Self::KillServer => {
                reach.house.kill()?;
                sleep(NOTICED).await;
                reach.house.start_again().await?;
                format!("started again after {} s", NOTICED.as_secs())
            }
            Self::KillPostgres => {
                reach.house.kill_postmaster()?;
                "nobody was told".into()
            }
            Self::KillListener => {
                let mut ended = 0;
                for round in 0..LISTENERS {
                    if round > 0 {
                        sleep(BETWEEN).await;
                    }
                    ended += reach.sql.terminate_listener().await?;
                }
                ensure!(ended > 0, "no backend listens");
                format!("{ended} terminated, {} s apart", BETWEEN.as_secs())
            }
            Self::CutSockets => {
                let (cut, of) = reach.proxy.cut_half(Cut::Reset, reach.dice);
                format!("{cut} of {of} sockets")
            }
            Self::SilentSockets => {
                let (cut, of) = reach.proxy.cut_half(Cut::Silent, reach.dice);
                format!("{cut} of {of} sockets")
            }
            Self::MuteSockets => {
                let (cut, of) = reach.proxy.cut_half(Cut::Mute, reach.dice);
                format!("{cut} of {of} sockets")
            }
            Self::FullDisk => {
                let disk = reach.disk.context("it has a disk of its own")?;
                ensure!(
                    reach
                        .house
                        .cluster()?
                        .starts_with(disk.folder().canonicalize()?),
                    "the database does not lie on the small disk"
                );
                let taken = disk.fill()?;
                sleep(FULL / 2).await;
                // First tables cannot grow; then the log's file ends, and there is no room for the next one.
                let log = reach.sql.end_log_file().await;
                sleep(FULL / 2).await;
                disk.free()?;
                format!(
                    "full for {} s, {} MB taken; half-way the log's file was ended, and the database said: {log}",
                    FULL.as_secs(),
                    taken >> 20
                )
            }
        })
    }
}
