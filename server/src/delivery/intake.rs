//! The router of rows that came through SQL: takes them out of `intake` and sequences them in the
//! server's own short transaction. Woken by the doorbell (NOTIFY), and by a timer, because a
//! doorbell may be lost: the table is the mail.
//!
//! Guarantees: a row is taken and routed in one commit; what cannot be routed is kept with the
//! reason; one router works at a time over all nodes (advisory lock).

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use sqlx::Connection as _;
use sqlx::postgres::PgListener;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Routed;
use super::batch::{Batch, Verdict};
use super::classes::Classes;
use super::committer::{self, Refusal};
use super::doorbell::{Canaries, Doorbell};
use super::draft::{Draft, Origin, PublishRequest};
use super::known::Known;
use crate::store::intake::{self as store, Row};
use crate::support::lifecycle::Lifecycle;
use crate::workplace::Workplace;
use crate::workplace::attendance::{self, NewPunch, Outcome, Source, When, Who};

const CHANNEL: &str = "bellhop_intake";
const MOST_A_COMMIT: i64 = 128;
/// With a working doorbell the timer only catches what was lost.
const PATROL: Duration = Duration::from_secs(1);
/// Without one (a pooler swallowed LISTEN, or the connection is being remade) the poll serves.
const POLL: Duration = Duration::from_millis(50);

/// Takes rows to where they belong.
pub struct Router {
    workplace: Workplace,
    doorbell: Doorbell,
}

impl Router {
    /// Starts the routing task; it stops when the process does, after the batch in hand. What it finds out about
    /// LISTEN it tells `doorbell`.
    pub fn start(workplace: Workplace, doorbell: Doorbell, life: &Lifecycle) {
        let router = Self {
            workplace,
            doorbell,
        };
        life.spawn("intake router", router.run(life.stopping()));
    }

    async fn run(self, stopping: CancellationToken) {
        let mut listener = None;
        let mut canaries = Canaries::new(self.doorbell.clone());
        loop {
            if listener.is_none() {
                listener = self.listen().await;
                canaries.reset();
            }
            // Look after LISTEN began, never before: a row between the two would wait for the timer.
            self.drain().await;
            if listener.is_some()
                && let Some(payload) = canaries.next(Instant::now())
            {
                self.send(&payload).await;
            }
            let heard = listener.is_some() && !canaries.late();
            let until = Instant::now() + if heard { PATROL } else { POLL };
            loop {
                tokio::select! {
                    () = stopping.cancelled() => return,
                    () = tokio::time::sleep_until(until) => break,
                    rung = ring(listener.as_mut()) => match rung {
                        Ok(payload) if canaries.heard(&payload, Instant::now()) => {}
                        Ok(_) => break,
                        Err(_) => {
                            listener = None;
                            break;
                        }
                    },
                }
            }
        }
    }

    /// Rings the bell as everybody else does, by another connection.
    async fn send(&self, canary: &str) {
        let sent = async {
            let mut conn = self.workplace.pool.acquire().await?;
            store::ring(&mut conn, CHANNEL, canary).await
        };
        if let Err(error) = sent.await {
            tracing::debug!(%error, "no canary sent");
        }
    }

    async fn listen(&self) -> Option<PgListener> {
        let mut listener = PgListener::connect_with(&self.workplace.pool).await.ok()?;
        listener.ignore_pool_close_event(true);
        listener.listen(CHANNEL).await.ok()?;
        Some(listener)
    }

    /// Routes until nothing is left.
    pub async fn drain(&self) {
        let mut most = MOST_A_COMMIT;
        loop {
            match self.route(most, None).await {
                Ok(0) => return,
                Ok(_) => most = MOST_A_COMMIT,
                Err(error) if committer::gave_way(&error) => {}
                Err(error) if committer::is_guilt(&error) && most > 1 => most = 1,
                Err(error) if committer::is_guilt(&error) => {
                    // The first row alone is guilty: keep it aside with the reason and go on.
                    let reason = error.to_string();
                    if let Err(error) = self.route(1, Some(&reason)).await {
                        tracing::warn!(%error, "intake: a refused row could not be set aside");
                        return;
                    }
                    most = MOST_A_COMMIT;
                }
                Err(error) => {
                    tracing::warn!(%error, "intake: not routed, will look again");
                    return;
                }
            }
        }
    }

    /// One commit; answers how many rows it took.
    async fn route(&self, most: i64, refuse_with: Option<&str>) -> sqlx::Result<usize> {
        let mut conn = self.workplace.pool.acquire().await?;
        let mut tx = conn.begin().await?;
        if !store::try_lease(&mut tx).await? {
            return Ok(0);
        }
        let now = self.workplace.clock.now();
        let rows = store::take(&mut tx, most).await?;
        if rows.is_empty() {
            return Ok(0);
        }
        let mut drafts: Vec<(&Row, Draft)> = Vec::new();
        let mut punches: BTreeMap<Uuid, Vec<(&Row, NewPunch)>> = BTreeMap::new();
        for row in &rows {
            if let Some(reason) = refuse_with {
                store::refuse(&mut tx, row, reason, now).await?;
                continue;
            }
            match row.what.as_str() {
                "publish" => match parse(row, &self.workplace.classes, now) {
                    Ok(draft) => drafts.push((row, draft)),
                    Err(reason) => store::refuse(&mut tx, row, &reason, now).await?,
                },
                "punch" => match parse_punch(row) {
                    Ok(punch) => punches.entry(row.tenant).or_default().push((row, punch)),
                    Err(reason) => store::refuse(&mut tx, row, &reason, now).await?,
                },
                other => {
                    store::refuse(&mut tx, row, &format!("unknown kind of row {other}"), now)
                        .await?;
                }
            }
        }
        // Punches first: their rows come before the ledger's in the lock order, their topics after.
        let mut recorded = Vec::with_capacity(punches.len());
        for (tenant, list) in punches {
            let (rows, batch): (Vec<&Row>, Vec<NewPunch>) = list.into_iter().unzip();
            let one = attendance::record(&mut tx, tenant, batch, &self.workplace.ids, now).await?;
            for (row, outcome) in rows.iter().zip(&one.outcomes) {
                if let Outcome::Refused(refusal) = outcome {
                    store::refuse(&mut tx, row, &refusal.to_string(), now).await?;
                }
            }
            recorded.push(one);
        }
        let mut routed: Vec<Routed> = Vec::new();
        if !drafts.is_empty() {
            let plain: Vec<&Draft> = drafts.iter().map(|(_, draft)| draft).collect();
            let verdicts = Batch::read(&mut tx, &plain, &Known::default(), now)
                .await?
                .write(&mut tx, now)
                .await?;
            for ((row, _), verdict) in drafts.iter().zip(verdicts) {
                match verdict {
                    Verdict::Routed {
                        routed: one, also, ..
                    } => {
                        routed.push(one);
                        routed.extend(also);
                    }
                    Verdict::Duplicate { .. } | Verdict::Paged { .. } => {}
                    Verdict::Refused(refusal) => {
                        store::refuse(&mut tx, row, &reason(&refusal), now).await?;
                    }
                }
            }
        }
        let mut boards = Vec::with_capacity(recorded.len());
        for one in &recorded {
            boards.push(attendance::announce(&mut tx, one, now).await?);
        }
        tx.commit().await?;
        self.workplace.pages.notify_one();
        self.workplace.dispatch.deliver(&routed);
        for board in boards {
            board.send(&*self.workplace.dispatch);
        }
        Ok(rows.len())
    }
}

/// Resolves at the next ring; never without a doorbell.
async fn ring(doorbell: Option<&mut PgListener>) -> sqlx::Result<String> {
    match doorbell {
        // `try_recv` tells of a lost connection, where `recv` would silently reconnect: rings may
        // have been missed, so the caller must look at the table.
        Some(listener) => listener
            .try_recv()
            .await?
            .map(|rung| rung.payload().to_owned())
            .ok_or(sqlx::Error::WorkerCrashed),
        None => std::future::pending().await,
    }
}

fn parse(row: &Row, classes: &Classes, now: jiff::Timestamp) -> Result<Draft, String> {
    let request: PublishRequest =
        serde_json::from_str(&row.payload).map_err(|error| error.to_string())?;
    let origin = Origin {
        id: row.ticket,
        tenant: row.tenant,
        service: row.service,
        publisher: "sql",
        classes,
        now,
    };
    request.check(origin).map_err(|problem| {
        format!(
            "{}: {}",
            problem.field.as_deref().unwrap_or("body"),
            problem.detail
        )
    })
}

/// What `bellhop.punch` writes.
#[derive(Deserialize)]
struct SqlPunch {
    user: Option<String>,
    pin: Option<String>,
    device: String,
    at: jiff::Timestamp,
    direction: Option<String>,
    source_id: String,
}

fn parse_punch(row: &Row) -> Result<NewPunch, String> {
    let punch: SqlPunch = serde_json::from_str(&row.payload).map_err(|error| error.to_string())?;
    let who = match (punch.user, punch.pin) {
        (Some(user), None) => Who::User(user),
        (None, Some(pin)) => Who::Pin(pin),
        _ => return Err("give either a user or a pin".to_owned()),
    };
    let direction = match punch.direction.as_deref() {
        None => None,
        Some(word) => Some(
            attendance::parse_direction(word)
                .ok_or_else(|| format!("unknown direction \"{word}\""))?,
        ),
    };
    Ok(NewPunch {
        ticket: Some(row.ticket),
        who,
        device: punch.device,
        at: When::Instant(punch.at),
        direction,
        source_id: punch.source_id,
        source: Source::Sql,
    })
}

fn reason(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Unknown(names) => {
            let names: Vec<String> = names
                .iter()
                .map(|(field, name)| format!("{field} \"{name}\""))
                .collect();
            format!("unknown {}", names.join(", "))
        }
        Refusal::KeyReused => "the idempotency key was used with another body".to_owned(),
        Refusal::TooMany { count, most } => {
            format!("{count} recipients; the tenant allows {most}")
        }
        Refusal::Invalid(text) => text.clone(),
        Refusal::Unavailable => "the idempotency key's holder vanished".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use app::model::attendance::Presence;

    use super::*;
    use crate::workplace::fixture::Place;

    #[tokio::test]
    async fn punches_and_publishes_of_sql_are_routed_and_nonsense_is_kept() {
        let place = Place::open("2026-11-20T18:00:00Z").await;
        let tenant = place.tenant("merrow").await;
        place.user(&tenant, "olena", None, Some("leeds")).await;
        let pool = &place.workplace.pool;
        sqlx::query("INSERT INTO bellhop.role_grant VALUES (session_user, $1, $2)")
            .bind(tenant.id)
            .bind(tenant.service)
            .execute(pool)
            .await
            .unwrap();
        let ticket: Uuid = sqlx::query_scalar(
            "SELECT bellhop.punch('Gate-1', user_key => 'olena', at => '2026-11-20T08:56Z')",
        )
        .fetch_one(pool)
        .await
        .unwrap();
        for statement in [
            "SELECT bellhop.punch('Gate-1', user_key => 'ghost', at => '2026-11-20T08:57Z')",
            "SELECT bellhop.publish('NewTask', 'Look', users => '{olena}')",
        ] {
            sqlx::query(statement).execute(pool).await.unwrap();
        }

        Router {
            workplace: place.workplace.clone(),
            doorbell: Doorbell::default(),
        }
        .drain()
        .await;

        let raw: Uuid = sqlx::query_scalar("SELECT id FROM bellhop.punch_raw WHERE source = 'sql'")
            .fetch_one(pool)
            .await
            .unwrap();
        assert_eq!(raw, ticket, "the punch has the id its caller got");
        let board = attendance::board(&place.workplace, tenant.id)
            .await
            .unwrap();
        assert_eq!(board.rows[0].state, Presence::In);
        assert_eq!(place.kinds(), [("NewTask".to_owned(), 1)]);
        let reason: String = sqlx::query_scalar("SELECT reason FROM bellhop.intake_refused")
            .fetch_one(pool)
            .await
            .unwrap();
        assert_eq!(reason, "There is no user \"ghost\".");
    }
}
