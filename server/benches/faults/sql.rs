//! The database, seen from outside of the server: publications by `bellhop.publish`, the listening backend, and what
//! the ledger itself says in the end.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bellhop::support::dice::Dice;
use bellhop::verify::audit::States;
use bellhop::verify::journal::{Fate, Journal, MARK, Pages};
use bellhop::verify::traffic::{self, Notice, Plan};
use sqlx::postgres::{PgPool, PgPoolOptions};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Numbers of publications by SQL, so that they meet none of those by HTTP.
pub(crate) const FIRST: u64 = 1_000_000_000;
/// One statement, database away or not.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Clone)]
pub(crate) struct Sql {
    pool: PgPool,
}

/// A row of the ledger.
struct Delivery {
    user: Arc<str>,
    id: Uuid,
    state: i16,
    receipts: i64,
}

impl Sql {
    pub(crate) fn to(url: &str) -> Result<Self> {
        let pool = PgPoolOptions::new()
            .max_connections(4)
            .acquire_timeout(PATIENCE)
            .connect_lazy(url)?;
        Ok(Self { pool })
    }

    /// Ends the backend that waits in LISTEN; how many there were.
    pub(crate) async fn terminate_listener(&self) -> Result<u64> {
        let ended = sqlx::query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
              WHERE application_name = 'bellhop' AND query ILIKE 'listen%' AND pid <> pg_backend_pid()",
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(ended.len() as u64)
    }

    /// Has the database begin the next file of its log now, as it does every 16 MB; what it says.
    pub(crate) async fn end_log_file(&self) -> String {
        let asked = sqlx::query("SELECT pg_switch_wal()").execute(&self.pool);
        match timeout(PATIENCE, asked).await {
            Ok(Ok(_)) => "nothing".into(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer".into(),
        }
    }

    /// Publishes from number `first` on until `stop`; the next number.
    pub(crate) async fn publish(
        self,
        plan: Arc<Plan>,
        journal: Arc<Journal>,
        dice: Dice,
        first: u64,
        stop: CancellationToken,
    ) -> u64 {
        let run = journal.run().to_owned();
        let one = {
            let plan = plan.clone();
            move |notice| self.clone().one(plan.clone(), journal.clone(), notice)
        };
        traffic::paced((&plan, &run), dice, first, stop, one).await
    }

    /// Until its commit was answered.
    async fn one(self, plan: Arc<Plan>, journal: Arc<Journal>, notice: Notice) {
        let (began, until) = (journal.now(), Instant::now() + plan.patience);
        let mut dice = Dice::new(notice.number);
        let users: Vec<String> = notice.recipients.iter().map(ToString::to_string).collect();
        let mut tries = 0;
        let fate = loop {
            tries += 1;
            let said = sqlx::query(
                "SELECT bellhop.publish($1, $2, data => $3::text::jsonb, users => $4, idempotency_key => $5,
                                        expires_in => make_interval(secs => $6), class => 'standard')",
            )
            .bind(notice.kind)
            .bind(&notice.title)
            .bind(notice.data(journal.run()).to_string())
            .bind(&users)
            .bind(&notice.key)
            .bind(f64::from(u32::try_from(plan.expires_in).unwrap_or(u32::MAX)))
            .execute(&self.pool);
            let why = match timeout(PATIENCE, said).await {
                Ok(Ok(_)) => {
                    let at = journal.now();
                    break Fate::Accepted {
                        at,
                        ids: Vec::new(),
                    };
                }
                Ok(Err(sqlx::Error::Database(error))) => {
                    format!("sql {}", error.code().unwrap_or_default())
                }
                Ok(Err(_)) => "sql: no connection".into(),
                Err(_) => "sql: no answer".into(),
            };
            journal.setback(&why);
            if Instant::now() >= until {
                break Fate::Unknown(why);
            }
            sleep(Duration::from_millis(dice.between(100, 600).unsigned_abs())).await;
        };
        journal.sent(notice.sent(began, tries, fate));
    }

    /// What is wrong in the ledger, in words, and the states of all deliveries of this run's users.
    pub(crate) async fn audit(
        &self,
        journal: &Journal,
        pages: &Pages,
    ) -> Result<(Vec<String>, States)> {
        let mut wrong = self.gaps().await?;
        let published = self.published(journal.run()).await?;
        let deliveries = self.deliveries().await?;
        let mut states: States = HashMap::new();
        let mut receipts: HashMap<(Uuid, Arc<str>), i64> = HashMap::new();
        for row in deliveries {
            receipts.insert((row.id, row.user.clone()), row.receipts);
            let word = word(row.state).to_owned();
            let of = states.entry(row.id).or_insert_with(|| Some(HashMap::new()));
            if let Some(of) = of {
                of.insert(row.user, word);
            }
        }
        for sent in &pages.sent {
            let number = sent.number;
            let rows = published.get(&number).map_or(&[][..], Vec::as_slice);
            let accepted = matches!(sent.fate, Fate::Accepted { .. });
            match rows {
                [] if accepted => {
                    wrong.push(format!("number {number} was accepted and has no row"));
                }
                [] | [_] => {}
                _ => wrong.push(format!("number {number}, one key, has {} rows", rows.len())),
            }
            for id in rows.iter().filter(|_| accepted) {
                let of = states.get(id).and_then(Option::as_ref);
                for user in &sent.recipients {
                    if of.is_none_or(|of| !of.contains_key(user)) {
                        wrong.push(format!(
                            "number {number} ({id}) was accepted and has no delivery for {user}"
                        ));
                    }
                }
            }
        }
        for acked in &pages.acked {
            if receipts
                .get(&(acked.id, acked.user.clone()))
                .is_none_or(|count| *count == 0)
            {
                wrong.push(format!(
                    "the ack of {} by {} was answered and has no receipt",
                    acked.id, acked.user
                ));
            }
        }
        Ok((wrong, states))
    }

    /// Users whose numbers have gaps, doubles, or end elsewhere than their stream says.
    async fn gaps(&self) -> Result<Vec<String>> {
        let rows: Vec<(String, i64, i64, i64)> = sqlx::query_as(
            "SELECT u.key, s.last_seq, count(DISTINCT d.seq), coalesce(max(d.seq), 0)
               FROM bellhop.user_stream s JOIN bellhop.user_account u ON u.id = s.user_id
               LEFT JOIN bellhop.delivery d ON d.user_id = s.user_id
              GROUP BY u.key, s.last_seq
             HAVING count(DISTINCT d.seq) <> s.last_seq OR coalesce(max(d.seq), 0) <> s.last_seq
                 OR count(d.seq) <> count(DISTINCT d.seq)",
        )
        .fetch_all(&self.pool)
        .await
        .context("the ledger's numbers")?;
        let said = |(user, last, count, max)| {
            format!("{user}: {count} numbers up to {max}, and the stream says {last}")
        };
        Ok(rows.into_iter().map(said).collect())
    }

    /// Ids by number, of everything this run has in the ledger.
    async fn published(&self, run: &str) -> Result<BTreeMap<u64, Vec<Uuid>>> {
        let rows: Vec<(i64, Uuid)> = sqlx::query_as(
            "SELECT (data::jsonb #>> ARRAY[$1, 'number'])::bigint, id FROM bellhop.notification
              WHERE kind LIKE 'Verify%' AND data::jsonb #>> ARRAY[$1, 'run'] = $2",
        )
        .bind(MARK)
        .bind(run)
        .fetch_all(&self.pool)
        .await
        .context("the ledger's notifications")?;
        let mut published: BTreeMap<u64, Vec<Uuid>> = BTreeMap::new();
        for (number, id) in rows {
            published
                .entry(u64::try_from(number)?)
                .or_default()
                .push(id);
        }
        Ok(published)
    }

    async fn deliveries(&self) -> Result<Vec<Delivery>> {
        let rows: Vec<(String, Uuid, i16, i64)> = sqlx::query_as(
            "SELECT u.key, d.notification_id, d.state,
                    (SELECT count(*) FROM bellhop.ack a
                      WHERE a.user_id = d.user_id AND a.seq = d.seq AND a.via IN ('hub', 'http'))
               FROM bellhop.delivery d JOIN bellhop.user_account u ON u.id = d.user_id
              WHERE u.key LIKE 'faults-%'",
        )
        .fetch_all(&self.pool)
        .await
        .context("the ledger's deliveries")?;
        let row = |(user, id, state, receipts): (String, Uuid, i16, i64)| Delivery {
            user: user.into(),
            id,
            state,
            receipts,
        };
        Ok(rows.into_iter().map(row).collect())
    }
}

/// As the API says it.
fn word(state: i16) -> &'static str {
    match state {
        0 => "queued",
        1 => "reached",
        2 => "acked",
        3 => "expired",
        4 => "cancelled",
        _ => "dead",
    }
}
