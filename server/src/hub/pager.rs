//! Reads backlogs: many waiting connections in one statement, a page each, through each one's gate.
//!
//! Bound: a connection waits at most once (its gate asks once), so the queue is as long as there
//! are connections. Database away: the connections wait, and are asked again after a pause.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use foldhash::HashMap;
use foldhash::HashMapExt as _;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::backlog;
use super::client::{Client, Row};
use super::frames::{Facts, Template};
use super::record::Recorder;
use crate::delivery::Classes;
use crate::outbox::passed;
use crate::store::Pool;
use crate::store::replay::{self, Question};
use crate::support::clock::Clock;
use crate::support::lifecycle::Lifecycle;

/// Connections a statement: about 24 ms of work for 10 rows each.
const MOST_A_STATEMENT: usize = 500;
const PAUSE: Duration = Duration::from_millis(500);

/// Handle to the reading task. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Pager {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<VecDeque<Arc<Client>>>,
    bell: Notify,
}

impl Pager {
    /// Starts the reading task; it stops when the process does.
    pub(crate) fn start(
        &self,
        pool: Pool,
        clock: Clock,
        classes: Arc<Classes>,
        recorder: Recorder,
        life: &Lifecycle,
    ) {
        let reader = Reader {
            shared: self.shared.clone(),
            pool,
            clock,
            classes,
            recorder,
        };
        life.spawn("pager", reader.run(life.stopping()));
    }

    /// Asks for a page. Only when the client's gate said that it wants one.
    pub(crate) fn ask(&self, client: Arc<Client>) {
        self.shared.waiting.lock().push_back(client);
        self.shared.bell.notify_one();
    }
}

struct Reader {
    shared: Arc<Shared>,
    pool: Pool,
    clock: Clock,
    /// Which kinds are methods of their own, and which classes come in sum.
    classes: Arc<Classes>,
    recorder: Recorder,
}

impl Reader {
    async fn run(self, stopping: CancellationToken) {
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                () = self.shared.bell.notified() => {}
            }
            loop {
                let clients = self.take();
                if clients.is_empty() {
                    break;
                }
                if let Err(error) = self.read(&clients).await {
                    tracing::warn!(%error, connections = clients.len(), "backlog not read, will try again");
                    for client in clients {
                        client.page_failed();
                        if client.wants_page() {
                            self.shared.waiting.lock().push_back(client);
                        }
                    }
                    tokio::select! {
                        () = stopping.cancelled() => return,
                        () = tokio::time::sleep(PAUSE) => {}
                    }
                }
            }
        }
    }

    /// The next connections that are still open.
    fn take(&self) -> Vec<Arc<Client>> {
        let mut waiting = self.shared.waiting.lock();
        let count = waiting.len().min(MOST_A_STATEMENT);
        waiting
            .drain(..count)
            .filter(|client| !client.line.is_closed())
            .collect()
    }

    async fn read(&self, clients: &[Arc<Client>]) -> sqlx::Result<()> {
        let questions: Vec<Question> = clients.iter().map(|client| client.question()).collect();
        let now = self.clock.now();
        backlog::tell(&self.pool, &self.classes, clients, &questions, now).await?;
        let answers = {
            let mut conn = self.pool.acquire().await?;
            replay::pages(&mut conn, &questions, now).await?
        };
        // One template a notification, whoever gets it: many users miss the same one. Those who stand in for
        // somebody have one that says so.
        let mut templates: HashMap<(Uuid, Option<&str>), Arc<Template>> = HashMap::new();
        let mut rows: Vec<Vec<Row>> = clients.iter().map(|_| Vec::new()).collect();
        let mut first = vec![None; clients.len()];
        for owed in &answers.rows {
            first[owed.index].get_or_insert((owed.seq, owed.routed_at));
            if clients[owed.index].was_told_in_sum(owed) {
                continue;
            }
            let template = templates
                .entry((owed.id, owed.on_behalf_of.as_deref()))
                .or_insert_with(|| {
                    let tenant = clients[owed.index].tenant;
                    let has_method = self.classes.has_method(tenant, &owed.kind);
                    Arc::new(Template::new(Facts::of(owed, has_method)))
                })
                .clone();
            rows[owed.index].push(Row {
                seq: owed.seq,
                id: owed.id,
                template,
            });
        }
        let mut passed = Vec::new();
        for (index, (client, rows)) in clients.iter().zip(rows).enumerate() {
            let last = answers.last[index];
            passed.extend(client.passed(
                &questions[index],
                first[index],
                answers.full[index],
                last,
                now,
            ));
            let (written, wants_more) = client.page(&rows, answers.full[index], last);
            for (seq, _) in written {
                self.recorder.written(client, seq);
            }
            if wants_more {
                self.shared.waiting.lock().push_back(client.clone());
            }
        }
        if !passed.is_empty()
            && let Err(error) = passed::note(&self.pool, &passed).await
        {
            tracing::warn!(%error, devices = passed.len(), "what was passed is not noted");
        }
        Ok(())
    }
}
