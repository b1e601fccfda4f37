//! Reads messages and acts on them, one after the other.
//!
//! Calls run beside the reading (see [`Calls`]), so answers of the client, cancellations and items of
//! uploads reach a call that is running. Acting waits when the next call must: for its turn, for
//! room in the client's queue, or for a method that does not read its uploads.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use super::{
    Ending,
    backlog::{Backlog, Next},
    calls::Calls,
    input::Input,
    silence::Silence,
};
use crate::{Connection, Hub, Limit, connection::sift, protocol::Message, server::Shared};

/// Until the connection ends. `conclude` is told how, before the last calls are waited for.
pub(super) async fn dispatch<H: Hub>(
    server: &Shared<H>,
    connection: &Arc<Connection<H::Principal>>,
    input: Input<'_, H::Principal>,
    conclude: impl FnOnce(&Ending),
) -> Ending {
    let options = &server.options;
    let mut calls = Calls::new(server, connection);
    let backlog = Backlog::new(options.max_inbox_bytes);
    let mut reader = Reader {
        server,
        connection,
        input,
        silence: Silence::new(options.client_timeout, Arc::clone(&calls.turns)),
        backlog: &backlog,
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
            Message::Close { error, .. } => return Ending::ByClient(error),
            Message::Invocation(call) => calls.begin(call, false).await,
            Message::StreamInvocation(call) => calls.begin(call, true).await,
            Message::CancelInvocation { id } => calls.cancel(&id),
            Message::StreamItem { id, item } => calls.upload(&id, item).await,
            Message::Completion { id, outcome } => {
                let answer = connection.answers.complete(connection.id(), &id, outcome);
                if let Err(outcome) = answer {
                    calls.uploaded(&id, outcome);
                }
            }
            // The reader has taken these out.
            Message::Ping | Message::Ack { .. } | Message::Sequence { .. } => {}
        }
    }
}

/// From the wire to the backlog.
struct Reader<'a, H: Hub> {
    server: &'a Shared<H>,
    connection: &'a Arc<Connection<H::Principal>>,
    input: Input<'a, H::Principal>,
    silence: Silence,
    backlog: &'a Backlog,
}

impl<H: Hub> Reader<'_, H> {
    /// Ready after each message, with an ending that cannot wait for earlier messages.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Option<Ending>> {
        if self.connection.is_finished() {
            return Poll::Ready(Some(Ending::ByServer));
        }
        if !self.backlog.has_room() {
            self.silence.begin();
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
            Ok(None) => return self.end(Ending::Gone),
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
            Ok(Some(Message::Ping)) => self.silence.arm(),
            Ok(Some(message)) => self.backlog.push(message, frame.len()),
            // Kinds of later versions, and numbers of stateful reconnect.
            Ok(None) => {}
            Err(error) => return self.end(Ending::Unreadable(error)),
        }
        Poll::Ready(None)
    }

    /// After what was read before.
    fn end(&self, ending: Ending) -> Poll<Option<Ending>> {
        self.backlog.end(ending);
        Poll::Ready(None)
    }
}
