//! What happened, one event a fact, in words.

use app::model::delivery::State;
use jiff::Timestamp;

use super::answer::{Delivery, Event, Push, StandIn, device};
use crate::store::history as store;

fn event(at: Timestamp, what: &'static str, text: impl Into<String>) -> Event {
    Event {
        at,
        what,
        text: text.into(),
    }
}

/// What happened to the notification, for everybody.
pub(super) fn of_notification(head: &store::Notification) -> Vec<Event> {
    let by = match head.publisher.as_str() {
        "" => String::new(),
        publisher => format!(" by {publisher}"),
    };
    let mut events = vec![event(
        head.at.to_jiff(),
        "accepted",
        format!(
            "Accepted from {}{by}, class {}, for {}",
            head.service, head.class, head.audience
        ),
    )];
    if let Some(at) = head.cancelled_at {
        let text = match head.cancelled_by.as_deref() {
            None | Some("cancelled") => "Taken back by its sender".to_owned(),
            Some(by) => format!("Taken back: {by} takes its place"),
        };
        events.push(event(at.to_jiff(), "cancelled", text));
    }
    events
}

/// What happened to the user's delivery.
pub(super) fn of_delivery(delivery: &Delivery) -> Vec<Event> {
    let mut events = vec![event(delivery.routed_at, "routed", routed(delivery))];
    for one in &delivery.attempts {
        let text = format!("Written to {} over {}", device(&one.device), one.via);
        events.push(event(one.at, "written", text));
    }
    for one in &delivery.receipts {
        let name = device(&one.device);
        let (what, text) = match one.via.as_str() {
            "reached" => (
                "reached",
                format!("Read by {name}: its transport proves it"),
            ),
            via => ("acked", format!("Acked by {name}, over {via}")),
        };
        events.push(event(one.at, what, text));
    }
    let pushes = &delivery.pushes;
    let told = pushes.iter().filter(|one| !is_answered(one, pushes));
    events.extend(told.map(of_push));
    for (at, what, text) in [
        (delivery.seen_at, "seen", "Shown in an open inbox"),
        (delivery.read_at, "read", "Opened"),
        (delivery.archived_at, "archived", "Archived"),
    ] {
        events.extend(at.map(|at| event(at, what, text)));
    }
    let state = delivery.state();
    if let Some(at) = delivery.settled_at
        && state != State::Acked
    {
        let text = reason(state, delivery.reason.as_deref());
        events.push(event(at, state.word(), text));
    }
    events
}

fn routed(delivery: &Delivery) -> String {
    let seq = delivery.seq;
    let via = delivery.via.as_deref();
    match (&delivery.for_user, via) {
        (Some(instead), Some(via)) => format!("Routed as no. {seq}: {via} of {instead}"),
        (Some(instead), None) => format!("Routed as no. {seq}, in the place of {instead}"),
        (None, Some("service")) => format!("Routed as no. {seq}, as a member of the service"),
        (None, Some(via)) => format!("Routed as no. {seq}, by {}", via.replacen(':', " ", 1)),
        (None, None) => format!("Routed as no. {seq}, named in the audience"),
    }
}

/// Noted before a push is handed over; what came of it is noted after.
const SENDING: &str = "sending";

/// It was begun, and what came of it is known.
fn is_answered(push: &Push, all: &[Push]) -> bool {
    push.outcome == SENDING
        && all.iter().any(|later| {
            later.outcome != SENDING
                && later.at >= push.at
                && (&later.device, &later.purpose) == (&push.device, &push.purpose)
        })
}

fn of_push(push: &Push) -> Event {
    let (name, provider) = (device(&push.device), &push.provider);
    let taken = push.outcome == "taken";
    if push.outcome == SENDING {
        let text = format!("Handed to {provider} for {name}: no answer yet");
        return event(push.at, "push_begun", text);
    }
    let verb = match (push.purpose.as_str(), taken) {
        ("withdraw", true) => "Taken back from",
        ("withdraw", false) => "Could not be taken back from",
        (_, true) => "Pushed to",
        (_, false) => "Not pushed to",
    };
    let why = match (taken, push.detail.as_str()) {
        (true, _) => String::new(),
        (false, "") => format!(": {}", push.outcome),
        (false, detail) => format!(": {}, {detail}", push.outcome),
    };
    let text = format!("{verb} {name} by {provider}{why}");
    event(push.at, if taken { "pushed" } else { "push_failed" }, text)
}

/// Somebody was asked in the user's place.
pub(super) fn of_stand_in(one: &StandIn) -> Event {
    let text = format!(
        "Given to {} ({}), the {}, as no. {}",
        one.name, one.user, one.via, one.seq
    );
    event(one.at, "stand_in", text)
}

/// How it ended, when not by an ack.
pub(super) fn reason(state: State, reason: Option<&str>) -> String {
    match (state, reason) {
        (State::Expired, _) => "Expired: nobody acked it in time".to_owned(),
        (State::Cancelled, None | Some("cancelled")) => "Taken back by its sender".to_owned(),
        (State::Cancelled, Some(by)) => format!("Taken back: {by} takes its place"),
        (_, Some("ladder_ended")) => "Given up: its ladder has an end, and nobody acked".to_owned(),
        (_, Some("user_removed")) => "Given up: the user was removed".to_owned(),
        (_, Some("retention")) => "Given up: it is too old to be kept".to_owned(),
        (_, Some(other)) => format!("Given up: {other}"),
        (_, None) => "Given up".to_owned(),
    }
}
