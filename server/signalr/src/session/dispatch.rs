//! Reads messages and acts on them, one after the other.
//!
//! Calls run beside the reading (see [`Calls`]), so answers of the client, cancellations and items of
//! uploads reach a call that is running. Reading waits when the next call must: for its turn, for
//! room in the client's queue, or for a method that does not read its uploads.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
};

use bytes::Bytes;

use super::{Ending, calls::Calls, input::Input, silence::Silence};
use crate::{
    Connection, Hub, Limit,
    protocol::{FrameTooLarge, Message},
    server::Shared,
};

/// Until the connection ends. `conclude` is told how, before the last calls are waited for.
pub(super) async fn dispatch<H: Hub>(
    server: &Shared<H>,
    connection: &Arc<Connection<H::Principal>>,
    input: Input<'_, H::Principal>,
    conclude: impl FnOnce(&Ending),
) -> Ending {
    let mut calls = Calls::new(server, connection);
    let ending = read(server, connection, input, &mut calls).await;
    conclude(&ending);
    connection.place.answers.close();
    calls.finish_turns().await;
    ending
}

async fn read<H: Hub>(
    server: &Shared<H>,
    connection: &Arc<Connection<H::Principal>>,
    mut input: Input<'_, H::Principal>,
    calls: &mut Calls<'_, H>,
) -> Ending {
    let options = &server.options;
    let mut silence = Silence::new(options.client_timeout, Arc::clone(&calls.turns));
    loop {
        calls.ready_for_more().await;
        silence.begin();
        let Some(frame) = next(calls, &mut input, &mut silence).await else {
            return Ending::TimedOut;
        };
        let frame = match frame {
            Err(too_large) => {
                options.observer.limited(Limit::MessageBytes);
                return Ending::Unreadable(too_large.to_string());
            }
            Ok(None) if connection.is_finished() => return Ending::ByServer,
            Ok(None) => return Ending::Gone,
            Ok(Some(frame)) => frame,
        };
        options.observer.received(frame.len());
        let message = match connection.protocol().decode(&frame) {
            Err(error) => return Ending::Unreadable(error.to_string()),
            Ok(message) => message,
        };
        match message {
            Some(Message::Ping) => silence.arm(),
            Some(Message::Close { error, .. }) => return Ending::ByClient(error),
            Some(Message::Invocation(call)) => calls.begin(call, false).await,
            Some(Message::StreamInvocation(call)) => calls.begin(call, true).await,
            Some(Message::CancelInvocation { id }) => calls.cancel(&id),
            Some(Message::StreamItem { id, item }) => calls.upload(&id, item).await,
            Some(Message::Completion { id, outcome }) => {
                let answer = connection
                    .place
                    .answers
                    .complete(connection.id(), &id, outcome);
                if let Err(outcome) = answer {
                    calls.uploaded(&id, outcome);
                }
            }
            // Numbers of stateful reconnect mean nothing where it is not spoken, and kinds of later
            // versions are skipped.
            Some(Message::Ack { .. } | Message::Sequence { .. }) | None => {}
        }
    }
}

/// The next frame, or `None` when the client has been silent for too long.
async fn next<H: Hub>(
    calls: &mut Calls<'_, H>,
    input: &mut Input<'_, H::Principal>,
    silence: &mut Silence,
) -> Option<Result<Option<Bytes>, FrameTooLarge>> {
    let mut frame = pin!(input.next());
    calls
        .beside(poll_fn(|cx| {
            if let Poll::Ready(frame) = frame.as_mut().poll(cx) {
                return Poll::Ready(Some(frame));
            }
            silence.poll(cx).map(|()| None)
        }))
        .await
}
