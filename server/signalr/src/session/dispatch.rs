//! Reads messages and acts on them, one after the other.
//!
//! Calls run beside the reading (see [`Calls`]), so items of uploads reach a call that is running.
//! Acting waits when the next call must: for its turn, for room in the client's queue, or for a
//! method that does not read its uploads. What can free it (answers of the client, cancellations,
//! Acks, the client's Close) is therefore never acted on in its turn, but when it is read.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use tokio::time::{Sleep, sleep};

use super::{
    Ending,
    backlog::{Backlog, Next},
    calls::Calls,
    downloads::Cancels,
    input::Input,
    silence::Silence,
};
use crate::{
    Connection, Hub, Limit,
    connection::sift,
    protocol::{Message, Outcome},
    server::Shared,
    shield::shielded,
};

/// Until the connection ends. `conclude` is told how, before the last calls are waited for.
pub(super) async fn dispatch<H: Hub>(
    server: &Shared<H>,
    connection: &Arc<Connection<H::Principal>>,
    input: Input<'_, H::Principal>,
    conclude: impl FnOnce(&Ending),
) -> Ending {
    let options = &server.options;
    let cancels = Cancels::default();
    let mut calls = Calls::new(server, connection, &cancels);
    let backlog = Backlog::new(connection.protocol(), options.max_inbox_bytes);
    let mut reader = Reader {
        server,
        connection,
        input,
        silence: Silence::new(options.client_timeout, Arc::clone(&calls.turns)),
        cancels: &cancels,
        backlog: &backlog,
        held: None,
        jammed: false,
        patience: None,
    };
    let ending = {
        let mut acting = pin!(act(connection, &mut calls, &backlog));
        poll_fn(|cx| {
            loop {
                if let Poll::Ready(ending) = acting.as_mut().poll(cx) {
                    return Poll::Ready(ending);
                }
                if let Some(ending) = ready!(reader.poll_read(cx)) {
                    return Poll::Ready(ending);
                }
            }
        })
        .await
    };
    conclude(&ending);
    connection.answers.close();
    calls.finish_turns().await;
    ending
}

async fn act<H: Hub>(
    connection: &Arc<Connection<H::Principal>>,
    calls: &mut Calls<'_, H>,
    backlog: &Backlog,
) -> Ending {
    loop {
        let next = calls.beside(poll_fn(|_| backlog.poll_next())).await;
        let message = match next {
            Next::End(ending) => return ending,
            Next::Message(message) => message,
        };
        match message {
            Message::Invocation(call) => calls.begin(call, false).await,
            Message::StreamInvocation(call) => calls.begin(call, true).await,
            Message::CancelInvocation { id } => calls.cancel(&id),
            Message::StreamItem { id, item } => calls.upload(&id, item).await,
            Message::Completion { id, outcome } => {
                // The reader found no such question, but one may have been asked since.
                let answer = connection.answers.complete(connection.id(), &id, outcome);
                if let Err(outcome) = answer {
                    calls.uploaded(&id, outcome);
                }
            }
            // The reader has taken these out.
            Message::Ping
            | Message::Close { .. }
            | Message::Ack { .. }
            | Message::Sequence { .. } => {}
        }
    }
}

/// From the wire to the backlog; what needs no acting is done here.
struct Reader<'a, H: Hub> {
    server: &'a Shared<H>,
    connection: &'a Arc<Connection<H::Principal>>,
    input: Input<'a, H::Principal>,
    silence: Silence,
    cancels: &'a Cancels,
    backlog: &'a Backlog,
    /// The message that found the backlog full. Nothing is read behind it.
    held: Option<Box<(Message, Bytes)>>,
    /// Something follows that message, and the queue was told.
    jammed: bool,
    /// What is left of the time that the backlog has after its end was read.
    patience: Option<Pin<Box<Sleep>>>,
}

impl<H: Hub> Reader<'_, H> {
    /// Ready after each message, with an ending that cannot wait for earlier messages.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Option<Ending>> {
        if self.connection.is_finished() {
            return Poll::Ready(Some(Ending::ByServer));
        }
        if let Some(patience) = &mut self.patience {
            ready!(patience.as_mut().poll(cx));
            return Poll::Ready(Some(self.backlog.give_up()));
        }
        if self.backlog.has_ended() {
            return Poll::Pending;
        }
        if let Some(held) = self.held.take_if(|_| self.backlog.has_room()) {
            let (message, frame) = *held;
            self.backlog.push(message, &frame);
            if std::mem::take(&mut self.jammed) {
                self.connection.outbound.set_jammed(false);
            }
            return Poll::Ready(None);
        }
        if self.held.is_some() {
            self.silence.begin();
            if !self.jammed && self.input.poll_any(cx).is_ready() {
                self.jammed = true;
                self.connection.outbound.set_jammed(true);
            }
            return Poll::Pending;
        }
        let Poll::Ready(frame) = self.input.poll_next(cx) else {
            let away = self.connection.is_away();
            return self.silence.poll(away, cx).map(|()| Some(Ending::TimedOut));
        };
        let frame = match frame {
            Ok(Some(frame)) => frame,
            // Closed from elsewhere since the look above.
            Ok(None) if self.connection.is_finished() => {
                return Poll::Ready(Some(Ending::ByServer));
            }
            // This end has a time limit of its own.
            Ok(None) => {
                self.backlog.end(Ending::Gone);
                return Poll::Ready(None);
            }
            Err(too_large) => {
                self.connection.limits().hit(Limit::MessageBytes);
                return self.end(Ending::Unreadable(too_large.to_string()));
            }
        };
        self.silence.begin();
        self.server.options.observer.received(frame.len());
        let message = match self.connection.protocol().decode(&frame) {
            Ok(message) => message,
            Err(error) => return self.end(Ending::Unreadable(error.to_string())),
        };
        match sift(self.server, self.connection, message) {
            Ok(Some(Message::Close { error, .. })) => return self.end(Ending::ByClient(error)),
            Ok(Some(message)) => self.sort(message, frame),
            // Kinds of later versions, and numbers of stateful reconnect.
            Ok(None) => {}
            Err(error) => return self.end(Ending::Unreadable(error)),
        }
        Poll::Ready(None)
    }

    /// Does at once what frees others and depends on nothing before it; the rest waits in order.
    fn sort(&mut self, message: Message, frame: Bytes) {
        let connection = self.connection;
        let message = match message {
            Message::Ping => return self.silence.arm(),
            Message::Completion { id, outcome } => {
                let answer = connection.answers.complete(connection.id(), &id, outcome);
                match answer.or_else(|outcome| self.offer(&id, outcome)) {
                    Ok(()) => return,
                    // Of an upload, behind its items.
                    Err(outcome) => Message::Completion { id, outcome },
                }
            }
            Message::CancelInvocation { id }
                if !self.backlog.begins(&id) && self.cancels.cancel(&id) =>
            {
                return;
            }
            message => message,
        };
        if self.backlog.has_room() {
            self.backlog.push(message, &frame);
        } else {
            self.held = Some(Box::new((message, frame)));
        }
    }

    /// Gives the outcome back if it answers nothing that the host asked.
    fn offer(&self, id: &str, outcome: Outcome) -> Result<(), Outcome> {
        let mut left = Ok(());
        shielded(self.connection, || {
            left = self.server.hub.completed(self.connection, id, outcome);
        });
        left
    }

    /// After what was read before, if that does not take too long.
    fn end(&mut self, ending: Ending) -> Poll<Option<Ending>> {
        self.backlog.end(ending);
        let limit = self.server.options.close_timeout;
        self.patience = Some(Box::pin(sleep(limit)));
        Poll::Ready(None)
    }
}
