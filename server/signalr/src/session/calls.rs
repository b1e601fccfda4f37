//! The calls of one connection that have begun and not ended.
//!
//! Polled by the session's own task, beside whatever else it waits for; dropped with the session.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{
    downloads::{Cancels, Downloads, Step, Style},
    question::{Question, complete, guarded},
    turn::Turns,
};
use crate::{
    Call, Connection, Hub, HubError, HubResult, Limit, Reply, Shape,
    protocol::{Invocation, Outcome, Payload},
    server::Shared,
    upload::Intake,
};

/// An ordinary call, or one that only takes streams, and what is to be said of it.
type Running<'a, P> = FuturesUnordered<BoxFuture<'a, (Question<P>, Vec<String>, HubResult)>>;

pub(super) struct Calls<'a, H: Hub> {
    server: &'a Shared<H>,
    connection: &'a Arc<Connection<H::Principal>>,
    pub(super) turns: Arc<Turns>,
    intake: Intake,
    /// `None` while there are none: an idle connection needs no memory for them.
    running: Option<Running<'a, H::Principal>>,
    cancels: &'a Cancels,
    downloads: Option<Downloads<'a, H::Principal>>,
}

impl<'a, H: Hub> Calls<'a, H> {
    pub(super) fn new(
        server: &'a Shared<H>,
        connection: &'a Arc<Connection<H::Principal>>,
        cancels: &'a Cancels,
    ) -> Self {
        Self {
            server,
            connection,
            turns: Turns::new(server.options.max_parallel_invocations),
            intake: Intake::default(),
            running: None,
            cancels,
            downloads: None,
        }
    }

    /// Drives `main` to its end, and the open calls beside it.
    ///
    /// The calls come first: one that was begun before has had its first turn before `main` goes on,
    /// which is what makes calls start in order.
    pub(super) async fn beside<F: Future>(&mut self, main: F) -> F::Output {
        let mut main = pin!(main);
        poll_fn(|cx| {
            while self.poll_progress(cx).is_ready() {}
            main.as_mut().poll(cx)
        })
        .await
    }

    /// Returns when there is room for the answer to a further call.
    async fn ready_for_more(&mut self) {
        let connection = self.connection;
        self.beside(poll_fn(|cx| connection.outbound.poll_room(cx)))
            .await;
        let limit = self.server.options.max_open_replies.max(1);
        if self.beside_turns() >= limit {
            connection.limits().hit(Limit::OpenReplies);
            poll_fn(|cx| {
                while self.poll_progress(cx).is_ready() {}
                if self.beside_turns() < limit {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            })
            .await;
        }
    }

    /// Returns when the last call that has a turn has ended.
    pub(super) async fn finish_turns(&mut self) {
        poll_fn(|cx| {
            while self.poll_progress(cx).is_ready() {}
            if self.turns.open() == 0 {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }

    /// Begins a call; one that does not fit its method is answered at once.
    pub(super) async fn begin(&mut self, call: Invocation, streamed: bool) {
        let Invocation {
            id,
            target,
            arguments,
            stream_ids,
        } = call;
        self.ready_for_more().await;
        let question = Question::new(self.connection, id, target);
        let shape = match self.admit(&question, streamed, stream_ids.len()) {
            Ok(shape) => shape,
            Err(error) => return self.answer(question, Err(error)),
        };
        let capacity = self.server.options.stream_buffer_capacity;
        let uploads = match self.intake.open(&stream_ids, capacity) {
            Ok(uploads) => uploads,
            Err(error) => return self.answer(question, Err(error)),
        };
        let cancelled = if shape.streams || shape.cancellable {
            self.connection.ended.child_token()
        } else {
            self.connection.ended.clone()
        };
        let call = Call {
            id: question.id.clone(),
            target: question.target.clone(),
            arguments,
            uploads,
            cancelled: cancelled.clone(),
        };
        if shape.streams {
            self.begin_download(question, call, stream_ids, cancelled);
        } else if shape.uploads > 0 {
            self.begin_beside(question, call, stream_ids);
        } else {
            self.begin_in_turn(question, call).await;
        }
    }

    /// Whether the call may be made at all.
    fn admit(
        &self,
        question: &Question<H::Principal>,
        streamed: bool,
        uploads: usize,
    ) -> Result<Shape, HubError> {
        let target = &question.target;
        let shape = self.server.hub.shape(target);
        let shape = shape.ok_or_else(HubError::unknown_method)?;
        if streamed && !shape.streams {
            return Err(HubError::streamed_plain_method(target));
        }
        if shape.streams && !streamed {
            return Err(HubError::invoked_streaming_method(target));
        }
        if uploads != shape.uploads {
            return Err(HubError::wrong_number_of_streams(uploads, shape.uploads));
        }
        match &question.id {
            Some(id) if streamed && self.cancels.contains(id) => {
                return Err(HubError::invocation_id_in_use(id));
            }
            _ => {}
        }
        let in_turn = !shape.streams && shape.uploads == 0;
        if in_turn && self.turns.lent() >= self.server.options.max_open_replies.max(1) {
            // No waiting: what those calls wait for may be behind this one.
            self.connection.limits().hit(Limit::OpenReplies);
            return Err(HubError::too_many_lent());
        }
        Ok(shape)
    }

    fn begin_download(
        &mut self,
        question: Question<H::Principal>,
        call: Call,
        uploads: Vec<String>,
        cancelled: CancellationToken,
    ) {
        let style = Style {
            protocol: self.connection.protocol(),
            detailed: self.server.options.detailed_errors,
        };
        let reply = self.invoke(call);
        let cancels = self.cancels;
        let downloads = self
            .downloads
            .get_or_insert_with(|| Downloads::new(cancels));
        downloads.open(question, uploads, Box::pin(reply), cancelled, style);
    }

    fn begin_beside(&mut self, question: Question<H::Principal>, call: Call, uploads: Vec<String>) {
        let reply = self.invoke(call);
        self.running
            .get_or_insert_default()
            .push(Box::pin(async move {
                let result = result(reply.await, &question.target).await;
                (question, uploads, result)
            }));
    }

    async fn begin_in_turn(&mut self, question: Question<H::Principal>, call: Call) {
        let turns = Arc::clone(&self.turns);
        let turn = self.beside(turns.next()).await;
        if self.connection.is_finished() {
            return;
        }
        let reply = turn.run(self.invoke(call));
        let mut call: BoxFuture<'a, _> = Box::pin(async move {
            let reply = reply.await;
            drop(turn);
            let result = result(reply, &question.target).await;
            (question, Vec::new(), result)
        });
        // Most calls have nothing to wait for: they end here, which saves their place among those
        // that run, four allocations and a second poll.
        match poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx))).await {
            Poll::Ready((question, _, result)) => self.answer(question, result),
            Poll::Pending => self.running.get_or_insert_default().push(call),
        }
    }

    fn invoke(&self, call: Call) -> impl Future<Output = Reply> + Send + use<'a, H> {
        let (server, connection) = (self.server, self.connection);
        let span = tracing::debug_span!("signalr.call", method = call.target.as_str());
        async move {
            let reply = guarded(async { server.hub.invoke(connection, call).await }).await;
            reply.unwrap_or_else(Reply::from)
        }
        .instrument(span)
    }

    /// The client wants no more of a stream.
    pub(super) fn cancel(&self, id: &str) {
        // Unknown ids belong to streams that have just ended.
        let _was_open = self.cancels.cancel(id);
    }

    /// An item of an upload; waits while the method has not read the earlier ones.
    pub(super) async fn upload(&mut self, id: &str, item: Payload) {
        let Some(sender) = self.intake.sender(id) else {
            return;
        };
        if let Err(tokio::sync::mpsc::error::TrySendError::Full(item)) = sender.try_send(item) {
            self.connection.limits().hit(Limit::StreamBuffer);
            let _method_gone = self.beside(sender.send(item)).await;
        }
    }

    /// The end of an upload, or a client's answer that comes too late.
    pub(super) fn uploaded(&mut self, id: &str, outcome: Outcome) {
        let error = match outcome {
            Outcome::Error(error) => Some(error),
            Outcome::Void | Outcome::Value(_) => None,
        };
        self.intake.complete(id, error);
    }

    /// Ready for each step that was made; pending when there is nothing to do now.
    pub(super) fn poll_progress(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(running) = &mut self.running {
            match running.poll_next_unpin(cx) {
                Poll::Ready(Some((question, uploads, result))) => {
                    self.intake.forget(&uploads);
                    self.answer(question, result);
                    return Poll::Ready(());
                }
                Poll::Ready(None) => self.running = None,
                Poll::Pending => {}
            }
        }
        if let Some(downloads) = &mut self.downloads
            && self.connection.outbound.poll_room(cx).is_ready()
        {
            match downloads.poll_step(cx) {
                Poll::Ready(Some(Step::Item(item))) => {
                    self.connection.outbound.put(item);
                    return Poll::Ready(());
                }
                Poll::Ready(Some(Step::Over(over))) => {
                    self.intake.forget(&over.uploads);
                    let mut question = over.question;
                    let took = question.asked.elapsed();
                    let observer = &self.server.options.observer;
                    observer.called(&question.target, over.outcome, took);
                    if let Some(id) = question.id.take() {
                        let outcome = over.error.map_or(Outcome::Void, Outcome::Error);
                        complete(self.connection, id, outcome);
                    }
                    return Poll::Ready(());
                }
                Poll::Ready(None) => self.downloads = None,
                Poll::Pending => {}
            }
        }
        Poll::Pending
    }

    fn answer(&self, question: Question<H::Principal>, result: HubResult) {
        question.answer(self.server, self.connection, result);
    }

    /// Open calls that have no turn (any more).
    fn beside_turns(&self) -> usize {
        let running = self.running.as_ref().map_or(0, FuturesUnordered::len);
        let downloads = self.downloads.as_ref().map_or(0, Downloads::len);
        (running + downloads).saturating_sub(self.turns.open())
    }
}

/// The single value that a call answers with.
async fn result(reply: Reply, target: &str) -> HubResult {
    match reply {
        Reply::Now(result) => result,
        Reply::Later(future) => guarded(future).await.and_then(|result| result),
        Reply::Stream(_) => Err(HubError::invoked_streaming_method(target)),
    }
}
