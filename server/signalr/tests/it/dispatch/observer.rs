//! What a host may count.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use signalr::{
    CallOutcome, CloseReason, HubOptions, Limit, Observer,
    protocol::TransportKind::{self, WebSockets},
};

use super::{methods, on_stage};
use crate::support::{Client, Site, call, cancel, settle, stream_call};

#[derive(Debug, Default)]
struct Notes(Mutex<Vec<String>>, AtomicUsize, AtomicUsize);

impl Observer for Notes {
    fn opened(&self, transport: TransportKind) {
        self.0.lock().push(format!("opened {transport:?}"));
    }

    fn closed(&self, _: TransportKind, reason: CloseReason, _: Duration) {
        self.0.lock().push(format!("closed {reason:?}"));
    }

    fn received(&self, bytes: usize) {
        self.0.lock().push(format!("received {bytes}"));
    }

    fn sent(&self, messages: usize, bytes: usize) {
        self.1.fetch_add(messages, Ordering::Relaxed);
        self.2.fetch_add(bytes, Ordering::Relaxed);
    }

    fn called(&self, target: &str, outcome: CallOutcome, _: Duration) {
        self.0.lock().push(format!("{target} {outcome:?}"));
    }

    fn limited(&self, limit: Limit) {
        self.0.lock().push(format!("limited {limit:?}"));
    }
}

fn noted() -> (Arc<Notes>, HubOptions) {
    let notes = Arc::new(Notes::default());
    let observer = Arc::clone(&notes) as Arc<dyn Observer>;
    let options = HubOptions {
        observer,
        ..HubOptions::default()
    };
    (notes, options)
}

#[tokio::test]
async fn calls_messages_and_ends_are_counted() {
    let (notes, options) = noted();
    let hub = methods().on_stream("Never", || async { futures_util::stream::pending::<u8>() });
    let (site, mut client) = on_stage(hub, options).await;
    let calls = call("0", "Echo", "[1]") + &call("1", "Nope", "[]") + &call("2", "Echo", "[]");
    client.send(&site, &calls).await;
    client
        .send(&site, &(stream_call("3", "Never", "[]") + &cancel("3")))
        .await;
    let mut bytes = "{}\u{1e}".len();
    for _ in 0..4 {
        bytes += client.next(&site).await.len() + 1;
    }
    client.send(&site, "{\"type\":7}\u{1e}").await;
    while site.server.count() > 0 {
        settle().await;
    }
    let (counts, notes) = (&notes, notes.0.lock());
    let kept = notes.iter().filter(|note| !note.starts_with("received"));
    let expected = [
        "opened WebSockets",
        "Echo Done",
        "Echo Failed",
        "Never Cancelled",
        "closed Client",
    ];
    assert_eq!(
        kept.collect::<Vec<_>>(),
        expected,
        "an unknown name is no label"
    );
    assert_eq!(notes.len() - expected.len(), 6, "six messages came in");
    let sent = (
        counts.1.load(Ordering::Relaxed),
        counts.2.load(Ordering::Relaxed),
    );
    assert_eq!(sent, (5, bytes));
}

#[tokio::test(start_paused = true)]
async fn limits_are_reported() {
    let (notes, options) = noted();
    let site = Site::serving(methods(), options);
    let mut silent = Client::connect_to(&site, WebSockets, "").await;
    assert!(silent.next(&site).await.contains("Handshake was canceled."));
    let mut loud = Client::join(&site, WebSockets).await;
    loud.send(&site, &"x".repeat(40_000)).await;
    while site.server.count() > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let expected = [
        "opened WebSockets",
        "limited HandshakeTimeout",
        "closed Handshake",
        "opened WebSockets",
        "limited MessageBytes",
        "closed Unreadable",
    ];
    assert_eq!(*notes.0.lock(), expected);
}
