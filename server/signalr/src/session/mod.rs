//! The life of one connection, the same over every transport: handshake, calls, end.
//!
//! Reads the connection's inbox and fills its queue; a transport does the opposite on the other
//! side. Runs inside the connection's one task. Ends when the client closed or is lost and what it
//! sent before was handled, when the server closed, or when the server stops.

mod dispatch;
mod handshake;
mod input;
mod replies;

use std::{convert::Infallible, panic::AssertUnwindSafe, sync::Arc};

use futures_util::FutureExt;
use tokio::time::MissedTickBehavior;
use tracing::Instrument;

use crate::{Connection, Hub, protocol::TransportKind, registry::Registry, server::Shared};
use input::Input;

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
}

pub(crate) async fn run<H: Hub>(
    server: &Arc<Shared<H>>,
    connection: &Arc<Connection<H::Principal>>,
) {
    let _counted = server.registry.session();
    let transport = connection.transport().name();
    let span = tracing::debug_span!("signalr.connection", transport);
    async {
        tokio::select! {
            end = AssertUnwindSafe(talk(server, connection)).catch_unwind() => {
                if end.is_err() {
                    tracing::error!("hub code panicked");
                    connection.close(Some("Connection closed with an error.".to_owned()), true);
                }
            }
            never = leave_on_stop(server, connection) => match never {},
        }
        tracing::debug!("session over");
    }
    .instrument(span)
    .await;
}

async fn talk<H: Hub>(server: &Shared<H>, connection: &Arc<Connection<H::Principal>>) {
    let mut input = Input::new(connection, server.options.max_message_bytes);
    if handshake::handshake(connection, &mut input, &server.options)
        .await
        .is_err()
    {
        return connection.finish(None);
    }
    tokio::select! {
        () = serve(server, connection, input) => {}
        never = keep_alive(server, connection) => match never {},
    }
}

/// From a good handshake to the end.
async fn serve<H: Hub>(
    server: &Shared<H>,
    connection: &Arc<Connection<H::Principal>>,
    input: Input<'_, H::Principal>,
) {
    let present = Present::enter(&server.registry, connection);
    // Asked after entering: who drains either finds this connection or is seen here.
    if !server.accepts() {
        return connection.close(None, true);
    }
    if let Err(error) = server.hub.connected(connection).await {
        tracing::debug!("refused by the hub");
        return connection.close(Some(error.for_close(server.options.detailed_errors)), false);
    }
    let ending = tokio::select! {
        ending = dispatch::dispatch(server, connection, input) => ending,
        () = overtime(server, connection) => Ending::Gone,
    };
    let reason = match ending {
        Ending::ByServer => None,
        Ending::ByClient(error) => {
            connection.finish(None);
            error
        }
        Ending::Gone => {
            connection.finish(None);
            connection.lost().map(str::to_owned)
        }
        Ending::TimedOut => {
            connection.close(None, true);
            Some("The client was silent for longer than the client timeout.".to_owned())
        }
        Ending::Unreadable(error) => {
            connection.close(
                Some(format!("Connection closed with an error. {error}")),
                true,
            );
            Some(error)
        }
    };
    drop(present);
    server.hub.disconnected(connection, reason.as_deref()).await;
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

/// Findable by its public id while this lives, also if hub code panics.
struct Present<'a, P>(&'a Registry<P>, &'a Connection<P>);

impl<'a, P> Present<'a, P> {
    fn enter(registry: &'a Registry<P>, connection: &'a Arc<Connection<P>>) -> Self {
        registry.enter(connection);
        Self(registry, connection)
    }
}

impl<P> Drop for Present<'_, P> {
    fn drop(&mut self) {
        self.0.leave(self.1);
    }
}
