//! A connection endpoint without hub messages: bytes in, bytes out, over every transport.
//!
//! Negotiation, transports, limits and draining are those of a hub; what the bytes mean is the
//! endpoint's. Stateful reconnect counts hub messages and is therefore never offered here.

use std::{
    borrow::Cow,
    future::{Future, poll_fn},
    sync::Arc,
};

use axum::Router;
use bytes::Bytes;
use tokio::sync::Mutex;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Admission, Connection, HubOptions, Limit, SendError,
    endpoint::Endpoint,
    protocol::TransferFormat,
    router,
    server::{Shared, random_bytes},
    shield::caught,
};

/// What a user of a raw connection implements.
///
/// ```
/// # use signalr::{RawConnection, RawEndpoint};
/// struct Echo;
///
/// impl RawEndpoint for Echo {
///     type Principal = ();
///
///     fn same_identity((): &(), (): &()) -> bool {
///         true
///     }
///
///     async fn serve(&self, connection: RawConnection<()>) {
///         while let Some(bytes) = connection.receive().await {
///             if connection.send(bytes).await.is_err() {
///                 return;
///             }
///         }
///     }
/// }
/// ```
pub trait RawEndpoint: Send + Sync + 'static {
    /// As [`Hub::Principal`](crate::Hub::Principal).
    type Principal: Clone + Send + Sync + 'static;

    /// As [`Hub::same_identity`](crate::Hub::same_identity).
    fn same_identity(first: &Self::Principal, later: &Self::Principal) -> bool;

    /// As [`Hub::user_key`](crate::Hub::user_key).
    fn user_key(principal: &Self::Principal) -> Option<Cow<'_, str>> {
        let _ = principal;
        None
    }

    /// The life of one connection. It is closed when this returns; dropped some seconds after the
    /// client is gone.
    fn serve(&self, connection: RawConnection<Self::Principal>) -> impl Future<Output = ()> + Send;
}

/// One connection's bytes in both directions.
#[derive(Debug)]
pub struct RawConnection<P> {
    connection: Arc<Connection<P>>,
    /// The bytes are one stream: of two tasks that wait for them one is first.
    receiving: Mutex<()>,
}

impl<P> RawConnection<P> {
    /// The next bytes, however the client and the transport cut them; `None` at the end. Of several
    /// tasks that call this each gets other bytes, in the order in which they asked.
    pub async fn receive(&self) -> Option<Bytes> {
        let _turn = self.receiving.lock().await;
        poll_fn(|cx| self.connection.inbox.poll_next(cx)).await
    }

    /// Sends bytes: one WebSocket message, one event, or a piece of a poll. Waits while the queue is
    /// over [`max_queued_bytes`](HubOptions::max_queued_bytes).
    pub async fn send(&self, bytes: Bytes) -> Result<(), SendError> {
        loop {
            let mut drained = std::pin::pin!(self.connection.outbound.drained());
            drained.as_mut().enable();
            match self.connection.outbound.try_put(bytes.clone()) {
                Ok(_) => return Ok(()),
                Err(SendError::Full) => drained.await,
                Err(error) => return Err(error),
            }
        }
    }

    /// What kind of WebSocket messages [`send`](Self::send) makes; text to begin with.
    pub fn set_format(&self, format: TransferFormat) {
        self.connection.set_binary(format == TransferFormat::Binary);
    }

    /// The connection: its ids, principal and what is known of its request.
    pub fn connection(&self) -> &Arc<Connection<P>> {
        &self.connection
    }
}

/// A raw endpoint on its route; otherwise as [`HubServer`](crate::HubServer).
pub struct RawServer<R: RawEndpoint> {
    shared: Arc<Shared<Raw<R>>>,
}

impl<R: RawEndpoint> RawServer<R> {
    /// A server with tokens from the operating system's randomness.
    pub fn new(
        endpoint: R,
        options: HubOptions,
        tracker: TaskTracker,
        stopping: CancellationToken,
    ) -> Self {
        let options = HubOptions {
            stateful_reconnect: false,
            ..options
        };
        let (endpoint, tokens) = (Arc::new(Raw(endpoint)), Arc::new(random_bytes));
        Self {
            shared: Arc::new(Shared::new(endpoint, options, tracker, stopping, tokens)),
        }
    }

    /// As [`HubServer::with_admission`](crate::HubServer::with_admission).
    #[must_use]
    pub fn with_admission(self, admission: impl Admission<R::Principal>) -> Self {
        Self {
            shared: Arc::new(self.shared.with_admission(admission)),
        }
    }

    /// As [`HubServer::router`](crate::HubServer::router).
    pub fn router<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        router::router(Arc::clone(&self.shared))
    }

    /// How many connections there are.
    pub fn count(&self) -> usize {
        self.shared.registry.sessions()
    }

    /// How often a bound was met so far.
    pub fn hits(&self, limit: Limit) -> u64 {
        self.shared.limits.hits(limit)
    }
}

impl<R: RawEndpoint> std::fmt::Debug for RawServer<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawServer")
            .field("connections", &self.count())
            .finish_non_exhaustive()
    }
}

/// A user's endpoint as the transports see it.
pub(crate) struct Raw<R>(R);

impl<R: RawEndpoint> Endpoint for Raw<R> {
    type Principal = R::Principal;

    fn same_identity(first: &R::Principal, later: &R::Principal) -> bool {
        R::same_identity(first, later)
    }

    fn user_key(principal: &R::Principal) -> Option<Cow<'_, str>> {
        R::user_key(principal)
    }

    async fn serve(server: &Arc<Shared<Self>>, connection: &Arc<Connection<R::Principal>>) {
        connection.set_raw();
        let _counted = server.registry.session();
        let raw = RawConnection {
            connection: Arc::clone(connection),
            receiving: Mutex::default(),
        };
        let gone = async {
            tokio::select! {
                () = connection.ended.cancelled() => {}
                () = server.stopping.cancelled() => connection.finish(None),
            }
            tokio::time::sleep(server.options.close_timeout).await;
        };
        tokio::select! {
            end = caught(async { server.hub.0.serve(raw).await }) => if end.is_none() {
                connection.break_off();
            },
            () = gone => {}
        }
        connection.finish(None);
    }
}
