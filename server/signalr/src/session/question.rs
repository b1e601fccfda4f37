//! What the answer to one call needs to know of it.

use std::{future::Future, panic::AssertUnwindSafe, sync::Arc};

use futures_util::FutureExt;
use tokio::time::Instant;

use crate::{
    CallOutcome, Connection, Hub, HubError, HubResult,
    connection::Running,
    protocol::{Message, Outcome},
    server::Shared,
};

#[derive(Debug)]
pub(super) struct Question<P> {
    /// `None`: the caller wants no answer, not even an error.
    pub(super) id: Option<String>,
    pub(super) target: String,
    pub(super) asked: Instant,
    /// Who drains waits until the answer is queued.
    _running: Running<P>,
}

impl<P> Question<P> {
    pub(super) fn new(connection: &Arc<Connection<P>>, id: Option<String>, target: String) -> Self {
        Self {
            id,
            target,
            asked: Instant::now(),
            _running: connection.begin_call(),
        }
    }

    pub(super) fn answer<H: Hub<Principal = P>>(
        mut self,
        server: &Shared<H>,
        connection: &Connection<P>,
        result: HubResult,
    ) {
        let outcome = if result.is_ok() {
            CallOutcome::Done
        } else {
            CallOutcome::Failed
        };
        let known = !matches!(&result, Err(error) if error.is_unknown_method());
        if known {
            let took = self.asked.elapsed();
            server.options.observer.called(&self.target, outcome, took);
        }
        let Some(id) = self.id.take() else { return };
        let outcome = match result {
            Ok(value) => Outcome::Value(value),
            Err(error) => {
                Outcome::Error(error.for_caller(&self.target, server.options.detailed_errors))
            }
        };
        complete(connection, id, outcome);
    }
}

pub(super) fn complete<P>(connection: &Connection<P>, id: String, outcome: Outcome) {
    let completion = Message::Completion { id, outcome };
    connection
        .outbound
        .put(connection.protocol().encode(&completion));
}

/// A panic in one call must not take the connection and its bookkeeping with it.
pub(super) async fn guarded<T>(code: impl Future<Output = T>) -> Result<T, HubError> {
    let outcome = AssertUnwindSafe(code).catch_unwind().await;
    outcome.map_err(|_| HubError::panicked())
}
