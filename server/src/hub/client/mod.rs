//! One connection as our hub sees it: whose it is, its gate, what it was sent and has not confirmed.
//!
//! [`sending`]: what is written to it, and when a page must be read for it. [`confirming`]: what its client says of it.
//! [`sums`]: what it was told the number of only.

mod confirming;
mod sending;
mod sums;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use foldhash::fast::RandomState;
use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::time::Instant;
use uuid::Uuid;

pub(crate) use self::sending::Row;
use super::backlog::Summed;
use super::frames::Style;
use super::gate::Gate;
use super::line::{Line, Transport};
use super::pace::Pace;
use super::unconfirmed::Unconfirmed;
use crate::auth::Principal;
use crate::delivery::AckMode;

/// An open connection. Shared by the registry, the pager and the hub's calls.
pub(crate) struct Client {
    pub(crate) line: Line,
    pub(crate) tenant: Uuid,
    pub(crate) user: Uuid,
    pub(crate) user_key: Arc<str>,
    pub(crate) user_name: Arc<str>,
    /// `None`: unnamed.
    pub(crate) device: Option<Arc<str>>,
    /// When its transport connected, which is before its client is told so.
    pub(crate) connected_at: Timestamp,
    /// Of the numbers it is sent.
    pub(crate) epoch: i64,
    /// How it wants its items.
    style: Style,
    /// Milliseconds since the epoch; `i64::MAX` for a token without an end. Later requests of the
    /// connection may bring a fresher token.
    expires_at: AtomicI64,
    /// Its app is in front, or never said otherwise. Written by its calls; a stream has none, so nobody
    /// is known to be at it.
    active: AtomicBool,
    /// It follows a screen's topic, or did.
    screen: AtomicBool,
    /// When it last told others that its user types.
    typed: Mutex<Pace>,
    inner: Mutex<Inner>,
}

struct Inner {
    gate: Gate,
    /// The device has acked before, so transport evidence is not asked for.
    explicit: bool,
    /// Where replay starts: what this device is known to have.
    start: i64,
    /// Nothing beyond it was routed before this.
    since: Timestamp,
    /// What the device had acked beyond it when it connected.
    acked: Box<str>,
    /// Items up to here were given out before this connection was welcomed.
    replayed_through: i64,
    /// What it was told the number of when its replay began; `None` before.
    summed: Option<Arc<[Summed]>>,
    unconfirmed: Unconfirmed,
    /// As many items wait for their results as may; the gate is parked for it. Cleared when there is room for a page.
    full: bool,
    /// Results wait to be recorded, and whoever records them knows it.
    told: bool,
    groups: HashSet<Arc<str>, RandomState>,
}

/// What the database knows of a device when it connects.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    pub(crate) explicit: bool,
    pub(crate) from: i64,
    /// Nothing beyond `from` was routed before this.
    pub(crate) since: Timestamp,
    /// Numbers beyond `from` it has acked, as Postgres prints a multirange.
    pub(crate) acked: String,
    pub(crate) last_seq: i64,
}

impl Default for Start {
    /// A device of which nothing is known.
    fn default() -> Self {
        Self {
            explicit: false,
            from: 0,
            since: Timestamp::default(),
            acked: "{}".to_owned(),
            last_seq: 0,
        }
    }
}

/// Who connects, and how.
pub(crate) struct Visitor {
    pub(crate) user: Uuid,
    pub(crate) key: Arc<str>,
    pub(crate) name: Arc<str>,
    pub(crate) device: Option<Arc<str>>,
    pub(crate) at: Timestamp,
    /// Of the numbers that were looked up for it.
    pub(crate) epoch: i64,
    pub(crate) ack_mode: AckMode,
}

impl Client {
    pub(crate) fn new(line: Line, visitor: Visitor, start: Start) -> Self {
        let principal = line.principal();
        let style = Style {
            encoding: line.encoding(),
            as_notification: line.as_notification(),
            results: visitor.ack_mode == AckMode::Result,
        };
        Self {
            tenant: principal.tenant,
            user: visitor.user,
            user_key: visitor.key,
            user_name: visitor.name,
            device: visitor.device,
            connected_at: visitor.at,
            epoch: visitor.epoch,
            style,
            expires_at: AtomicI64::new(end_of(&principal)),
            active: AtomicBool::new(line.transport() != Transport::Stream),
            line,
            screen: AtomicBool::new(false),
            typed: Mutex::default(),
            inner: Mutex::new(Inner {
                gate: Gate::default(),
                explicit: start.explicit || visitor.ack_mode != AckMode::Transport,
                start: start.from,
                since: start.since,
                acked: start.acked.into(),
                replayed_through: start.last_seq,
                summed: None,
                unconfirmed: Unconfirmed::default(),
                full: false,
                told: false,
                groups: HashSet::default(),
            }),
        }
    }

    pub(crate) fn expires_at(&self) -> i64 {
        self.expires_at.load(Ordering::Relaxed)
    }

    /// A later request came with this token.
    pub(crate) fn renew(&self, later: &Principal) {
        self.expires_at.fetch_max(end_of(later), Ordering::Relaxed);
    }

    /// Is its app in front, as far as it said?
    pub(crate) fn is_active(&self) -> bool {
        self.active.load(Ordering::Relaxed)
    }

    /// Notes whether its app is in front; answers false if that was known. What came meanwhile is asked
    /// for once it is back: a system that freezes an app may still answer pings for it.
    pub(crate) fn set_active(&self, active: bool) -> bool {
        let news = self.active.swap(active, Ordering::Relaxed) != active;
        let inner = self.inner.lock();
        let owes = inner.unconfirmed.is_any(inner.explicit);
        drop(inner);
        if news && active && owes {
            self.line.probe();
        }
        news
    }

    pub(crate) fn becomes_screen(&self) {
        self.screen.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_screen(&self) -> bool {
        self.screen.load(Ordering::Relaxed)
    }

    /// May its user be said to be typing now? Not more often than others need to see it.
    pub(crate) fn may_type(&self) -> bool {
        self.typed.lock().may(Instant::now())
    }

    pub(crate) fn is_parked(&self) -> bool {
        self.inner.lock().gate.is_parked()
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.inner.lock().gate.is_open()
    }

    pub(crate) fn group_count(&self) -> usize {
        self.inner.lock().groups.len()
    }

    pub(crate) fn is_in(&self, group: &str) -> bool {
        self.inner.lock().groups.contains(group)
    }

    pub(super) fn note_group(&self, name: &Arc<str>) -> bool {
        self.inner.lock().groups.insert(name.clone())
    }

    pub(super) fn drop_group(&self, name: &Arc<str>) -> bool {
        self.inner.lock().groups.remove(name)
    }

    pub(super) fn take_groups(&self) -> Vec<Arc<str>> {
        std::mem::take(&mut self.inner.lock().groups)
            .into_iter()
            .collect()
    }
}

/// With the leeway that authentication allows too: else a token within it would connect and be closed
/// within a second, over and over.
fn end_of(principal: &Principal) -> i64 {
    let leeway = crate::auth::jwt::LEEWAY * 1_000;
    principal.expires_at.map_or(i64::MAX, |ends| {
        ends.as_millisecond().saturating_add(leeway)
    })
}
