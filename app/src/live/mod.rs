//! The seam between the screens and the hub. A screen asks [`Live`] for a topic and gets patches;
//! it never learns of sockets. On the host, and until a client is plugged in, nothing arrives.
//!
//! [`topic`] judges patches, [`follow`] keeps a list up to date with them; both know no browser.
//! The browser's client implements [`HubClient`] and is plugged in by [`Live::plug`].

pub mod follow;
pub mod hub;
#[cfg(feature = "hydrate")]
pub mod plug;
pub mod topic;

use std::sync::Arc;

use leptos::prelude::*;

use crate::model::Moment;
use crate::model::inbox::InboxItem;
use crate::protocol::Patch;

/// How well the page is connected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LiveStatus {
    /// Not yet; also what the server renders.
    #[default]
    Connecting,
    /// What is on screen is what is.
    Live,
    /// Silent for more than 2 s; tries again by itself.
    Reconnecting {
        /// The data on screen are as of then.
        since: Moment,
    },
    /// Connected, but the server's database is away: nobody knows what is.
    Stalled {
        /// The data on screen are as of then.
        since: Moment,
    },
    /// The browser has no network, or the server refuses.
    Offline {
        /// The data on screen are as of then.
        since: Moment,
    },
}

impl LiveStatus {
    /// Since when the screen may be wrong.
    #[must_use]
    pub fn stale_since(self) -> Option<Moment> {
        match self {
            Self::Connecting | Self::Live => None,
            Self::Reconnecting { since } | Self::Stalled { since } | Self::Offline { since } => {
                Some(since)
            }
        }
    }
}

/// A list's wish for a topic.
#[derive(Clone)]
pub struct Subscription {
    /// The topic, as in [`crate::protocol::topic`].
    pub topic: String,
    /// Revision the list stands at; asked again at every (re)join.
    pub since: Callback<(), i64>,
    /// Gets every patch of the topic, in order, unjudged. When a (re)join answers another revision
    /// than `since`, it gets [`topic::rejoined`].
    pub on_patch: Callback<Patch>,
}

/// What the browser's hub client has to do. It sets `Live::status` by itself.
pub trait HubClient: Send + Sync + 'static {
    /// Joins the topic (again, when it is joined already: the answer's revision is compared with
    /// this list's `since`). The number names the subscription.
    fn subscribe(&self, wish: Subscription) -> u64;
    /// Forgets it; leaves the topic when it was the last.
    fn unsubscribe(&self, subscription: u64);
    /// Gets every notification pushed to this user from now on.
    fn on_notification(&self, heard: Callback<InboxItem>) -> u64;
    /// Forgets that.
    fn mute(&self, listener: u64);
    /// Tries to connect now instead of after the pause.
    fn retry_now(&self);
}

/// The page's connection, in context.
#[derive(Clone, Copy)]
pub struct Live {
    /// Written by the client, read by the indicator and by stale lists. Not before an effect runs:
    /// while the page is hydrated it must say what the server rendered.
    pub status: RwSignal<LiveStatus>,
    client: StoredValue<Option<Arc<dyn HubClient>>>,
    plugged: RwSignal<bool>,
}

impl Live {
    /// Puts a connection without a client into context; `App` calls this once.
    pub fn provide() -> Self {
        let live = Self {
            status: RwSignal::new(LiveStatus::Connecting),
            client: StoredValue::new(None),
            plugged: RwSignal::new(false),
        };
        provide_context(live);
        live
    }

    /// The page's connection.
    #[must_use]
    pub fn here() -> Self {
        use_context().unwrap_or_else(Self::provide)
    }

    /// Plugs the client in; subscriptions made before are made now.
    pub fn plug(self, client: Arc<dyn HubClient>) {
        self.client.set_value(Some(client));
        self.plugged.set(true);
    }

    /// Tries to connect now.
    pub fn retry_now(self) {
        if let Some(client) = self.client.get_value() {
            client.retry_now();
        }
    }

    /// Follows a topic until the owner goes away. Only an effect subscribes: the server never does.
    pub fn subscribe(self, wish: Subscription) {
        self.while_plugged(move |client| {
            let number = client.subscribe(wish.clone());
            Box::new(move |client| client.unsubscribe(number))
        });
    }

    /// Hears of notifications until the owner goes away.
    pub fn on_notification(self, heard: Callback<InboxItem>) {
        self.while_plugged(move |client| {
            let number = client.on_notification(heard);
            Box::new(move |client| client.mute(number))
        });
    }

    fn while_plugged(
        self,
        begin: impl Fn(&dyn HubClient) -> Box<dyn FnOnce(&dyn HubClient) + Send + Sync>
        + Send
        + Sync
        + 'static,
    ) {
        Effect::new(move || {
            if !self.plugged.get() {
                return;
            }
            if let Some(client) = self.client.get_value() {
                let end = begin(client.as_ref());
                on_cleanup(move || end(client.as_ref()));
            }
        });
    }
}
