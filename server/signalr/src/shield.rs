//! The host's code may panic wherever it is called. That costs its own connection, and never what
//! the server keeps of it: its place, its seats, its groups, the call of `disconnected`.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use futures_util::FutureExt;

use crate::{CallOutcome, CloseReason, Connection, Limit, Observer, protocol::TransportKind};

/// Runs a hook. If it panics, its connection is closed.
pub(crate) fn shielded<P>(connection: &Connection<P>, hook: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(hook)).is_err() {
        connection.break_off();
    }
}

/// What `code` yields; `None` if it panicked. No async function: that would keep room for `code`
/// twice.
pub(crate) fn caught<T>(code: impl Future<Output = T>) -> impl Future<Output = Option<T>> {
    AssertUnwindSafe(code).catch_unwind().map(Result::ok)
}

/// The host's observer. Counting is not worth a connection: its panics are logged and nothing else.
#[derive(Debug)]
pub(crate) struct Shielded(pub(crate) std::sync::Arc<dyn Observer>);

impl Shielded {
    fn tell(&self, what: impl FnOnce(&dyn Observer)) {
        if catch_unwind(AssertUnwindSafe(|| what(&*self.0))).is_err() {
            tracing::error!("the observer panicked");
        }
    }
}

impl Observer for Shielded {
    fn opened(&self, transport: TransportKind) {
        self.tell(|observer| observer.opened(transport));
    }

    fn closed(&self, transport: TransportKind, reason: CloseReason, after: Duration) {
        self.tell(|observer| observer.closed(transport, reason, after));
    }

    fn received(&self, bytes: usize) {
        self.tell(|observer| observer.received(bytes));
    }

    fn sent(&self, messages: usize, bytes: usize) {
        self.tell(|observer| observer.sent(messages, bytes));
    }

    fn called(&self, target: &str, outcome: CallOutcome, took: Duration) {
        self.tell(|observer| observer.called(target, outcome, took));
    }

    fn limited(&self, limit: Limit) {
        self.tell(|observer| observer.limited(limit));
    }
}
