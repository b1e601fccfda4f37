//! Between decoding and dispatch: takes out what is not for the hub.

use std::sync::Arc;

use super::{Connection, resume::Verdict};
use crate::{Limit, endpoint::Endpoint, protocol::Message, server::Shared};

/// A message for the hub or the session, `None` for one to be skipped. An error ends the connection.
///
/// To be called with every message in the order of the wire: stateful reconnect counts them here.
pub(crate) fn sift<E: Endpoint>(
    server: &Shared<E>,
    connection: &Arc<Connection<E::Principal>>,
    message: Option<Message>,
) -> Result<Option<Message>, String> {
    let Some(message) = message else {
        return Ok(None); // of a kind that a later version may define
    };
    match &connection.resume {
        Some(resume) if resume.is_on() => match resume.judge(&message) {
            Verdict::Handle => {}
            Verdict::Skip => return Ok(None),
            Verdict::Acked(number) => {
                if let Some(mark) = connection.outbound.ack(number) {
                    server.hub.evidence(connection, mark);
                }
                return Ok(None);
            }
            Verdict::OutOfStep => {
                return Err("The Sequence is ahead of what was received.".to_owned());
            }
        },
        _ if matches!(message, Message::Ack { .. } | Message::Sequence { .. }) => return Ok(None),
        _ => {}
    }
    if matches!(
        message,
        Message::Invocation(_) | Message::StreamInvocation(_)
    ) {
        if connection.is_leaving() {
            return Ok(None);
        }
        if !connection.within_rate() {
            connection.limits().hit(Limit::InvocationsPerSecond);
            return Err("Too many invocations per second.".to_owned());
        }
    }
    Ok(Some(message))
}
