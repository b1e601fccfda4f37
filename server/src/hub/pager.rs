//! Reads backlogs: many waiting connections in one statement, a page each, through each one's gate.
//!
//! Bound: a connection waits at most once (its gate asks once). Database away: the connections wait, and are asked
//! again after a pause.

use std::sync::Arc;

use foldhash::HashMap;
use foldhash::HashMapExt as _;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::backlog;
use super::client::{Client, Row};
use super::frames::{Facts, Template};
use super::record::Recorder;
use super::wait_list::{WaitList, pause};
use crate::delivery::Classes;
use crate::outbox::passed;
use crate::store::Pool;
use crate::store::replay::{self, Question};
use crate::support::clock::Clock;
use crate::support::lifecycle::Lifecycle;

/// Connections a statement: about 24 ms of work for 10 rows each.
const MOST_A_STATEMENT: usize = 500;

/// Handle to the reading task. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Pager {
    waiting: WaitList<Arc<Client>>,
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
            waiting: self.waiting.clone(),
            pool,
            clock,
            classes,
            recorder,
        };
        life.spawn("pager", reader.run(life.stopping()));
    }

    /// Asks for a page. Only when the client's gate said that it wants one.
    pub(crate) fn ask(&self, client: Arc<Client>) {
        self.waiting.add(client);
    }
}

struct Reader {
    waiting: WaitList<Arc<Client>>,
    pool: Pool,
    clock: Clock,
    /// Which kinds are methods of their own, and which classes come in sum.
    classes: Arc<Classes>,
    recorder: Recorder,
}

impl Reader {
    async fn run(self, stopping: CancellationToken) {
        while let Some(mut clients) = self.waiting.next(MOST_A_STATEMENT, &stopping).await {
            clients.retain(|client| !client.line.is_closed());
            if clients.is_empty() {
                continue;
            }
            if let Err(error) = self.read(&clients).await {
                tracing::warn!(%error, connections = clients.len(), "backlog not read, will try again");
                let again = clients.into_iter().filter(|client| {
                    client.page_failed();
                    client.wants_page()
                });
                self.waiting.put_back(again);
                if !pause(&stopping).await {
                    return;
                }
            }
        }
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
        let sums: Vec<_> = clients.iter().map(|client| client.sums()).collect();
        for owed in &answers.rows {
            first[owed.index].get_or_insert((owed.seq, owed.routed_at));
            if sums[owed.index]
                .iter()
                .flat_map(|sums| &**sums)
                .any(|one| one.covers(owed))
            {
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
                self.waiting.put_back([client.clone()]);
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
