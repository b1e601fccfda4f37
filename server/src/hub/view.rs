//! What the admin console asks of this node's connections.

use std::collections::BTreeSet;
use std::sync::Arc;

use app::model::Moment;
use app::model::admin::{ConnectionRow, GroupRow};
use app::protocol::topic;
use uuid::Uuid;

use super::client::Client;
use super::line::Transport;
use super::workflow::Hub;

/// Counts of a tenant's open connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Over WebSocket.
    pub websocket: i64,
    /// Over Server-Sent Events.
    pub sse: i64,
    /// Over long polling.
    pub long_polling: i64,
    /// Over our own event stream.
    pub stream: i64,
    /// Distinct users.
    pub users: i64,
    /// Groups with somebody in them.
    pub groups: i64,
    /// Connections whose queue is full, waiting for the client to read, or that wait for its handlers' results.
    pub parked: i64,
}

impl Hub {
    /// Open connections of this node, by transport.
    #[must_use]
    pub fn totals(&self) -> [(&'static str, i64); Transport::ALL.len()] {
        let clients = self.shared.registry.all();
        Transport::ALL.map(|transport| {
            let open = clients.iter().filter(|c| c.line.transport() == transport);
            (transport.name(), count(open))
        })
    }

    /// Event streams of this node.
    pub(super) fn streams(&self) -> Vec<Arc<Client>> {
        let mut clients = self.shared.registry.all();
        clients.retain(|client| client.line.transport() == Transport::Stream);
        clients
    }

    /// Writes to connections that were not recorded, since the start.
    #[must_use]
    pub fn unrecorded(&self) -> u64 {
        self.shared.recorder.unrecorded()
    }

    /// Counts of a tenant's open connections on this node.
    #[must_use]
    pub fn counts(&self, tenant: Uuid) -> Counts {
        let clients = self.shared.registry.of_tenant(tenant);
        let over = |transport| {
            let open = clients.iter().filter(|c| c.line.transport() == transport);
            count(open)
        };
        Counts {
            websocket: over(Transport::WebSockets),
            sse: over(Transport::ServerSentEvents),
            long_polling: over(Transport::LongPolling),
            stream: over(Transport::Stream),
            users: count(
                clients
                    .iter()
                    .map(|c| c.user)
                    .collect::<BTreeSet<_>>()
                    .iter(),
            ),
            groups: count(self.named_groups(tenant).iter()),
            parked: count(clients.iter().filter(|c| c.is_parked())),
        }
    }

    /// A tenant's open connections on this node that match, newest first, and how many there are.
    #[must_use]
    pub fn connections(
        &self,
        tenant: Uuid,
        search: &str,
        skip: usize,
        most: usize,
    ) -> (Vec<ConnectionRow>, i64) {
        let search = search.to_lowercase();
        let mut clients = self.shared.registry.of_tenant(tenant);
        clients.retain(|client| matches(client, &search));
        clients.sort_by(|a, b| {
            b.connected_at
                .cmp(&a.connected_at)
                .then_with(|| a.line.id().cmp(b.line.id()))
        });
        let total = count(clients.iter());
        let now = self.shared.clock.now().as_millisecond();
        (
            clients
                .iter()
                .skip(skip)
                .take(most)
                .map(|client| row(client, now))
                .collect(),
            total,
        )
    }

    /// A tenant's groups with somebody in them, by name, and how many there are.
    #[must_use]
    pub fn groups(
        &self,
        tenant: Uuid,
        search: &str,
        skip: usize,
        most: usize,
    ) -> (Vec<GroupRow>, i64) {
        let search = search.to_lowercase();
        let mut groups = self.named_groups(tenant);
        groups.retain(|(name, _)| name.to_lowercase().contains(&search));
        groups.sort_by(|a, b| a.0.cmp(&b.0));
        let total = count(groups.iter());
        let rows = groups
            .into_iter()
            .skip(skip)
            .take(most)
            .map(|(name, clients)| {
                let names: BTreeSet<String> = clients
                    .iter()
                    .map(|client| client.user_name.to_string())
                    .collect();
                let users: BTreeSet<Uuid> = clients.iter().map(|client| client.user).collect();
                GroupRow {
                    kind: kind_of(&name).to_owned(),
                    name: name.to_string(),
                    connections: count(clients.iter()),
                    users: count(users.iter()),
                    members: names.into_iter().take(20).collect(),
                }
            })
            .collect();
        (rows, total)
    }

    /// A tenant's groups but those of one person's own lists and of one request: their names are ids of ours, and who
    /// is in them is who has that page open.
    fn named_groups(&self, tenant: Uuid) -> Vec<(Arc<str>, Vec<Arc<Client>>)> {
        let mut groups = self.shared.registry.groups_of_tenant(tenant);
        groups.retain(|(name, _)| !is_of_one_page(name));
        groups
    }

    /// Closes a tenant's connections by id; they may come back. Answers how many were open.
    #[must_use]
    pub fn disconnect(&self, tenant: Uuid, ids: &[String]) -> u32 {
        let mut closed = 0;
        for id in ids {
            if let Some(client) = self.shared.registry.by_id(id)
                && client.tenant == tenant
            {
                client
                    .line
                    .close(Some("Disconnected by an administrator."), true);
                closed += 1;
            }
        }
        closed
    }
}

fn count<T>(items: impl Iterator<Item = T>) -> i64 {
    i64::try_from(items.count()).unwrap_or(i64::MAX)
}

fn matches(client: &Client, search: &str) -> bool {
    search.is_empty()
        || client.user_name.to_lowercase().contains(search)
        || client.user_key.to_lowercase().contains(search)
        || client
            .device
            .as_deref()
            .is_some_and(|device| device.to_lowercase().contains(search))
        || client.line.id().to_lowercase().contains(search)
}

fn row(client: &Client, now: i64) -> ConnectionRow {
    let line = &client.line;
    let idle = i64::try_from(line.last_activity().elapsed().as_millis()).unwrap_or(0);
    ConnectionRow {
        id: line.id().to_owned(),
        user: client.user_key.to_string(),
        name: client.user_name.to_string(),
        device: client.device.as_deref().unwrap_or_default().to_owned(),
        client: client_name(line.agent()),
        transport: line.transport().label().to_owned(),
        address: line
            .address()
            .map(|address| address.ip().to_string())
            .unwrap_or_default(),
        since: Moment(client.connected_at.as_millisecond()),
        last_activity: Moment(now - idle),
        groups: i64::try_from(client.group_count()).unwrap_or(i64::MAX),
        buffer: i64::try_from(line.queued_bytes()).unwrap_or(i64::MAX),
        unacked: i64::try_from(client.unconfirmed()).unwrap_or(i64::MAX),
        background: !client.is_active() && line.transport() != Transport::Stream,
        ack_mode: client.ack_mode().name().to_owned(),
    }
}

fn is_of_one_page(name: &str) -> bool {
    let kind = name.split_once(':').map(|(kind, _)| kind);
    matches!(kind, Some(topic::INBOX | topic::APPROVALS | "request"))
}

fn kind_of(name: &str) -> &'static str {
    match name.split_once(':').map(|(kind, _)| kind) {
        Some("user") => "user",
        Some("service") => "service",
        Some("dept") => "department",
        Some("group") => "custom",
        _ => "topic",
    }
}

/// `Chrome 141, Linux` from a user agent; for anything unknown its first word.
pub(crate) fn client_name(agent: &str) -> String {
    let version = |mark: &str| {
        let rest = agent.split_once(mark)?.1;
        Some(
            rest.chars()
                .take_while(char::is_ascii_digit)
                .collect::<String>(),
        )
    };
    // Order matters: Edge and Opera say Chrome too, Chrome says Safari too.
    let browser = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("HeadlessChrome/", "Chrome"),
        ("Chrome/", "Chrome"),
        ("Version/", "Safari"),
    ]
    .into_iter()
    .find_map(|(mark, name)| version(mark).map(|number| format!("{name} {number}")));
    let system = [
        ("Android", "Android"),
        ("iPhone", "iOS"),
        ("iPad", "iPadOS"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ]
    .into_iter()
    .find_map(|(mark, name)| agent.contains(mark).then_some(name));
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser}, {system}"),
        (Some(browser), None) => browser,
        _ => agent
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .chars()
            .take(40)
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::{client_name, is_of_one_page};

    #[test]
    fn browsers_by_their_own_name() {
        let edge = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                    Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0";
        assert_eq!(client_name(edge), "Edge 141, Windows");
        let safari = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 \
                      (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1";
        assert_eq!(client_name(safari), "Safari 19, iOS");
        assert_eq!(client_name("Microsoft SignalR/10.0 (…)"), "Microsoft");
        assert_eq!(client_name(""), "");
    }

    #[test]
    fn what_one_page_follows_is_no_group_to_look_at() {
        for name in ["inbox:01a2", "approvals:01a2", "request:01a2"] {
            assert!(is_of_one_page(name), "{name}");
        }
        for name in [
            "attendance",
            "admin:groups",
            "user:amara",
            "dept:finance",
            "group:request:1",
        ] {
            assert!(!is_of_one_page(name), "{name}");
        }
    }
}
