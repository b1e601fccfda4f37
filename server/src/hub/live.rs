//! Live events: to whoever is connected, and to nobody else. No number, no record, no ack: for what a
//! screen shows now and may miss (`docs/integrators/publishing.md`, live events).
//!
//! A connection whose queue is behind keeps the newest event of each key, and is passed over by
//! events without one. Never blocks.

use std::sync::Arc;

use app::protocol::{TYPING, Typing};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::client::Client;
use super::frames::ToMany;
use super::workflow::{Hub, Shared};

/// With so many bytes waiting a connection is behind: a quarter of what its queue may hold.
const BEHIND: usize = 16 * 1024;

/// What is said.
#[derive(Debug)]
pub struct LiveEvent {
    /// Of whom: keys of two services are not alike.
    pub service: Uuid,
    /// The client's method.
    pub method: String,
    /// Of several unsent events of one method and key only the newest is sent.
    pub key: Option<String>,
    /// The method's one argument.
    pub payload: Box<RawValue>,
}

/// What became of it, on this node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handed {
    /// Connections whose queue took it.
    pub sent: usize,
    /// Connections that were too far behind.
    pub dropped: usize,
    /// Indices of the groups without a connection.
    pub empty: Vec<usize>,
}

impl Hub {
    /// Hands an event to every connection in these groups of the tenant, once each if the groups
    /// share none.
    pub fn tell(&self, tenant: Uuid, groups: &[String], event: LiveEvent) -> Handed {
        let mut handed = Handed::default();
        // A newline is in no topic of a screen, so no patch shares the key.
        let key: Option<Arc<str>> = event
            .key
            .map(|key| format!("{}\n{}\n{key}", event.service, event.method).into());
        // Encoded once for each encoding that a receiver reads.
        let message = ToMany::new(&event.method, &event.payload);
        for (index, group) in groups.iter().enumerate() {
            let members = self.shared.registry.of_group(tenant, group);
            if members.is_empty() {
                handed.empty.push(index);
            }
            for client in members {
                if client.tell(key.as_ref(), &message) {
                    handed.sent += 1;
                } else {
                    handed.dropped += 1;
                }
            }
        }
        handed
    }
}

impl Shared {
    /// To the others who are in the group: not to the typist's own connections.
    pub(super) fn tell_typing(&self, typist: &Client, group: &str) {
        let typing = Typing {
            thread: group.to_owned(),
            user: typist.user_key.to_string(),
            name: typist.user_name.to_string(),
        };
        let key: Arc<str> = format!("{TYPING}\n{group}\n{}", typist.user).into();
        let message = ToMany::new(TYPING, &typing);
        for client in self.registry.of_group(typist.tenant, group) {
            if client.user != typist.user {
                client.tell(Some(&key), &message);
            }
        }
    }
}

impl Client {
    /// Whether the connection's queue took it.
    pub(super) fn tell(&self, key: Option<&Arc<str>>, message: &ToMany) -> bool {
        let frame = message.frame(self.line.encoding());
        match key {
            Some(key) => self.line.send_latest(key, frame).is_ok(),
            None => self.line.queued_bytes() <= BEHIND && self.line.try_send(frame).is_ok(),
        }
    }
}
