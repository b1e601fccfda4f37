//! Plugs the hub client into [`Live`]: one join per topic, however many lists follow it.
//!
//! Called once, by an effect of the signed-in shell. No borrow of the table is held while a list's
//! callback runs.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use leptos::prelude::*;
use serde_json::Value;

use super::hub::{
    CallError, Ended, HubClient as Engine, HubConfig, HubHandle, HubHandlers, Status, TokenFuture,
};
use super::{HubClient, Live, LiveStatus, Subscription, follow, topic};
use crate::model::Moment;
use crate::model::inbox::{InboxItem, Severity};
use crate::protocol::Patch;
use crate::protocol::topic::INBOX;

/// A drop that is over sooner is not shown.
const QUIET: Duration = Duration::from_secs(2);

/// Who listens.
#[derive(Default)]
struct Table {
    next: u64,
    lists: Vec<(u64, Subscription)>,
    hearers: Vec<(u64, Callback<InboxItem>)>,
}

/// The client as `Live` knows it. The handle stays on this thread, as everything in a browser.
#[derive(Clone, Copy)]
struct Plugged {
    /// When the page was drawn, by the server's clock.
    opened: Moment,
    live: Live,
    /// As the engine said last.
    status: RwSignal<Status>,
    table: StoredValue<Table>,
    /// Since when the server's database is away, as far as it said. Kept over lost connections: nothing was read in
    /// between.
    stalled: StoredValue<Option<Moment>>,
    handle: StoredValue<Option<HubHandle>, LocalStorage>,
}

/// Starts the client and plugs it in. `scope` names tenant and user, `opened` is when the page was
/// drawn, by the server's clock.
pub fn plug(
    live: Live,
    scope: String,
    opened: Moment,
    get_token: impl Fn() -> TokenFuture + 'static,
) {
    let status = RwSignal::new(Status::Connecting);
    let plugged = Plugged {
        opened,
        live,
        status,
        table: StoredValue::new(Table::default()),
        stalled: StoredValue::new(None),
        handle: StoredValue::new_local(None),
    };
    let as_of = move |since_ms| {
        let stalled = plugged.stalled.try_get_value().flatten();
        stalled.unwrap_or(Moment(since_ms))
    };
    let handlers = HubHandlers {
        on_status: Rc::new(move |now| {
            status.set(now);
            match now {
                Status::Connecting => live.status.set(LiveStatus::Connecting),
                Status::Live => plugged.stalled_since(plugged.stalled.try_get_value().flatten()),
                Status::Offline { since_ms } => {
                    live.status.set(LiveStatus::Offline {
                        since: as_of(since_ms),
                    });
                }
                Status::Reconnecting { since_ms } => {
                    let show = move || {
                        if status.try_get_untracked() == Some(now) {
                            live.status.set(LiveStatus::Reconnecting {
                                since: as_of(since_ms),
                            });
                        }
                    };
                    set_timeout(show, QUIET);
                }
            }
        }),
        on_notification: Rc::new(move |value| plugged.notified(&value)),
        on_withdrawn: Rc::new(move |_| plugged.inbox_changed()),
        on_patch: Rc::new(move |patch| plugged.patched(&patch)),
        on_stalled: Rc::new(move |since| plugged.stalled_since(since)),
        on_reconnected: Rc::new(|| {}),
        on_ended: Rc::new(|why| {
            if why == Ended::SignedOut {
                follow::signed_out();
            }
        }),
    };
    let config = HubConfig {
        get_token: Rc::new(get_token),
        scope,
    };
    plugged
        .handle
        .set_value(Some(Engine::start(config, handlers)));
    live.plug(Arc::new(plugged));
    on_cleanup(move || plugged.with_handle(HubHandle::stop));
}

impl Plugged {
    fn with_handle(self, then: impl FnOnce(&HubHandle)) {
        if let Some(Some(handle)) = self.handle.try_get_value() {
            then(&handle);
        }
    }

    /// The database is away since then, or is there. While the connection lives, that is what the page says.
    fn stalled_since(self, since: Option<Moment>) {
        if self.stalled.try_set_value(since).is_none()
            && self.status.try_get_untracked() == Some(Status::Live)
        {
            self.live.status.set(match since {
                Some(since) => LiveStatus::Stalled { since },
                None => LiveStatus::Live,
            });
        }
    }

    fn followers(self, name: &str) -> Vec<Subscription> {
        let of = |(_, list): &&(u64, Subscription)| list.topic == name;
        let all = |table: &Table| {
            table
                .lists
                .iter()
                .filter(of)
                .map(|(_, l)| l.clone())
                .collect()
        };
        self.table.try_with_value(all).unwrap_or_default()
    }

    fn patched(self, patch: &Patch) {
        for list in self.followers(&patch.topic) {
            list.on_patch.try_run(patch.clone());
        }
    }

    fn joined(self, name: &str, answer: &Result<i64, CallError>) {
        let Ok(rev) = answer else { return };
        // Its revision was read from the database just now; those of the console's lists are the server's own.
        if !name.starts_with("admin:") && self.stalled.try_get_value().flatten().is_some() {
            self.stalled_since(None);
        }
        for list in self.followers(name) {
            if list.since.try_run(()).is_some_and(|since| since != *rev) {
                list.on_patch.try_run(topic::rejoined(name, *rev));
            }
        }
    }

    /// Tells those who listen, and lets the inbox fetch itself again: the numbers of bell and rail are
    /// the server's, nobody counts here. What is replayed and older than the page lay in the inbox when
    /// it was drawn; what came while the page was away is news to who sits before it.
    fn notified(self, value: &Value) {
        let replayed = value.get("replayed") == Some(&Value::Bool(true));
        if let Some(item) = inbox_item(value)
            && !(replayed && minted(&item.id).is_some_and(|at| at < self.opened))
        {
            let hearers = |table: &Table| table.hearers.iter().map(|(_, heard)| *heard).collect();
            let hearers: Vec<Callback<InboxItem>> =
                self.table.try_with_value(hearers).unwrap_or_default();
            for heard in hearers {
                heard.try_run(item.clone());
            }
        }
        self.inbox_changed();
    }

    /// Lets the inbox fetch itself again.
    fn inbox_changed(self) {
        for list in self.followers(INBOX) {
            list.on_patch.try_run(topic::rejoined(INBOX, 0));
        }
    }

    fn number(self) -> u64 {
        let next = |table: &mut Table| {
            table.next += 1;
            table.next
        };
        self.table.try_update_value(next).unwrap_or_default()
    }
}

impl HubClient for Plugged {
    fn subscribe(&self, wish: Subscription) -> u64 {
        let (plugged, number) = (*self, self.number());
        let (name, since) = (wish.topic.clone(), wish.since.try_run(()));
        self.table
            .update_value(|table| table.lists.push((number, wish)));
        self.with_handle(|handle| {
            let topic = name.clone();
            handle.join(&name, since, move |answer| plugged.joined(&topic, &answer));
        });
        number
    }

    fn unsubscribe(&self, subscription: u64) {
        let gone = self.table.try_update_value(|table| {
            let at = table
                .lists
                .iter()
                .position(|(number, _)| *number == subscription)?;
            Some(table.lists.remove(at).1.topic)
        });
        if let Some(Some(name)) = gone
            && self.followers(&name).is_empty()
        {
            self.with_handle(|handle| handle.leave(&name));
        }
    }

    fn on_notification(&self, heard: Callback<InboxItem>) -> u64 {
        let number = self.number();
        self.table
            .update_value(|table| table.hearers.push((number, heard)));
        number
    }

    fn mute(&self, listener: u64) {
        let _ = self
            .table
            .try_update_value(|table| table.hearers.retain(|(number, _)| *number != listener));
    }

    fn retry_now(&self) {
        self.with_handle(HubHandle::retry_now);
    }
}

/// The object on the wire as the inbox shows it. What is absent stays empty.
fn inbox_item(value: &Value) -> Option<InboxItem> {
    let word = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let at = match value.get("acceptedAt") {
        Some(Value::String(text)) => milliseconds(js_sys::Date::parse(text)),
        Some(number) => number.as_i64(),
        None => None,
    };
    let severity = value.get("severity").and_then(crate::wire::read);
    Some(InboxItem {
        id: word("notificationId")?,
        seq: value.get("seq").and_then(Value::as_i64).unwrap_or_default(),
        kind: word("kind")?,
        title: word("title").unwrap_or_default(),
        body: word("body").unwrap_or_default(),
        severity: severity.unwrap_or(Severity::Info),
        thread_key: word("threadKey"),
        link: word("link"),
        actor: word("actor"),
        at: Moment(at.unwrap_or_default()),
        seen: false,
        read: false,
        archived: false,
        withdrawn: false,
        on_behalf_of: word("onBehalfOf"),
    })
}

/// When the server made this id: the first 48 bits of a UUID of version 7 are milliseconds. The times
/// beside it may be the publisher's own fields.
fn minted(id: &str) -> Option<Moment> {
    let digits: String = id.chars().filter(|c| *c != '-').take(12).collect();
    i64::from_str_radix(&digits, 16).ok().map(Moment)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "milliseconds of a date are far below 2^53"
)]
fn milliseconds(parsed: f64) -> Option<i64> {
    parsed.is_finite().then_some(parsed as i64)
}
