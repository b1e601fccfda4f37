//! Routes what has many recipients, and what was scheduled, page by page: at most 200 users a commit.
//!
//! Guarantees: a page is routed in one commit with the place where the next begins, so a killed node repeats
//! nothing and leaves nothing out; a cancelled notification stops between two pages; two of one thread
//! go one after the other; each service gets its turn (by weight), so that one service's blast does not hold up
//! another's.

use std::sync::Arc;
use std::time::Duration;

use app::model::delivery::Rule;
use sqlx::Connection as _;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::classes::Classes;
use super::publication::{Audience, Publication};
use super::{Dispatch, Routed, ledger, withdraw};
use crate::store::{Pool, audience, fanout as store, is_transient, ledger as rows};
use crate::support::clock::Clock;
use crate::support::lifecycle::Lifecycle;

/// What became due without a bell is looked for so often.
const PATROL: Duration = Duration::from_secs(1);

/// Routes pages.
pub struct Fanout {
    /// Where they are.
    pub pool: Pool,
    /// When it is.
    pub clock: Clock,
    /// What settles their deliveries.
    pub classes: Arc<Classes>,
    /// Where they go.
    pub dispatch: Arc<dyn Dispatch>,
    /// Rung when one was accepted.
    pub bell: Arc<Notify>,
}

impl Fanout {
    /// Starts the task; it stops when the process does, after the page in hand.
    pub fn start(self, life: &Lifecycle) {
        life.spawn("fan-out", self.run(life.stopping()));
    }

    async fn run(self, stopping: CancellationToken) {
        loop {
            let pause = match self.turn().await {
                Ok(pages) if pages > 0 => Duration::ZERO,
                Ok(_) => self.until_next().await,
                Err(error) => {
                    if is_transient(&error) {
                        tracing::debug!(%error, "pages not routed, will try again");
                    } else {
                        tracing::error!(%error, "pages not routed, will try again");
                    }
                    PATROL
                }
            };
            tokio::select! {
                () = stopping.cancelled() => return,
                () = self.bell.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn until_next(&self) -> Duration {
        let next = match self.pool.acquire().await {
            Ok(mut conn) => store::next_due(&mut conn).await.unwrap_or(None),
            Err(_) => None,
        };
        next.map_or(PATROL, |at| {
            let left = at.as_millisecond() - self.clock.now().as_millisecond();
            Duration::from_millis(u64::try_from(left).unwrap_or(0))
                .clamp(Duration::from_millis(1), PATROL)
        })
    }

    /// A page, or as many as its weight says, of each service that has something due; answers how many.
    ///
    /// # Errors
    /// Whatever the database answers; the page in hand was not routed.
    pub async fn turn(&self) -> sqlx::Result<usize> {
        let due = {
            let mut conn = self.pool.acquire().await?;
            store::due(&mut conn, self.clock.now()).await?
        };
        let mut pages = 0;
        for one in due {
            for _ in 0..one.weight.max(1) {
                match self.page(one.id).await? {
                    Some(more) => {
                        pages += 1;
                        if !more {
                            break;
                        }
                    }
                    None => break,
                }
            }
        }
        Ok(pages)
    }

    /// Routes a page in one commit, then dispatches it. Answers whether there are more; `None`: somebody else
    /// is at it, or it was cancelled.
    async fn page(&self, id: Uuid) -> sqlx::Result<Option<bool>> {
        let now = self.clock.now();
        let mut conn = self.pool.acquire().await?;
        let mut tx = conn.begin().await?;
        let Some(locked) = store::lock(&mut tx, id).await? else {
            return Ok(None);
        };
        let wanted: Audience = serde_json::from_str(&locked.audience).unwrap_or_default();
        let (after, given) = (locked.after, locked.given);
        let (tenant, service) = (locked.tenant, locked.service);
        let page = audience::page(&mut tx, tenant, service, &wanted, after).await?;
        let publication = Arc::new(self.publication(id, locked));
        let mut routed: Vec<Routed> = Vec::new();
        if !page.members.is_empty() {
            let one = ledger::owe(&mut tx, &publication, page.members, now).await?;
            let also = withdraw::replaced_by_page(&mut tx, &publication, &one, after, now).await?;
            routed.push(one);
            routed.extend(also);
        }
        let count: usize = routed.first().map_or(0, |one| one.recipients.len());
        let given = given.saturating_add(i32::try_from(count).unwrap_or(i32::MAX));
        store::given(&mut tx, id, page.after, given).await?;
        tx.commit().await?;
        self.dispatch.deliver(&routed);
        Ok(Some(page.after.is_some()))
    }

    fn publication(&self, id: Uuid, row: store::Locked) -> Publication {
        // A withdrawal keeps the rule of withdrawals; it has no class of anybody's.
        let rule = if row.kind == app::protocol::WITHDRAWN {
            withdraw::RULE
        } else {
            let chosen = self.classes.get(row.tenant, &row.class);
            Rule {
                hidden: false,
                ..chosen.rule
            }
        };
        Publication {
            id,
            tenant: row.tenant,
            service: row.service,
            kind: row.kind,
            title: row.title,
            body: row.body,
            data: row.data,
            thread_key: row.thread_key,
            severity: rows::severity_of(&row.severity),
            class: row.class.into(),
            rule,
            publisher: row.publisher.into(),
            audience: Audience::default(),
            expires_at: row.expires_at.to_jiff(),
            deliver_at: None,
            supersedes: None,
            collapse_key: row.collapse_key,
            idempotency: None,
        }
    }
}
