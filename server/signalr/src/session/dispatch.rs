//! Reads messages and calls the hub: in order, one call at a time.
//!
//! The client timeout counts only while waiting for the next message, so a slow hub never makes a
//! client look dead. A client that does not read its answers is not served further calls.

use std::{future::poll_fn, panic::AssertUnwindSafe, sync::Arc};

use futures_util::FutureExt;
use tokio::time::Instant;

use super::{
    Ending,
    input::Input,
    replies::{Question, Replies},
};
use crate::{
    Call, Connection, Hub, HubError, Limit, Reply,
    connection::sift,
    protocol::{Invocation, Message},
    server::Shared,
};

pub(super) async fn dispatch<H: Hub>(
    server: &Shared<H>,
    connection: &Arc<Connection<H::Principal>>,
    mut input: Input<'_, H::Principal>,
) -> Ending {
    let options = &server.options;
    let mut replies = Replies::new(connection, options.detailed_errors);
    // Armed by the first ping: a client that never pings is never timed out.
    let mut watched = false;
    loop {
        replies
            .beside(poll_fn(|cx| connection.outbound.poll_room(cx)))
            .await;
        replies.fewer_than(options.max_open_replies).await;
        let frame = replies.beside(async {
            if watched {
                tokio::time::timeout_at(Instant::now() + options.client_timeout, input.next()).await
            } else {
                Ok(input.next().await)
            }
        });
        let frame = match frame.await {
            Err(_) if connection.is_away() => continue,
            Err(_) => return Ending::TimedOut,
            Ok(Err(too_large)) => {
                connection.limits().hit(Limit::MessageBytes);
                return Ending::Unreadable(too_large.to_string());
            }
            Ok(Ok(None)) if connection.is_finished() => return Ending::ByServer,
            Ok(Ok(None)) => return Ending::Gone,
            Ok(Ok(Some(frame))) => frame,
        };
        let message = match connection.protocol().decode(&frame) {
            Err(error) => return Ending::Unreadable(error.to_string()),
            Ok(message) => message,
        };
        let message = match sift(server, connection, message) {
            Err(error) => return Ending::Unreadable(error),
            Ok(message) => message,
        };
        match message {
            Some(Message::Ping) => watched = true,
            Some(Message::Close { error, .. }) => return Ending::ByClient(error),
            Some(Message::Invocation(call)) => {
                invoke(server, connection, &mut replies, call).await;
            }
            Some(Message::StreamInvocation(call)) => {
                let target = call.target;
                let error = HubError::streaming(&target);
                Question {
                    id: call.id,
                    target,
                    running: connection.begin_call(),
                }
                .answer(connection, Err(error), true);
            }
            // Streams and client results are not offered yet: late or stray messages of theirs are
            // skipped. Ack, Sequence and kinds of later versions have been taken out before.
            Some(
                Message::StreamItem { .. }
                | Message::Completion { .. }
                | Message::CancelInvocation { .. }
                | Message::Ack { .. }
                | Message::Sequence { .. },
            )
            | None => {}
        }
    }
}

async fn invoke<H: Hub>(
    server: &Shared<H>,
    connection: &Arc<Connection<H::Principal>>,
    replies: &mut Replies<'_, H::Principal>,
    call: Invocation,
) {
    let question = Question {
        id: call.id.clone(),
        target: call.target.clone(),
        running: connection.begin_call(),
    };
    let reply = if call.stream_ids.is_empty() {
        let call = Call {
            id: call.id,
            target: call.target,
            arguments: call.arguments,
        };
        // A panic in one call must not take the connection and its bookkeeping with it.
        let call = AssertUnwindSafe(server.hub.invoke(connection, call)).catch_unwind();
        replies.beside(call).await.unwrap_or_else(|_| {
            tracing::error!("hub code panicked");
            HubError::internal("Panic", "the method panicked").into()
        })
    } else {
        let sent = call.stream_ids.len();
        HubError::binding(format!(
            "Client sent {sent} stream(s), Hub method expects 0."
        ))
        .into()
    };
    match reply {
        Reply::Now(result) => question.answer(connection, result, server.options.detailed_errors),
        Reply::Later(future) => replies.add(question, future),
    }
}
