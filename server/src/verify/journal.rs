//! What was done and what was heard, as it happened: the only thing the audit looks at.
//!
//! Written by publishers and clients, read at the end. Bounded: what comes beyond is counted and not kept, and the
//! audit calls that a flood.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::Instant;
use uuid::Uuid;

/// The field of a notification's data by which its run knows it.
pub const MARK: &str = "bellhopVerify";

/// Which notification of which run.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
pub struct Mark {
    pub run: String,
    pub number: u64,
}

/// One item, as one connection got it.
#[derive(Clone, Debug)]
pub struct Heard {
    pub at: Duration,
    pub user: Arc<str>,
    pub connection: Arc<str>,
    pub id: Uuid,
    pub seq: i64,
    pub replayed: bool,
    /// `None`: nobody marked it.
    pub mark: Option<Mark>,
}

/// An ack that the server answered: it is recorded, says the protocol.
#[derive(Clone, Debug)]
pub struct Acked {
    pub user: Arc<str>,
    pub id: Uuid,
}

/// A client came or went.
#[derive(Clone, Debug)]
pub struct Turn {
    pub at: Duration,
    pub user: Arc<str>,
    /// Why it went; `None`: it came.
    pub gone: Option<String>,
}

/// What became of a publication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Answered 2xx at this time, with these ids: one for each time it was asked for under its key. None when it was
    /// published by SQL, which does not tell.
    Accepted { at: Duration, ids: Vec<Uuid> },
    /// Answered no; nothing is stored.
    Refused(String),
    /// Never answered in time: it may be stored or not.
    Unknown(String),
}

/// One publication.
#[derive(Clone, Debug)]
pub struct Sent {
    pub number: u64,
    pub recipients: Vec<Arc<str>>,
    /// When it was sent first.
    pub began: Duration,
    pub tries: u32,
    pub fate: Fate,
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub struct Pages {
    pub sent: Vec<Sent>,
    pub heard: Vec<Heard>,
    pub acked: Vec<Acked>,
    pub turns: Vec<Turn>,
    /// Answers that were no acceptance, and how often: `503 database_unavailable`, or why none came.
    pub setbacks: BTreeMap<String, u64>,
    /// What there was no room for.
    pub over: u64,
}

/// The book, shared by everybody.
pub struct Journal {
    origin: Instant,
    run: String,
    most: usize,
    pages: Mutex<Pages>,
}

impl Journal {
    /// Of a run that keeps at most `most` items.
    #[must_use]
    pub fn new(run: String, most: usize) -> Self {
        Self {
            origin: Instant::now(),
            run,
            most,
            pages: Mutex::default(),
        }
    }

    /// The run's name, as its marks have it.
    #[must_use]
    pub fn run(&self) -> &str {
        &self.run
    }

    /// Since the journal was begun.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    /// Looks into it, or writes. Short: everybody waits.
    pub fn with<T>(&self, look: impl FnOnce(&mut Pages) -> T) -> T {
        look(&mut self.pages.lock())
    }

    /// Writes down an item, given as clients get it; its id. `None`: it is none (a greeting, a live event).
    pub fn hear(&self, user: &Arc<str>, connection: &Arc<str>, item: &Value) -> Option<Uuid> {
        let id = item.get("notificationId")?.as_str()?.parse().ok()?;
        let heard = Heard {
            at: self.now(),
            user: user.clone(),
            connection: connection.clone(),
            id,
            seq: item.get("seq")?.as_i64()?,
            replayed: item
                .get("replayed")
                .and_then(Value::as_bool)
                .unwrap_or(false),
            mark: item.get(MARK).and_then(|mark| Mark::deserialize(mark).ok()),
        };
        self.with(|pages| {
            if pages.heard.len() < self.most {
                pages.heard.push(heard);
            } else {
                pages.over += 1;
            }
        });
        Some(id)
    }

    /// The server answered an ack.
    pub fn ack(&self, user: &Arc<str>, id: Uuid) {
        let user = user.clone();
        self.with(|pages| {
            if pages.acked.len() < self.most {
                pages.acked.push(Acked { user, id });
            } else {
                pages.over += 1;
            }
        });
    }

    /// A client came, or went for this reason. Over the bound it is not kept: no judgement rests on it.
    pub fn turn(&self, user: &Arc<str>, gone: Option<String>) {
        let turn = Turn {
            at: self.now(),
            user: user.clone(),
            gone,
        };
        self.with(|pages| {
            if pages.turns.len() < self.most {
                pages.turns.push(turn);
            }
        });
    }

    /// An answer that was no acceptance.
    pub fn setback(&self, what: &str) {
        self.with(|pages| *pages.setbacks.entry(what.to_owned()).or_default() += 1);
    }

    /// What became of a publication, once that is known. Publishers are bounded themselves.
    pub fn sent(&self, sent: Sent) {
        self.with(|pages| pages.sent.push(sent));
    }
}

impl Pages {
    /// Users with a connection now.
    #[must_use]
    pub fn connected(&self) -> usize {
        let mut here = BTreeMap::new();
        for turn in &self.turns {
            here.insert(turn.user.clone(), turn.gone.is_none());
        }
        here.values().filter(|here| **here).count()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_beyond_the_bound_is_counted_and_not_kept() {
        let journal = Journal::new("r".into(), 1);
        let (user, connection) = ("u".into(), "u#1".into());
        let item = json!({"notificationId": Uuid::nil(), "seq": 3, "replayed": true,
                          MARK: {"run": "r", "number": 9}});
        assert_eq!(journal.hear(&user, &connection, &item), Some(Uuid::nil()));
        assert_eq!(journal.hear(&user, &connection, &item), Some(Uuid::nil()));
        assert_eq!(
            journal.hear(&user, &connection, &json!({"cursor": "1:4"})),
            None
        );
        let pages = journal.with(|pages| pages.clone());
        assert_eq!((pages.heard.len(), pages.over), (1, 1));
        assert_eq!(pages.heard[0].mark.as_ref().unwrap().number, 9);
    }

    #[test]
    fn who_came_and_went_is_not_here() {
        let journal = Journal::new("r".into(), 9);
        let (one, two) = ("one".into(), "two".into());
        journal.turn(&one, None);
        journal.turn(&two, None);
        journal.turn(&one, Some("cut".into()));
        assert_eq!(journal.with(|pages| pages.connected()), 1);
    }
}
