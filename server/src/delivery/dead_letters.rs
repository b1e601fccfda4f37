//! Sends dead letters again: their content as a new notification, to those users.
//!
//! Each is sent once. First it is noted which notification will carry it, and committed; then that is
//! published under that id, with an idempotency key made of the id. A server that dies in between leaves a
//! note without a notification; whoever asks next publishes it under the same id and key, so that two who
//! do it at once publish one.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use sqlx::Connection as _;
use uuid::Uuid;

use super::classes::Classes;
use super::committer::{Committer, Refusal};
use super::draft::{self, Draft, ExceptNames};
use super::publication::{Audience, Idempotency, Publication};
use crate::store::dead_letters::{self as store, Claims, Content, Cursor, Filter, Letter};
use crate::store::{Pool, ledger as rows};
use crate::support::clock::Clock;
use crate::support::ids::{self, Ids};

/// At most so many in one call.
pub const MOST: usize = 1_000;
/// A note so old is not made good: the partitions of that day may be gone, and it was hardly a crash.
const NOTED: SignedDuration = SignedDuration::from_hours(24);

/// What it takes.
#[derive(Clone, Copy)]
pub struct Sender<'a> {
    /// Where they are.
    pub pool: &'a Pool,
    /// Where they go.
    pub committer: &'a Committer,
    /// Under which classes.
    pub classes: &'a Classes,
    /// Makes the ids.
    pub ids: &'a Ids,
    /// When it is.
    pub clock: &'a Clock,
    /// Whose.
    pub tenant: Uuid,
    /// Who sends them again.
    pub publisher: &'a str,
}

/// What became of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It would be sent.
    Would,
    /// This notification carries it now.
    Sent(Uuid),
    /// This one did before.
    Before(Uuid),
    /// It cannot be: a code and what to say.
    Refused(&'static str, &'static str),
}

const INACTIVE: Outcome = Outcome::Refused("user_inactive", "The user is inactive.");
const REMOVED: Outcome = Outcome::Refused("user_removed", "The user was removed.");
const GONE: Outcome = Outcome::Refused("content_gone", "Its content is not kept any more.");
const REFUSED: Outcome = Outcome::Refused(
    "refused",
    "The database refused the publication; the server's log says why.",
);
const AWAY: Outcome = Outcome::Refused(
    "unavailable",
    "The database went away meanwhile. Ask again: nothing is sent twice.",
);

/// As many of those that match as are sent in one step.
pub struct Step {
    /// At most [`MOST`], the latest first.
    pub letters: Vec<Letter>,
    /// More match, after this one.
    pub next: Option<Cursor>,
}

/// Reads a step.
///
/// # Errors
/// Whatever the database answers.
pub async fn step(
    conn: &mut sqlx::PgConnection,
    tenant: Uuid,
    filter: &Filter,
    after: Option<Cursor>,
) -> sqlx::Result<Step> {
    let most = i64::try_from(MOST + 1).unwrap_or(i64::MAX);
    let mut letters = store::page(conn, tenant, filter, after, 0, most).await?;
    let more = letters.len() > MOST;
    letters.truncate(MOST);
    let next = letters.last().filter(|_| more).map(Letter::cursor);
    Ok(Step { letters, next })
}

/// A notification to be published, and which of the letters it carries.
struct Carrier {
    id: Uuid,
    original: Uuid,
    users: Vec<String>,
    letters: Vec<usize>,
}

fn originals(letters: &[Letter]) -> Vec<Uuid> {
    let mut ids: Vec<Uuid> = letters.iter().map(|one| one.notification).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

impl Sender<'_> {
    /// Says what would become of each.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn dry_run(self, letters: &[Letter]) -> sqlx::Result<Vec<Outcome>> {
        let mut conn = self.pool.acquire().await?;
        let originals = originals(letters);
        let kept: HashSet<Uuid> = rows::present(&mut conn, &originals)
            .await?
            .into_iter()
            .collect();
        let outcomes = self
            .judge(&mut conn, letters, |id| kept.contains(&id))
            .await?;
        let would = |one: Option<Outcome>| one.unwrap_or(Outcome::Would);
        Ok(outcomes.into_iter().map(would).collect())
    }

    /// Sends each that was not sent again before.
    ///
    /// # Errors
    /// Whatever the database answers before anything is published.
    pub async fn send(self, letters: &[Letter]) -> sqlx::Result<Vec<Outcome>> {
        let mut conn = self.pool.acquire().await?;
        let contents: HashMap<Uuid, Content> = store::contents(&mut conn, &originals(letters))
            .await?
            .into_iter()
            .map(|content| (content.id, content))
            .collect();
        let kept = |id: Uuid| contents.contains_key(&id);
        let mut outcomes = self.judge(&mut conn, letters, kept).await?;
        let mut carriers = self.interrupted(&mut conn, letters, &mut outcomes).await?;
        let fresh = self.claim(&mut conn, letters, &mut outcomes).await?;
        carriers.extend(fresh);
        drop(conn);
        let now = self.clock.now();
        // Those whose content is gone were judged before: each carrier has one.
        carriers.retain(|one| contents.contains_key(&one.original));
        let drafts = carriers
            .iter()
            .filter_map(|one| Some(self.draft(one, contents.get(&one.original)?, now)))
            .collect();
        let answers = self.committer.publish_all(drafts).await;
        for (carrier, answer) in carriers.iter().zip(answers) {
            let outcome = match answer {
                Ok(accepted) => Outcome::Sent(accepted.id),
                // Not known whether it was committed: the note stays.
                Err(Refusal::Unavailable) => AWAY,
                Err(_) => {
                    let mut conn = self.pool.acquire().await?;
                    store::release(&mut conn, carrier.id).await?;
                    REFUSED
                }
            };
            for index in &carrier.letters {
                outcomes[*index] = Some(outcome.clone());
            }
        }
        Ok(outcomes
            .into_iter()
            .map(|outcome| outcome.unwrap_or(AWAY))
            .collect())
    }

    /// What is known without writing; `None`: it is to be sent. A note without a notification counts as
    /// to be sent. `kept`: whether the content of this notification is still there.
    async fn judge(
        self,
        conn: &mut sqlx::PgConnection,
        letters: &[Letter],
        kept: impl Fn(Uuid) -> bool,
    ) -> sqlx::Result<Vec<Option<Outcome>>> {
        let noted: Vec<Uuid> = letters.iter().filter_map(|one| one.sent_again).collect();
        let present: HashSet<Uuid> = rows::present(conn, &noted).await?.into_iter().collect();
        let now = self.clock.now();
        let done = |by: &Uuid| {
            let noted_at = ids::instant_of(*by).unwrap_or(Timestamp::UNIX_EPOCH);
            present.contains(by) || noted_at < now - NOTED
        };
        let outcomes = letters.iter().map(|one| {
            if let Some(by) = one.sent_again.filter(done) {
                return Some(Outcome::Before(by));
            }
            match (one.active, kept(one.notification)) {
                (None, _) => Some(REMOVED),
                (Some(false), _) => Some(INACTIVE),
                (_, false) => Some(GONE),
                (Some(true), true) => None,
            }
        });
        Ok(outcomes.collect())
    }

    /// What somebody noted and did not publish: to all whom the note names, also those not asked for now.
    async fn interrupted(
        self,
        conn: &mut sqlx::PgConnection,
        letters: &[Letter],
        outcomes: &mut [Option<Outcome>],
    ) -> sqlx::Result<Vec<Carrier>> {
        let mut found: BTreeMap<Uuid, Carrier> = BTreeMap::new();
        for (index, one) in letters.iter().enumerate() {
            if outcomes[index].is_some() {
                continue;
            }
            let Some(id) = one.sent_again else {
                continue;
            };
            let carrier = found.entry(id).or_insert_with(|| Carrier {
                id,
                original: one.notification,
                users: Vec::new(),
                letters: Vec::new(),
            });
            carrier.letters.push(index);
            outcomes[index] = Some(AWAY);
        }
        for carrier in found.values_mut() {
            carrier.users = store::claimed(conn, self.tenant, carrier.id).await?;
        }
        Ok(found.into_values().collect())
    }

    /// Notes which notification will carry which, and commits it. What another noted meanwhile is left to them.
    async fn claim(
        self,
        conn: &mut sqlx::PgConnection,
        letters: &[Letter],
        outcomes: &mut [Option<Outcome>],
    ) -> sqlx::Result<Vec<Carrier>> {
        let mut carriers: BTreeMap<Uuid, Carrier> = BTreeMap::new();
        let mut claims = Claims::default();
        for (index, one) in letters.iter().enumerate() {
            if outcomes[index].is_some() {
                continue;
            }
            let carrier = carriers.entry(one.notification).or_insert_with(|| Carrier {
                id: self.ids.uuid(),
                original: one.notification,
                users: Vec::new(),
                letters: Vec::new(),
            });
            carrier.letters.push(index);
            claims.users.push(one.user);
            claims.seqs.push(one.seq);
            claims.by.push(carrier.id);
        }
        if claims.users.is_empty() {
            return Ok(Vec::new());
        }
        let mut tx = conn.begin().await?;
        let noted: HashSet<(Uuid, i64)> =
            store::claim(&mut tx, &claims).await?.into_iter().collect();
        tx.commit().await?;
        // Somebody was faster: theirs carries it.
        let others = claims.users.iter().zip(&claims.seqs);
        let (users, seqs): (Vec<Uuid>, Vec<i64>) = others
            .filter(|(user, seq)| !noted.contains(&(**user, **seq)))
            .unzip();
        let theirs: HashMap<(Uuid, i64), Uuid> = store::picked(conn, self.tenant, &users, &seqs)
            .await?
            .into_iter()
            .filter_map(|one| Some(((one.user, one.seq), one.sent_again?)))
            .collect();
        let mut carriers: Vec<Carrier> = carriers.into_values().collect();
        for carrier in &mut carriers {
            carrier.letters.retain(|index| {
                let one = &letters[*index];
                let id = (one.user, one.seq);
                let ours = noted.contains(&id);
                if !ours {
                    let before = theirs.get(&id).copied().map(Outcome::Before);
                    outcomes[*index] = Some(before.unwrap_or(AWAY));
                }
                ours
            });
            let keys = carrier
                .letters
                .iter()
                .filter_map(|i| letters[*i].key.clone());
            carrier.users = keys.collect();
            carrier.users.sort_unstable();
            carrier.users.dedup();
        }
        carriers.retain(|carrier| !carrier.letters.is_empty());
        Ok(carriers)
    }

    fn draft(self, carrier: &Carrier, content: &Content, now: Timestamp) -> Draft {
        let chosen = self
            .classes
            .choose(self.tenant, &content.kind, Some(&content.class))
            .unwrap_or_else(|_| self.classes.get(self.tenant, &content.class));
        Draft {
            publication: Publication {
                id: carrier.id,
                tenant: self.tenant,
                service: content.service,
                kind: content.kind.clone(),
                title: content.title.clone(),
                body: content.body.clone(),
                data: content.data.clone(),
                thread_key: content.thread_key.clone(),
                severity: rows::severity_of(&content.severity),
                expires_at: now + chosen.life(),
                class: chosen.key,
                rule: chosen.rule,
                publisher: self.publisher.into(),
                audience: Audience::default(),
                deliver_at: None,
                supersedes: None,
                collapse_key: None,
                idempotency: Some(Idempotency {
                    key_hash: draft::sha256(&[b"dead letters", carrier.id.as_bytes()]),
                    body_hash: draft::sha256(&[carrier.original.as_bytes()]),
                }),
            },
            users: carrier.users.clone(),
            departments: Vec::new(),
            groups: Vec::new(),
            except: ExceptNames::default(),
            // Whoever was switched off since is passed over; the others get theirs.
            allow_unknown: true,
        }
    }
}
