//! What an explanation holds. Instants are UTC; ids of users and devices are the customer's own.

use app::model::delivery::{Class, Rule, Rung, State, words};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::delivery::AckMode;
use crate::store::explain::Trace;
use crate::store::history as store;

/// One notification and one user.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Explained {
    /// Where it stands, in a sentence.
    #[schema(example = "Acked by phone-1.")]
    pub verdict: String,
    /// What comes next and when, in a sentence.
    #[schema(example = "Next, at 2026-11-22 10:02:31 UTC: push to 1 phone or browser.")]
    pub what_next: String,
    /// What was published.
    pub notification: Notification,
    /// Whom it is about.
    pub user: User,
    /// Why the user has no delivery of it; absent for a recipient.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_not: Option<WhyNot>,
    /// The user's delivery; absent for one who is no recipient.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Delivery>,
    /// The user's devices, the latest seen first.
    pub devices: Vec<Device>,
    /// The user's phones and browsers that can be pushed to.
    pub phones: Vec<Phone>,
    /// Who was asked in the user's place.
    pub stand_ins: Vec<StandIn>,
    /// What happened, oldest first.
    pub timeline: Vec<Event>,
    /// What will happen if nobody settles it, soonest first.
    pub next: Vec<Step>,
}

/// What was published.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Notification {
    /// Id.
    pub id: Uuid,
    /// Kind.
    pub kind: String,
    /// Title.
    pub title: String,
    /// Your id of the service it came from.
    pub service: String,
    /// Which credential published it: `key:…`, `token`, `role:…`, `workplace`.
    pub publisher: String,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// Scheduled: routed then.
    pub deliver_at: Option<Timestamp>,
    /// When it stops being worth delivering.
    pub expires_at: Timestamp,
    /// Its class.
    pub class: String,
    /// The class's ladder as it is now.
    pub ladder: Vec<Rung>,
    /// In words.
    #[schema(example = "2 users, 1 department")]
    pub audience: String,
    /// To how many users.
    pub recipients: i32,
    /// Still being routed: how many have theirs.
    pub routing: Option<i32>,
    /// Its thread.
    pub thread_key: Option<String>,
    /// It takes the place of those with the same key.
    pub collapse_key: Option<String>,
    /// What it took the place of.
    pub supersedes: Option<Uuid>,
    /// When it was taken back.
    pub cancelled_at: Option<Timestamp>,
    /// `cancelled`, or the id of what took its place.
    pub cancelled_by: Option<String>,
}

/// Whom it is about.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct User {
    /// Your id of the user, as asked.
    pub id: String,
    /// Absent for an unknown one.
    pub name: Option<String>,
    /// Absent for an unknown one.
    pub active: Option<bool>,
    /// There is an open connection now.
    pub online: bool,
}

/// Why the user has no delivery of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct WhyNot {
    /// `no_such_user`, `not_routed_yet`, `cancelled`, `inactive`, `created_later`, `not_in_audience`.
    pub code: &'static str,
    /// In words.
    pub text: String,
}

/// The user's delivery.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Delivery {
    /// The user's number of it.
    pub seq: i64,
    /// When it got that number.
    pub routed_at: Timestamp,
    /// When it stops being worth delivering.
    pub expires_at: Timestamp,
    /// Which membership made the user a recipient: `department:…`, `group:…`, `role:…`, `service`, `deputy`,
    /// `manager`; absent: named.
    pub via: Option<String>,
    /// Your id of the user it stands in for.
    pub for_user: Option<String>,
    /// `queued`, `reached`, `acked`, `expired`, `cancelled`, `dead`.
    pub state: &'static str,
    /// Why it ended, when not by an ack.
    pub reason: Option<String>,
    /// What settles it, in words.
    pub rule: &'static str,
    /// When it ended.
    pub settled_at: Option<Timestamp>,
    /// The device whose receipt was the first that counts.
    pub settled_by: Option<String>,
    /// Shown in an open inbox.
    pub seen_at: Option<Timestamp>,
    /// Clicked.
    pub read_at: Option<Timestamp>,
    /// Put away.
    pub archived_at: Option<Timestamp>,
    /// Writes to connections. Recorded in bulk; a crash may lose some.
    pub attempts: Vec<Write>,
    /// What devices said or proved.
    pub receipts: Vec<Write>,
    /// Tries to push it.
    pub pushes: Vec<Push>,
    /// The notification that carried its content once more.
    pub sent_again: Option<Uuid>,
}

/// A write to a connection, or a receipt.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ExplainedWrite)]
pub struct Write {
    /// When.
    pub at: Timestamp,
    /// The device's name, empty when unnamed.
    pub device: String,
    /// The transport; of a receipt `hub`, `http`, `push`, `reached`.
    pub via: String,
}

/// One try to push.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ExplainedPush)]
pub struct Push {
    /// When.
    pub at: Timestamp,
    /// To which device.
    pub device: String,
    /// `fcm`, `webpush`.
    pub provider: String,
    /// `notify`, `withdraw`.
    pub purpose: String,
    /// `taken`, `retry`, `gone`, `refused`, `misconfigured`.
    pub outcome: String,
    /// HTTP status of the maker's answer.
    pub status: Option<i16>,
    /// What it said.
    pub detail: String,
}

/// A device of the user.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ExplainedDevice)]
pub struct Device {
    /// Its name.
    pub device: String,
    /// Its user agent.
    pub agent: String,
    /// `explicit`: it acks by calls; `result`: by what its handlers return; `transport`: what it reads counts as
    /// reached.
    pub ack_mode: &'static str,
    /// `acked`; `read`, proved by the transport; `passed`, settled by others first; `no`.
    pub has: &'static str,
    /// First connection.
    pub first_seen_at: Timestamp,
    /// Last connection.
    pub last_seen_at: Timestamp,
}

/// A phone or browser that can be pushed to.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ExplainedPhone)]
pub struct Phone {
    /// The device's name.
    pub device: String,
    /// `fcm`, `webpush`.
    pub platform: String,
    /// Why it cannot be pushed to at present.
    pub failure: Option<String>,
}

/// Who was asked in the user's place.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct StandIn {
    /// Your id of them.
    pub user: String,
    /// Their name.
    pub name: String,
    /// `deputy`, `manager`.
    pub via: String,
    /// Their number of it.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// Where theirs stands.
    pub state: &'static str,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ExplainedEvent)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// `accepted`, `routed`, `written`, `acked`, `reached`, `push_begun`, `pushed`, `push_failed`, `stand_in`, `seen`, `read`,
    /// `archived`, `expired`, `cancelled`, `dead`.
    pub what: &'static str,
    /// In words.
    pub text: String,
}

/// Something that will happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ExplainedStep)]
pub struct Step {
    /// When.
    pub at: Timestamp,
    /// In words.
    pub text: String,
    /// It ends with that: `expired`, `dead`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<&'static str>,
}

fn instant(at: Option<jiff_sqlx::Timestamp>) -> Option<Timestamp> {
    at.map(jiff_sqlx::Timestamp::to_jiff)
}

impl Notification {
    pub(super) fn new(id: Uuid, row: store::Notification, class: &Class) -> Self {
        Self {
            id,
            kind: row.kind,
            title: row.title,
            service: row.service,
            publisher: row.publisher,
            accepted_at: row.at.to_jiff(),
            deliver_at: instant(row.deliver_at),
            expires_at: row.expires_at.to_jiff(),
            class: row.class,
            ladder: class.ladder.clone(),
            audience: row.audience,
            recipients: row.recipients,
            routing: row.routing,
            thread_key: row.thread_key,
            collapse_key: row.collapse_key,
            supersedes: row.supersedes,
            cancelled_at: instant(row.cancelled_at),
            cancelled_by: row.cancelled_by,
        }
    }
}

impl Delivery {
    pub(super) fn new(
        row: store::Delivery,
        rule: Rule,
        receipts: Vec<Trace>,
        attempts: Vec<Trace>,
        pushes: Vec<store::Push>,
    ) -> Self {
        let state = State::of(row.state);
        let counts = |one: &&Trace| match state {
            State::Acked => one.via != "reached",
            _ => true,
        };
        let settled_by = receipts
            .iter()
            .find(counts)
            .filter(|_| matches!(state, State::Acked | State::Reached))
            .map(|one| device(&one.device));
        Self {
            seq: row.seq,
            routed_at: row.at.to_jiff(),
            expires_at: row.expires_at.to_jiff(),
            via: row.via,
            for_user: row.for_key,
            state: state.word(),
            reason: row.reason,
            rule: words::settled_by(rule.ack_by, rule.sufficient),
            settled_at: instant(row.settled_at).filter(|_| state.is_terminal()),
            settled_by,
            seen_at: instant(row.seen_at),
            read_at: instant(row.read_at),
            archived_at: instant(row.archived_at),
            attempts: attempts.into_iter().map(Write::from).collect(),
            receipts: receipts.into_iter().map(Write::from).collect(),
            pushes: pushes.into_iter().map(Push::from).collect(),
            sent_again: row.sent_again,
        }
    }

    pub(super) fn state(&self) -> State {
        let named = |state: &State| state.word() == self.state;
        State::ALL.into_iter().find(named).unwrap_or(State::Dead)
    }
}

/// A device's name as it is spoken of.
pub(super) fn device(name: &str) -> String {
    if name.is_empty() {
        "an unnamed device".to_owned()
    } else {
        name.to_owned()
    }
}

impl Device {
    pub(super) fn new(row: store::Device, receipts: &[Trace]) -> Self {
        let mode = AckMode::of(row.ack_mode);
        let own = |reached: bool| {
            receipts
                .iter()
                .any(|one| one.device == row.key && (one.via == "reached") == reached)
        };
        let has = if own(false) {
            "acked"
        } else if own(true) {
            "read"
        } else if row.acked || mode == AckMode::Transport && row.reached {
            "passed"
        } else {
            "no"
        };
        Self {
            device: row.key,
            agent: row.agent,
            ack_mode: mode.name(),
            has,
            first_seen_at: row.first_seen_at.to_jiff(),
            last_seen_at: row.last_seen_at.to_jiff(),
        }
    }
}

impl From<Trace> for Write {
    fn from(trace: Trace) -> Self {
        Self {
            at: trace.at.to_jiff(),
            device: trace.device,
            via: trace.via,
        }
    }
}

impl From<store::Push> for Push {
    fn from(row: store::Push) -> Self {
        Self {
            at: row.at.to_jiff(),
            device: row.device,
            provider: row.provider,
            purpose: row.purpose,
            outcome: row.outcome,
            status: row.status,
            detail: row.detail,
        }
    }
}

impl From<store::Phone> for Phone {
    fn from(row: store::Phone) -> Self {
        Self {
            device: row.device,
            platform: row.platform,
            failure: row.failure,
        }
    }
}

impl From<store::StandIn> for StandIn {
    fn from(row: store::StandIn) -> Self {
        Self {
            user: row.key,
            name: row.name,
            via: row.via.unwrap_or_default(),
            seq: row.seq,
            at: row.at.to_jiff(),
            state: State::of(row.state).word(),
        }
    }
}
