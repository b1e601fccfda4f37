//! The WebSockets of one connection, one after the other.
//!
//! Without stateful reconnect there is one. With it, a socket that is lost or taken over is followed
//! by the next, within a window; the session notices nothing but a cut in its input. All of it runs
//! in the connection's one task, so no two sockets ever write for one connection.

use std::{convert::Infallible, sync::Arc};

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, timeout};

use super::{closing::End, pump::Pump};
use crate::{
    Connection, Limit, Resumed, connection::Resume, endpoint::Endpoint, protocol::Message,
    server::Shared,
};

/// Serves the connection's sockets until it ends.
pub(super) async fn serve<E: Endpoint>(
    server: &Shared<E>,
    connection: &Arc<Connection<E::Principal>>,
    first: Upgraded,
) {
    match &connection.resume {
        None => {
            let mut pump = Pump::new(server, connection, TokioIo::new(first)).await;
            let end = pump.run().await;
            // Boxed: needed once, at the end.
            Box::pin(pump.conclude(end)).await;
        }
        Some(resume) => {
            Box::pin(serve_many(server, connection, resume, first)).await;
            resume.close();
        }
    }
}

async fn serve_many<E: Endpoint>(
    server: &Shared<E>,
    connection: &Arc<Connection<E::Principal>>,
    resume: &Resume,
    first: Upgraded,
) {
    let mut stream = first;
    // What was not confirmed when a socket was cut for that.
    let mut unconfirmed = None;
    loop {
        let mut pump = Pump::new(server, connection, TokioIo::new(stream)).await;
        let end = loop {
            tokio::select! {
                biased;
                end = pump.run() => break Ok(end),
                // Taken over: the old socket is dropped with whatever it still holds. One that
                // comes too late is dropped itself.
                next = resume.successor() => if connection.resumable().is_some() {
                    break Err(next);
                },
                never = acknowledge(connection, resume) => match never {},
            }
        };
        let lost_at = Instant::now();
        stream = match end {
            Err(next) => next,
            Ok(End::Unconfirmed)
                if unconfirmed.is_some() && unconfirmed == connection.outbound.held_back() =>
            {
                return connection.peer_lost(End::Unconfirmed.reason());
            }
            // A client that has opened its next socket already has not left for good.
            Ok(end)
                if (end.is_loss() || resume.has_successor())
                    && connection.resumable().is_some() =>
            {
                if end == End::Unconfirmed {
                    unconfirmed = connection.outbound.held_back();
                }
                drop(pump);
                match wait_for_next(server, connection, resume).await {
                    Some(next) => next,
                    None => return connection.peer_lost(end.reason()),
                }
            }
            Ok(end) => return Box::pin(pump.conclude(end)).await,
        };
        connection.inbox.cut();
        let replayed = connection.outbound.rewind();
        resume.set_away(false);
        connection.touch();
        tracing::debug!(replayed, "resumed");
        let away = lost_at.elapsed();
        server.hub.resumed(connection, Resumed { away, replayed });
    }
}

/// The next socket, `None` if it does not come in time or the connection ends meanwhile.
async fn wait_for_next<E: Endpoint>(
    server: &Shared<E>,
    connection: &Connection<E::Principal>,
    resume: &Resume,
) -> Option<Upgraded> {
    resume.set_away(true);
    let options = &server.options;
    let wait = async {
        if let Ok(next) = timeout(options.resume_window, resume.successor()).await {
            return Some(next);
        }
        // One that has come in time and is not quite there.
        if !resume.close_if_idle()
            && let Ok(next) = timeout(options.close_timeout, resume.successor()).await
        {
            return Some(next);
        }
        server.limits.hit(Limit::ResumeWindow);
        None
    };
    tokio::select! {
        next = wait => next,
        () = connection.ended.cancelled() => None,
    }
}

/// Tells the client what has been received, at most once a second.
async fn acknowledge<P>(connection: &Connection<P>, resume: &Resume) -> Infallible {
    loop {
        let sequence_id = resume.next_ack().await;
        let ack = connection.protocol().encode(&Message::Ack { sequence_id });
        connection.outbound.put_control(ack);
    }
}
