//! The life of one connection, the same over every transport: handshake, calls, end.
//!
//! Reads the connection's inbox and fills its queue; a transport does the opposite on the other
//! side. Runs inside the connection's one task. Ends when the client closed or is lost and what it
//! sent before was handled, when the server closed, or when the server stops.

mod backlog;
mod calls;
mod dispatch;
mod downloads;
mod handshake;
mod input;
mod question;
mod silence;
mod turn;

use std::{convert::Infallible, sync::Arc};

use tokio::time::MissedTickBehavior;
use tracing::Instrument;

use crate::{
    CloseReason, Connection, Hub, protocol::TransportKind, server::Shared, shield::caught,
};
use input::Input;
pub(crate) use turn::lent;

/// Why calls are no longer read.
#[derive(Debug, PartialEq, Eq)]
enum Ending {
    /// The server closed, here or from outside.
    ByServer,
    /// The client said Close.
    ByClient(Option<String>),
    /// The transport ended.
    Gone,
    /// It was silent too long.
    TimedOut,
    /// It sent what cannot be read.
    Unreadable(String),
    /// The hub's code panicked where no call could answer for it.
    Panicked,
}

impl Ending {
    fn reason(&self) -> CloseReason {
        match self {
            Self::ByServer => CloseReason::Server,
            Self::ByClient(_) => CloseReason::Client,
            Self::Gone => CloseReason::Lost,
            Self::TimedOut => CloseReason::Silent,
            Self::Unreadable(_) => CloseReason::Unreadable,
            Self::Panicked => CloseReason::Panic,
        }
    }

    /// Why it was not by plan, for the hub.
    fn words<P>(self, connection: &Connection<P>) -> Option<String> {
        match self {
            Self::ByServer => None,
            Self::ByClient(error) => error,
            Self::Gone => connection.lost().map(str::to_owned),
            Self::TimedOut => {
                Some("The client was silent for longer than the client timeout.".to_owned())
            }
            Self::Unreadable(error) => Some(error),
            Self::Panicked => Some("Hub code panicked.".to_owned()),
        }
    }
}

pub(crate) async fn run<H: Hub>(
    server: &Arc<Shared<H>>,
    connection: &Arc<Connection<H::Principal>>,
) {
    let _counted = server.registry.session();
    let observer = &server.options.observer;
    observer.opened(connection.transport());
    let transport = connection.transport().name();
    let span = tracing::debug_span!("signalr.connection", transport);
    async {
        let reason = tokio::select! {
            end = caught(talk(server, connection)) => end.unwrap_or_else(|| {
                connection.break_off();
                CloseReason::Panic
            }),
            never = leave_on_stop(server, connection) => match never {},
        };
        observer.closed(
            connection.transport(),
            reason,
            connection.connected_at().elapsed(),
        );
        tracing::debug!(?reason, "session over");
    }
    .instrument(span)
    .await;
}

async fn talk<H: Hub>(
    server: &Shared<H>,
    connection: &Arc<Connection<H::Principal>>,
) -> CloseReason {
    let mut input = Input::new(connection, server.options.max_message_bytes);
    let shaken = handshake::handshake(connection, &mut input, &server.options).await;
    if shaken.is_err() {
        connection.finish(None);
        return CloseReason::Handshake;
    }
    tokio::select! {
        reason = serve(server, connection, input) => reason,
        never = keep_alive(server, connection) => match never {},
    }
}

/// From a good handshake to the end.
async fn serve<H: Hub>(
    server: &Shared<H>,
    connection: &Arc<Connection<H::Principal>>,
    input: Input<'_, H::Principal>,
) -> CloseReason {
    let present = Present::enter(server, connection);
    // Asked after entering: who drains either finds this connection or is seen here.
    if !server.accepts() {
        connection.close(None, true);
        return CloseReason::Server;
    }
    let begun = caught(async { server.hub.connected(connection).await }).await;
    let mut ending = match begun {
        Some(Ok(())) => {
            connection.answers.serve();
            let calls = caught(serve_calls(server, connection, input)).await;
            calls.unwrap_or(Ending::Panicked)
        }
        Some(Err(error)) => {
            tracing::debug!("refused by the hub");
            connection.close(Some(error.for_close(server.options.detailed_errors)), false);
            return CloseReason::Refused;
        }
        None => Ending::Panicked,
    };
    if ending == Ending::Panicked {
        connection.break_off();
    } else if connection.is_broken() {
        ending = Ending::Panicked;
    }
    connection.answers.close();
    connection.finish(None);
    let reason = ending.reason();
    let words = ending.words(connection);
    drop(present);
    let end = async { server.hub.disconnected(connection, words.as_deref()).await };
    if caught(end).await.is_none() {
        connection.break_off();
        return CloseReason::Panic;
    }
    reason
}

/// From the first call to the end of the last.
async fn serve_calls<H: Hub>(
    server: &Shared<H>,
    connection: &Arc<Connection<H::Principal>>,
    input: Input<'_, H::Principal>,
) -> Ending {
    let conclude = |ending: &Ending| conclude(ending, connection);
    tokio::select! {
        ending = dispatch::dispatch(server, connection, input, conclude) => ending,
        () = overtime(server, connection) => Ending::Gone,
    }
}

/// What the client is told of the end of reading. Calls that have a turn are still waited for.
fn conclude<P>(ending: &Ending, connection: &Connection<P>) {
    match ending {
        // Answers of calls that were made before may still reach a client that only stopped sending.
        Ending::ByServer | Ending::Gone | Ending::Panicked => {}
        Ending::ByClient(_) => connection.finish(None),
        Ending::TimedOut => connection.close(None, true),
        Ending::Unreadable(error) => {
            let error = format!("Connection closed with an error. {error}");
            connection.close(Some(error), true);
        }
    }
}

/// A call that is still running when the connection has ended gets this much longer.
async fn overtime<H: Hub>(server: &Shared<H>, connection: &Connection<H::Principal>) {
    connection.ended.cancelled().await;
    tokio::time::sleep(server.options.close_timeout).await;
}

async fn leave_on_stop<H: Hub>(
    server: &Shared<H>,
    connection: &Connection<H::Principal>,
) -> Infallible {
    server.stopping.cancelled().await;
    connection.close(None, true);
    std::future::pending().await
}

/// Pings when nothing waits to be written anyway. A long poll is its own sign of life.
///
/// A timer of its own for each connection: the official server looks at all of them every second,
/// which at 100,000 connections is 15 times the work for a ping that is up to a second later.
async fn keep_alive<H: Hub>(
    server: &Shared<H>,
    connection: &Connection<H::Principal>,
) -> Infallible {
    if connection.transport() == TransportKind::LongPolling {
        return std::future::pending().await;
    }
    let mut ticks = tokio::time::interval(server.options.keep_alive_interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        if connection.queued_bytes() == 0 {
            connection
                .outbound
                .put_control(connection.protocol().ping());
        }
    }
}

/// Findable while this lives, also if hub code panics.
struct Present<'a, H: Hub> {
    server: &'a Shared<H>,
    connection: &'a Connection<H::Principal>,
    /// Under which name it is filed, whatever credentials it gets later.
    user: Option<Arc<str>>,
}

impl<'a, H: Hub> Present<'a, H> {
    fn enter(server: &'a Shared<H>, connection: &'a Arc<Connection<H::Principal>>) -> Self {
        let owner = connection.principal();
        let user = H::user_key(&owner);
        Self {
            server,
            connection,
            user: server.registry.enter(connection, user.as_deref()),
        }
    }
}

impl<H: Hub> Drop for Present<'_, H> {
    fn drop(&mut self) {
        self.connection.answers.close();
        let user = self.user.as_deref();
        self.server.registry.leave(self.connection, user);
    }
}
