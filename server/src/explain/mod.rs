//! "Why did she not get it?": one notification and one user, everything that is known of them in the order
//! it happened, and what will happen next.
//!
//! The past is read from the ledger's rows; the future is walked with the worker's own rules
//! (`app::model::delivery::plan`), so it is what the worker will do unless somebody acks first. Reads only.

mod answer;
mod next;
#[cfg(test)]
mod tests;
mod timeline;

pub use answer::{
    Delivery, Device, Event, Explained, Notification, Phone, Push, StandIn, Step, User, WhyNot,
    Write,
};

use app::model::delivery::{AckBy, Class, Rule, State, words};
use jiff::{SignedDuration, Timestamp};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::delivery::Classes;
use crate::store::explain as traces;
use crate::store::history::{self as store, Person};

/// A device counts for `every_device` when it was seen so short before the routing.
const COUNTS: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Who asks, of what.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// Within this tenant.
    pub tenant: Uuid,
    /// Only what this service published; `None`: any of the tenant.
    pub service: Option<Uuid>,
    /// The notification.
    pub id: Uuid,
    /// Outer id of the user.
    pub user: &'a str,
    /// Ladders.
    pub classes: &'a Classes,
    /// Whether a user has an open connection.
    pub online: &'a (dyn Fn(Uuid) -> bool + Send + Sync),
    /// Now.
    pub now: Timestamp,
}

/// Answers it; `None`: the asker has no such notification.
///
/// # Errors
/// Whatever the database answers.
pub async fn explain(
    conn: &mut PgConnection,
    ask: Question<'_>,
) -> sqlx::Result<Option<Explained>> {
    let Some(head) = store::notification(conn, ask.tenant, ask.service, ask.id).await? else {
        return Ok(None);
    };
    let person = store::person(conn, ask.tenant, ask.user).await?;
    let chosen = ask.classes.get(ask.tenant, &head.class);
    let mut class = (*chosen.class).clone();
    let found = match &person {
        Some(person) => store::delivery(conn, ask.id, person.id).await?,
        None => None,
    };
    let mut explained = Explained {
        user: user(&ask, person.as_ref()),
        why_not: None,
        delivery: None,
        devices: Vec::new(),
        phones: Vec::new(),
        stand_ins: Vec::new(),
        timeline: timeline::of_notification(&head),
        next: Vec::new(),
        verdict: String::new(),
        what_next: String::new(),
        notification: Notification::new(ask.id, head, &class),
    };
    let (Some(person), Some(row)) = (person.as_ref(), found) else {
        let why = why_not(&explained.notification, person.as_ref(), ask.now);
        explained.verdict.clone_from(&why.text);
        "Nothing: this user is no recipient.".clone_into(&mut explained.what_next);
        if why.code == "not_routed_yet" {
            "It is routed first; then it is known who gets it."
                .clone_into(&mut explained.what_next);
        }
        explained.why_not = Some(why);
        return Ok(Some(explained));
    };
    let rule = Rule::of(row.rule);
    if rule.hidden {
        class = Class::of_withdrawals();
    }
    let (user, seq) = (person.id, row.seq);
    let receipts = traces::receipts(conn, &[user], &[seq]).await?;
    let attempts = traces::attempts(conn, &[user], &[seq]).await?;
    let pushes = store::pushes(conn, user, seq).await?;
    let devices = store::devices(conn, user, seq).await?;
    explained.stand_ins = store::stand_ins(conn, ask.id, user)
        .await?
        .into_iter()
        .map(StandIn::from)
        .collect();
    explained.phones = store::phones(conn, user)
        .await?
        .into_iter()
        .map(Phone::from)
        .collect();
    explained.devices = devices
        .into_iter()
        .map(|device| Device::new(device, &receipts))
        .collect();
    let debt = store::debt(conn, user, seq).await?;
    let delivery = Delivery::new(row, rule, receipts, attempts, pushes);
    explained.timeline.extend(timeline::of_delivery(&delivery));
    let stand_ins = explained.stand_ins.iter().map(timeline::of_stand_in);
    explained.timeline.extend(stand_ins);
    // Within the same millisecond clocks disagree; nothing comes before the acceptance.
    explained
        .timeline
        .sort_by_key(|event| (event.what != "accepted", event.at));
    let phones = explained.phones.iter().filter(|one| one.failure.is_none());
    let owed = next::Ahead {
        class: &class,
        debt: debt.as_ref(),
        delivery: &delivery,
        rule,
        jitter: crate::outbox::worker::jitter(ask.id, user),
        phones: phones.count(),
        gone: explained.user.active == Some(false),
        now: ask.now,
    };
    explained.next = owed.steps();
    explained.verdict = verdict(&delivery, rule, &explained.devices, explained.user.online);
    explained.what_next = next::in_words(&explained.next, &delivery, rule);
    explained.delivery = Some(delivery);
    Ok(Some(explained))
}

fn user(ask: &Question<'_>, person: Option<&Person>) -> User {
    User {
        id: ask.user.to_owned(),
        name: person.map(|person| person.name.clone()),
        active: person.map(|person| person.active),
        online: person.is_some_and(|person| (ask.online)(person.id)),
    }
}

/// Why somebody has no delivery of it.
fn why_not(of: &Notification, person: Option<&Person>, now: Timestamp) -> WhyNot {
    let Some(person) = person else {
        return WhyNot {
            code: "no_such_user",
            text: "There is no such user in the tenant.".to_owned(),
        };
    };
    let at = of.deliver_at.unwrap_or(of.accepted_at);
    let (code, text) = if of.routing.is_some() && at > now {
        (
            "not_routed_yet",
            format!("It is scheduled, and routed at {}.", when(at)),
        )
    } else if let Some(given) = of.routing {
        (
            "not_routed_yet",
            format!("It is being routed in pages; {given} users have theirs so far."),
        )
    } else if of.recipients == 0 && of.cancelled_at.is_some() {
        (
            "cancelled",
            "It was taken back before it was routed to anybody.".to_owned(),
        )
    } else if !person.active {
        (
            "inactive",
            "The user is inactive: audiences leave them out.".to_owned(),
        )
    } else if person.created_at.to_jiff() > at {
        (
            "created_later",
            format!(
                "The user was made at {}, after it was routed.",
                when(person.created_at.to_jiff())
            ),
        )
    } else {
        (
            "not_in_audience",
            format!("Not in the audience when it was routed: {}.", of.audience),
        )
    };
    WhyNot { code, text }
}

/// Where it stands, in a sentence.
fn verdict(delivery: &Delivery, rule: Rule, devices: &[Device], online: bool) -> String {
    let by = delivery.settled_by.as_deref();
    match delivery.state() {
        State::Acked => format!("Acked by {}.", by.unwrap_or("its devices")),
        State::Reached if State::Reached.is_enough(rule) => format!(
            "Read by {}, whose client never acks; for its class that is enough.",
            by.unwrap_or("a device")
        ),
        State::Reached => {
            let missing = missing(delivery, rule, devices);
            let settled = words::settled_by(rule.ack_by, rule.sufficient);
            format!("A device has it, but that is not enough: {settled}.{missing}")
        }
        State::Queued if online => "Not acked yet, though the user is connected.".to_owned(),
        State::Queued => "Not acked yet: the user has no open connection.".to_owned(),
        State::Expired => "Expired before anybody acked it.".to_owned(),
        State::Cancelled | State::Dead => format!(
            "{}.",
            timeline::reason(delivery.state(), delivery.reason.as_deref())
        ),
    }
}

/// Devices that every-device classes still wait for.
fn missing(delivery: &Delivery, rule: Rule, devices: &[Device]) -> String {
    if rule.ack_by != AckBy::EveryDevice {
        return String::new();
    }
    let counts = |one: &&Device| {
        one.first_seen_at <= delivery.routed_at
            && one.last_seen_at >= delivery.routed_at - COUNTS
            && one.has != "acked"
    };
    let names: Vec<&str> = devices
        .iter()
        .filter(counts)
        .map(|one| one.device.as_str())
        .collect();
    if names.is_empty() {
        return String::new();
    }
    format!(" It waits for {}.", names.join(", "))
}

/// `2026-11-22 10:02:31 UTC`.
fn when(at: Timestamp) -> String {
    at.strftime("%F %T UTC").to_string()
}
