//! Completions that are still to come, from calls answered by [`Reply::Later`](crate::Reply::Later).

use std::future::Future;

use futures_util::{StreamExt, future::BoxFuture, stream::FuturesUnordered};

use crate::{
    Connection, HubResult,
    connection::Running,
    protocol::{Message, Outcome},
};

/// What the answer to one call needs to know of it.
pub(super) struct Question<P> {
    /// `None`: the caller wants no answer, not even an error.
    pub(super) id: Option<String>,
    pub(super) target: String,
    /// Who drains waits until the answer is queued.
    pub(super) running: Running<P>,
}

impl<P> Question<P> {
    pub(super) fn answer(self, connection: &Connection<P>, result: HubResult, detailed: bool) {
        let Some(id) = self.id else { return };
        let outcome = match result {
            Ok(value) => Outcome::Value(value),
            Err(error) => Outcome::Error(error.for_caller(&self.target, detailed)),
        };
        let completion = connection
            .protocol()
            .encode(&Message::Completion { id, outcome });
        connection.outbound.put(completion);
        drop(self.running);
    }
}

/// The answer to a question, some time.
type Answer<P> = BoxFuture<'static, (Question<P>, HubResult)>;

/// Polled only beside something else the session waits for; dropped with the session.
pub(super) struct Replies<'a, P> {
    connection: &'a Connection<P>,
    detailed: bool,
    /// `None` while no reply is open: an idle connection needs no memory for it.
    open: Option<FuturesUnordered<Answer<P>>>,
}

impl<'a, P: Send + Sync + 'static> Replies<'a, P> {
    pub(super) fn new(connection: &'a Connection<P>, detailed: bool) -> Self {
        Self {
            connection,
            detailed,
            open: None,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.open.as_ref().map_or(0, FuturesUnordered::len)
    }

    pub(super) fn add(&mut self, question: Question<P>, reply: BoxFuture<'static, HubResult>) {
        let open = self.open.get_or_insert_default();
        open.push(Box::pin(async move { (question, reply.await) }));
    }

    /// Drives `main` to its end, and open replies beside it.
    pub(super) async fn beside<F: Future>(&mut self, main: F) -> F::Output {
        let mut main = std::pin::pin!(main);
        loop {
            let Some(open) = &mut self.open else {
                return main.await;
            };
            tokio::select! {
                biased;
                answered = open.next() => match answered {
                    Some((question, result)) => question.answer(self.connection, result, self.detailed),
                    None => self.open = None,
                },
                output = &mut main => return output,
            }
        }
    }

    /// Returns when fewer than `limit` replies are open.
    pub(super) async fn fewer_than(&mut self, limit: usize) {
        while self.len() >= limit.max(1) {
            let Some(open) = &mut self.open else { return };
            if let Some((question, result)) = open.next().await {
                question.answer(self.connection, result, self.detailed);
            }
        }
    }
}
