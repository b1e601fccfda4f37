//! The judgement: what was promised (`docs/guarantees.md`) against what was heard. Pure: pages in, findings out.
//!
//! Lost and received are counted after the dedupe that every client does, by `notificationId`; the raw number of
//! doubles is said beside it. A double on another connection of the same user is within the promise, one on the same
//! connection is not.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use uuid::Uuid;

use super::journal::{Fate, Heard, Pages, Sent};

/// What the API says of a notification: the states of its deliveries by user; `None`: it knows of none.
pub type States = HashMap<Uuid, Option<HashMap<Arc<str>, String>>>;

/// What is judged.
pub struct Evidence<'a> {
    pub run: &'a str,
    pub pages: &'a Pages,
    /// Of those that were asked for.
    pub states: &'a States,
    /// Nobody else publishes to these users: what carries no mark is foreign.
    pub alone: bool,
    /// It was broken off: what did not arrive yet is not lost.
    pub broken_off: bool,
}

/// A promise that was not kept.
#[derive(Clone, Debug, Serialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Violation {
    /// Accepted, and never received by a recipient.
    Lost {
        number: u64,
        id: Option<Uuid>,
        user: Arc<str>,
    },
    /// Twice on one connection.
    Doubled {
        id: Uuid,
        user: Arc<str>,
        connection: Arc<str>,
    },
    /// A smaller number after a larger one on one connection.
    OutOfOrder {
        id: Uuid,
        user: Arc<str>,
        connection: Arc<str>,
        seq: i64,
        after: i64,
    },
    /// Received by somebody it was not for, or never published.
    Foreign {
        id: Uuid,
        user: Arc<str>,
        connection: Arc<str>,
    },
    /// One idempotency key, two notifications.
    PublishedTwice { number: u64, ids: Vec<Uuid> },
    /// The server answered the ack and does not know of it.
    NotAcked {
        id: Uuid,
        user: Arc<str>,
        state: String,
    },
    /// Accepted, and the API does not know of it.
    Unknown { number: u64, id: Uuid },
    /// More arrived than was written down: so many items.
    Flood { items: u64 },
}

impl Violation {
    /// What to do next.
    #[must_use]
    pub fn next(&self) -> String {
        match self {
            Self::Lost { id: Some(id), user, .. } => {
                format!("GET /api/v1/notifications/{id}/explain?user={user} says how far it came")
            }
            Self::Lost { user, .. } => {
                format!("look for the title in the deliveries of {user} (bellhop.delivery)")
            }
            Self::Doubled { .. } | Self::OutOfOrder { .. } => {
                "a defect of the server, or a proxy that repeats: try again past the proxy, then report it with \
                 the seed and the server's log of this minute"
                    .into()
            }
            Self::Foreign { id, .. } => {
                format!("GET /api/v1/notifications/{id} says to whom it was published. If not to this user: stop, \
                         and report it")
            }
            Self::PublishedTwice { .. } => {
                "compare bellhop.idempotency with the ids: were keys deleted, or is this another database?".into()
            }
            Self::NotAcked { id, user, .. } => {
                format!("GET /api/v1/notifications/{id}/explain?user={user}; was the database put back to an \
                         earlier point, or does it run with synchronous_commit off?")
            }
            Self::Unknown { .. } => {
                "is the key of the service that published, and is this the same database?".into()
            }
            Self::Flood { .. } => "try again with fewer users or a smaller rate".into(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost { number, id, user } => {
                let id = id.map_or_else(|| "id unknown".to_owned(), |id| id.to_string());
                write!(
                    f,
                    "LOST: number {number} ({id}) was accepted and {user} never received it"
                )
            }
            Self::Doubled {
                id,
                user,
                connection,
            } => {
                write!(
                    f,
                    "DOUBLED: {user} received {id} twice on connection {connection}"
                )
            }
            Self::OutOfOrder {
                id,
                user,
                connection,
                seq,
                after,
            } => write!(
                f,
                "OUT OF ORDER: {user} received {id} with seq {seq} after {after} on connection {connection}"
            ),
            Self::Foreign {
                id,
                user,
                connection,
            } => {
                write!(
                    f,
                    "FOREIGN: {user} received {id} on connection {connection}, which was not published to them"
                )
            }
            Self::PublishedTwice { number, ids } => {
                let ids: Vec<String> = ids.iter().map(Uuid::to_string).collect();
                write!(
                    f,
                    "PUBLISHED TWICE: number {number}, one key, became {}",
                    ids.join(" and ")
                )
            }
            Self::NotAcked { id, user, state } => {
                write!(
                    f,
                    "NOT ACKED: {user} got the answer for its ack of {id}, which is {state}"
                )
            }
            Self::Unknown { number, id } => {
                write!(
                    f,
                    "UNKNOWN: number {number} was accepted as {id}, which the API does not know"
                )
            }
            Self::Flood { items } => {
                write!(f, "FLOOD: {items} items more than could be written down")
            }
        }
    }
}

/// What came out.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Findings {
    /// Publications answered 2xx; refused; never answered, so that nobody knows.
    pub accepted: u64,
    pub refused: u64,
    pub unanswered: u64,
    /// Tries that were no publication of their own.
    pub retries: u64,
    /// Pairs of an accepted notification and a recipient; how many of them arrived.
    pub owed: u64,
    pub received: u64,
    /// Not received when it was broken off.
    pub outstanding: u64,
    /// What came again on another connection, before the dedupe.
    pub doubles: u64,
    /// Answered acks; how many of them the API was asked about.
    pub acked: u64,
    pub acks_read: u64,
    /// Items without a mark of this run: of earlier runs, and what others publish to everybody.
    pub others: u64,
    pub connections: u64,
    pub violations: Vec<Violation>,
    /// From the first try to publish to the first receipt, of what was received live, ascending.
    #[serde(skip)]
    pub latencies: Vec<Duration>,
}

impl Findings {
    /// This share of the live receipts was at least so fast; `None` without any.
    #[must_use]
    pub fn latency(&self, percent: usize) -> Option<Duration> {
        let last = self.latencies.len().checked_sub(1)?;
        self.latencies.get(last * percent.min(100) / 100).copied()
    }
}

/// What of the accepted has not arrived at its recipients.
#[must_use]
pub fn outstanding(run: &str, pages: &Pages) -> u64 {
    let here: HashSet<(u64, &str)> = marked(run, pages)
        .map(|(number, heard)| (number, &*heard.user))
        .collect();
    let missing =
        accepted(pages).flat_map(|sent| sent.recipients.iter().map(|user| (sent.number, &**user)));
    missing.filter(|pair| !here.contains(pair)).count() as u64
}

/// Judges.
#[must_use]
pub fn judge(evidence: &Evidence<'_>) -> Findings {
    let pages = evidence.pages;
    let mut findings = Findings {
        acked: pages.acked.len() as u64,
        ..Findings::default()
    };
    let mut wrong: BTreeSet<Violation> = BTreeSet::new();
    let by_number: HashMap<u64, &Sent> =
        pages.sent.iter().map(|sent| (sent.number, sent)).collect();
    publications(&mut findings, &mut wrong, evidence);
    connections(&mut findings, &mut wrong, pages);
    items(&mut findings, &mut wrong, evidence, &by_number);
    ids(&mut wrong, evidence, &by_number);
    acks(&mut findings, &mut wrong, evidence);
    if pages.over > 0 {
        wrong.insert(Violation::Flood { items: pages.over });
    }
    findings.latencies.sort_unstable();
    findings.violations = wrong.into_iter().collect();
    findings
}

fn accepted(pages: &Pages) -> impl Iterator<Item = &Sent> {
    pages
        .sent
        .iter()
        .filter(|sent| matches!(sent.fate, Fate::Accepted { .. }))
}

/// Items of this run, with their numbers.
fn marked<'a>(run: &'a str, pages: &'a Pages) -> impl Iterator<Item = (u64, &'a Heard)> {
    pages.heard.iter().filter_map(move |heard| {
        let mark = heard.mark.as_ref().filter(|mark| mark.run == run)?;
        Some((mark.number, heard))
    })
}

fn publications(findings: &mut Findings, wrong: &mut BTreeSet<Violation>, evidence: &Evidence<'_>) {
    for sent in &evidence.pages.sent {
        let least = match &sent.fate {
            Fate::Accepted { ids, .. } => {
                findings.accepted += 1;
                for id in ids {
                    if matches!(evidence.states.get(id), Some(None)) {
                        let number = sent.number;
                        wrong.insert(Violation::Unknown { number, id: *id });
                    }
                }
                ids.len().max(1) as u64
            }
            Fate::Refused(_) => {
                findings.refused += 1;
                1
            }
            Fate::Unknown(_) => {
                findings.unanswered += 1;
                1
            }
        };
        findings.retries += u64::from(sent.tries).saturating_sub(least);
    }
}

/// Order, and nothing twice, on each connection.
fn connections(findings: &mut Findings, wrong: &mut BTreeSet<Violation>, pages: &Pages) {
    let mut seen: HashMap<&str, (i64, HashSet<Uuid>)> = HashMap::new();
    for heard in &pages.heard {
        let (last, ids) = seen.entry(&heard.connection).or_default();
        let (id, user, connection) = (heard.id, heard.user.clone(), heard.connection.clone());
        if !ids.insert(id) {
            wrong.insert(Violation::Doubled {
                id,
                user,
                connection,
            });
        } else if heard.seq <= *last {
            let (seq, after) = (heard.seq, *last);
            wrong.insert(Violation::OutOfOrder {
                id,
                user,
                connection,
                seq,
                after,
            });
        }
        *last = heard.seq.max(*last);
    }
    findings.connections = pages
        .turns
        .iter()
        .filter(|turn| turn.gone.is_none())
        .count() as u64;
}

/// Each to its recipients and to nobody else.
fn items(
    findings: &mut Findings,
    wrong: &mut BTreeSet<Violation>,
    evidence: &Evidence<'_>,
    by_number: &HashMap<u64, &Sent>,
) {
    let mut first: HashMap<(u64, &str), &Heard> = HashMap::new();
    for heard in &evidence.pages.heard {
        let foreign = || Violation::Foreign {
            id: heard.id,
            user: heard.user.clone(),
            connection: heard.connection.clone(),
        };
        let Some(mark) = heard.mark.as_ref().filter(|mark| mark.run == evidence.run) else {
            findings.others += 1;
            if evidence.alone {
                wrong.insert(foreign());
            }
            continue;
        };
        // One whose publication is not answered yet was published all the same.
        let meant = by_number
            .get(&mark.number)
            .map(|sent| sent.recipients.contains(&heard.user));
        if meant == Some(false) || (meant.is_none() && !evidence.broken_off) {
            wrong.insert(foreign());
            continue;
        }
        match first.entry((mark.number, &heard.user)) {
            std::collections::hash_map::Entry::Occupied(_) => findings.doubles += 1,
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(heard);
            }
        }
    }
    for sent in accepted(evidence.pages) {
        for user in &sent.recipients {
            findings.owed += 1;
            if let Some(heard) = first.get(&(sent.number, &**user)) {
                findings.received += 1;
                if !heard.replayed {
                    findings.latencies.push(heard.at.saturating_sub(sent.began));
                }
            } else if evidence.broken_off {
                findings.outstanding += 1;
            } else {
                let Fate::Accepted { ids, .. } = &sent.fate else {
                    continue;
                };
                let (number, id, user) = (sent.number, ids.first().copied(), user.clone());
                wrong.insert(Violation::Lost { number, id, user });
            }
        }
    }
}

/// One key, one notification: by what publishers were answered, and by what clients got.
fn ids(wrong: &mut BTreeSet<Violation>, evidence: &Evidence<'_>, by_number: &HashMap<u64, &Sent>) {
    let mut of_number: BTreeMap<u64, BTreeSet<Uuid>> = BTreeMap::new();
    for (number, sent) in by_number {
        if let Fate::Accepted { ids, .. } = &sent.fate {
            of_number.entry(*number).or_default().extend(ids);
        }
    }
    for (number, heard) in marked(evidence.run, evidence.pages) {
        of_number.entry(number).or_default().insert(heard.id);
    }
    for (number, ids) in of_number {
        if ids.len() > 1 {
            let ids = ids.into_iter().collect();
            wrong.insert(Violation::PublishedTwice { number, ids });
        }
    }
}

/// What was answered is kept.
fn acks(findings: &mut Findings, wrong: &mut BTreeSet<Violation>, evidence: &Evidence<'_>) {
    for acked in &evidence.pages.acked {
        let Some(Some(states)) = evidence.states.get(&acked.id) else {
            continue;
        };
        findings.acks_read += 1;
        let state = states.get(&acked.user).map_or("not there", String::as_str);
        if state != "acked" {
            let (id, user, state) = (acked.id, acked.user.clone(), state.to_owned());
            wrong.insert(Violation::NotAcked { id, user, state });
        }
    }
}

#[cfg(test)]
mod tests;
