//! Which transport to try next.
//!
//! The server's order counts. A transport that failed is passed over until the round ends, in a
//! connection or in "none left". One that failed where another then worked is passed over for a
//! while: behind a proxy that swallows upgrades, each reconnect would wait for it again.

use signalr::protocol::{AvailableTransport, TransferFormat, TransportKind};

/// How long a transport that lost to another is passed over, in milliseconds.
const AVOIDED: i64 = 5 * 60_000;

/// What failed in this round and before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fallback {
    failed: Vec<TransportKind>,
    /// With the time until which each is passed over.
    avoided: Vec<(TransportKind, i64)>,
}

impl Fallback {
    /// The first of the server's list that is known, carries text and is not passed over.
    pub fn choose(&self, offered: &[AvailableTransport], now_ms: i64) -> Option<TransportKind> {
        let usable = || {
            offered
                .iter()
                .filter_map(known)
                .filter(|kind| !self.failed.contains(kind))
        };
        let avoided =
            |kind: &TransportKind| self.avoided.iter().any(|(k, t)| k == kind && now_ms < *t);
        // A transport that is merely avoided is better than none.
        usable()
            .find(|kind| !avoided(kind))
            .or_else(|| usable().next())
    }

    /// It could not be opened: negotiate again and choose another.
    pub fn failed(&mut self, kind: TransportKind) {
        if !self.failed.contains(&kind) {
            self.failed.push(kind);
        }
    }

    /// Did any fail in this round?
    pub fn in_round(&self) -> bool {
        !self.failed.is_empty()
    }

    /// One works: those that failed before it are passed over for a while.
    pub fn worked(&mut self, now_ms: i64) {
        self.avoided.retain(|(_, until)| now_ms < *until);
        for kind in self.failed.drain(..) {
            self.avoided.retain(|(avoided, _)| *avoided != kind);
            self.avoided.push((kind, now_ms + AVOIDED));
        }
    }

    /// None is left, or the server is away: the next round starts with a clean slate.
    pub fn round_over(&mut self) {
        self.failed.clear();
    }

    /// Another network: what failed on the old one says nothing.
    pub fn forget(&mut self) {
        *self = Self::default();
    }
}

fn known(offered: &AvailableTransport) -> Option<TransportKind> {
    let text = offered.transfer_formats.iter().any(|name| name == "Text");
    [
        TransportKind::WebSockets,
        TransportKind::ServerSentEvents,
        TransportKind::LongPolling,
    ]
    .into_iter()
    .find(|kind| kind.name() == offered.transport)
    .filter(|kind| text && kind.formats().contains(&TransferFormat::Text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use TransportKind::{LongPolling, ServerSentEvents, WebSockets};

    fn offered(kinds: &[TransportKind]) -> Vec<AvailableTransport> {
        kinds.iter().copied().map(Into::into).collect()
    }

    #[test]
    fn falls_through_the_servers_order_and_starts_over() {
        let all = offered(&[WebSockets, ServerSentEvents, LongPolling]);
        let mut fallback = Fallback::default();
        for kind in [WebSockets, ServerSentEvents, LongPolling] {
            assert_eq!(fallback.choose(&all, 0), Some(kind));
            fallback.failed(kind);
        }
        assert_eq!(fallback.choose(&all, 0), None);
        fallback.round_over();
        assert_eq!(fallback.choose(&all, 0), Some(WebSockets));
    }

    #[test]
    fn the_loser_is_avoided_for_a_while_unless_nothing_else_is_left() {
        let all = offered(&[WebSockets, LongPolling]);
        let mut fallback = Fallback::default();
        fallback.failed(WebSockets);
        fallback.worked(1_000);
        assert_eq!(fallback.choose(&all, 2_000), Some(LongPolling));
        assert_eq!(
            fallback.choose(&offered(&[WebSockets]), 2_000),
            Some(WebSockets)
        );
        fallback.failed(LongPolling);
        assert_eq!(fallback.choose(&all, 2_000), Some(WebSockets));
        fallback.round_over();
        assert_eq!(fallback.choose(&all, 1_000 + AVOIDED), Some(WebSockets));
        assert_eq!(fallback.choose(&all, 2_000), Some(LongPolling));
        fallback.forget();
        assert_eq!(fallback.choose(&all, 2_000), Some(WebSockets));
    }

    #[test]
    fn unknown_names_and_binary_only_transports_are_skipped() {
        let mut list = offered(&[LongPolling]);
        let formats = vec!["Binary".to_owned()];
        list.insert(
            0,
            AvailableTransport {
                transport: "Pigeon".into(),
                transfer_formats: vec![],
            },
        );
        let binary = AvailableTransport {
            transport: "WebSockets".into(),
            transfer_formats: formats,
        };
        list.insert(0, binary);
        assert_eq!(Fallback::default().choose(&list, 0), Some(LongPolling));
    }
}
