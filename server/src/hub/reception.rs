//! Looks up who has just connected: many at a time, because they come at the same time. After a restart ten thousand
//! clients are back within seconds; four round trips to the database for each of them, each on a connection of
//! its own from the pool, held up publishers as well.
//!
//! While one lot is looked up the next gathers; one that comes alone waits for nobody.
//!
//! Bound: 16,384 who wait; over it a client is told to come again, as when the database is away.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use foldhash::fast::RandomState;
use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::delivery::AckMode;
use crate::store::devices::{self, Arrival, Known, Membership};
use crate::store::line::Line;
use crate::store::{Pool, ledger};
use crate::support::clock::Clock;
use crate::support::lifecycle::Lifecycle;

const MOST_WAITING: usize = 16_384;
const MOST_AT_ONCE: usize = 256;

/// Somebody at the door.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) tenant: Uuid,
    pub(super) user: Uuid,
    /// `None`: an unnamed device.
    pub(super) device: Option<String>,
    pub(super) agent: String,
    /// How the device acknowledges.
    pub(super) ack_mode: AckMode,
}

/// What is known of them.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// The last number given to the user, read before anything else.
    pub(super) last_seq: i64,
    /// Of a named device.
    pub(super) device: Option<Known>,
    /// Names of the user's groups, `dept:{id}`.
    pub(super) groups: Arc<[String]>,
    /// When it was looked up.
    pub(super) at: Timestamp,
}

/// The database is away, or too many are at the door.
#[derive(Debug, thiserror::Error)]
#[error("nobody could be looked up")]
pub struct NotWelcomed;

struct Job {
    asked: Asked,
    reply: oneshot::Sender<Result<Found, NotWelcomed>>,
}

/// Handle to the task. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Reception {
    jobs: mpsc::Sender<Job>,
}

impl Reception {
    /// Starts the task; it stops when the process does.
    pub(crate) fn start(pool: Pool, clock: Clock, life: &Lifecycle) -> Self {
        let (jobs, waiting) = mpsc::channel(MOST_WAITING);
        life.spawn(
            "reception",
            run(Line::new(pool), clock, waiting, life.stopping()),
        );
        Self { jobs }
    }

    /// Looks one up.
    pub(super) async fn ask(&self, asked: Asked) -> Result<Found, NotWelcomed> {
        let (reply, answer) = oneshot::channel();
        self.jobs
            .try_send(Job { asked, reply })
            .map_err(|_| NotWelcomed)?;
        answer.await.map_err(|_| NotWelcomed)?
    }
}

async fn run(
    mut line: Line,
    clock: Clock,
    mut waiting: mpsc::Receiver<Job>,
    stopping: CancellationToken,
) {
    let mut jobs = Vec::new();
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            count = waiting.recv_many(&mut jobs, MOST_AT_ONCE) => if count == 0 { return },
        }
        let now = clock.now();
        let book = match look_up(&mut line, &jobs, now).await {
            Ok(book) => Some(book),
            Err(error) => {
                line.drop_it();
                tracing::warn!(%error, connections = jobs.len(), "connections were not welcomed");
                None
            }
        };
        for job in jobs.drain(..) {
            let found = book.as_ref().map(|book| book.of(&job.asked, now));
            // Who asked may be gone.
            let _ = job.reply.send(found.ok_or(NotWelcomed));
        }
    }
}

type Map<K, V> = HashMap<K, V, RandomState>;

/// Of one lot.
struct Book {
    last: Map<Uuid, i64>,
    devices: Map<(Uuid, String), Known>,
    groups: Map<Uuid, Arc<[String]>>,
}

impl Book {
    fn of(&self, asked: &Asked, at: Timestamp) -> Found {
        let device = asked.device.as_ref();
        let device = device.and_then(|key| self.devices.get(&(asked.user, key.clone())));
        Found {
            last_seq: self.last.get(&asked.user).copied().unwrap_or_default(),
            device: device.cloned(),
            groups: self.groups.get(&asked.user).cloned().unwrap_or_default(),
            at,
        }
    }
}

async fn look_up(line: &mut Line, jobs: &[Job], now: Timestamp) -> sqlx::Result<Book> {
    let mut users: Vec<Uuid> = jobs.iter().map(|job| job.asked.user).collect();
    users.sort_unstable();
    users.dedup();
    // Two tabs of one browser are one device.
    let mut arrivals: BTreeMap<(Uuid, &str), Arrival> = BTreeMap::new();
    for Job { asked, .. } in jobs {
        if let Some(key) = &asked.device {
            let arrival = Arrival {
                tenant: asked.tenant,
                user: asked.user,
                key: key.clone(),
                agent: asked.agent.clone(),
                ack_mode: asked.ack_mode.number(),
            };
            arrivals.insert((asked.user, key), arrival);
        }
    }
    let arrivals: Vec<Arrival> = arrivals.into_values().collect();
    let conn = line.open().await?;
    let last = ledger::last_seqs(conn, &users).await?.into_iter().collect();
    let mut known = Map::default();
    if !arrivals.is_empty() {
        for (user, key, device) in devices::seen(conn, &arrivals, now).await? {
            known.insert((user, key), device);
        }
    }
    let mut groups: Map<Uuid, Vec<String>> = Map::default();
    for Membership { user, kind, key } in devices::memberships(conn, &users).await? {
        groups
            .entry(user)
            .or_default()
            .push(format!("{kind}:{key}"));
    }
    Ok(Book {
        last,
        devices: known,
        groups: groups
            .into_iter()
            .map(|(user, all)| (user, all.into()))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::house::{furnished, noon};

    /// All of a lot in three statements: strangers, unnamed devices, and two tabs of one browser among them.
    #[tokio::test]
    async fn many_at_the_door_are_looked_up_together() {
        let (pool, life) = (furnished().await, Lifecycle::new());
        let (tenant, user): (Uuid, Uuid) = sqlx::query_as(
            "SELECT u.tenant_id, u.id FROM bellhop.user_account u JOIN bellhop.tenant t ON t.id = u.tenant_id
              WHERE t.key = 'a' AND u.key = 'u1'",
        )
        .fetch_one(&pool)
        .await
        .unwrap();
        let reception = Reception::start(pool.clone(), noon(), &life);
        let ask = |user, device: Option<&str>| {
            reception.ask(Asked {
                tenant,
                user,
                device: device.map(str::to_owned),
                agent: "test".to_owned(),
                ack_mode: AckMode::default(),
            })
        };
        let (tab, twin, unnamed, stranger) = tokio::join!(
            ask(user, Some("browser")),
            ask(user, Some("browser")),
            ask(user, None),
            ask(tenant, Some("phone"))
        );
        let (tab, twin, unnamed, stranger) = (
            tab.unwrap(),
            twin.unwrap(),
            unnamed.unwrap(),
            stranger.unwrap(),
        );
        assert!(tab.device.is_some() && twin.device.is_some() && unnamed.device.is_none());
        assert!(
            tab.groups.contains(&"dept:dept".to_owned()),
            "{:?}",
            tab.groups
        );
        assert_eq!((stranger.last_seq, stranger.groups.len()), (0, 0));
        let devices: i64 = sqlx::query_scalar("SELECT count(*) FROM bellhop.device")
            .fetch_one(&pool)
            .await
            .unwrap();
        assert_eq!(devices, 2);
        life.stop();
    }
}
