//! A hub on its route: what the host creates, mounts, asks and stops.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use aws_lc_rs::rand::SecureRandom;
use axum::Router;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Admission, Clients, Connection, Hub, HubOptions, Limit, admission::OpenDoor, census::Census,
    drain, endpoint::Endpoint, limits::Limits, places::Places, registry::Registry, router,
    shield::Shielded,
};

/// Where ids and tokens come from: 16 unguessable bytes a call.
pub type TokenSource = Arc<dyn Fn() -> [u8; 16] + Send + Sync>;

/// Serves one [`Hub`]. A cheap handle: clones serve the same connections.
///
/// Every task runs on the tracker it was given. When the token it was given is cancelled, nobody new
/// is let in and all are told to come back elsewhere; [`drain`](Self::drain) before that does the
/// same gently.
pub struct HubServer<H: Hub> {
    pub(crate) shared: Arc<Shared<H>>,
}

/// What all parts of one server share.
pub(crate) struct Shared<E: Endpoint> {
    pub(crate) hub: Arc<E>,
    pub(crate) options: HubOptions,
    pub(crate) admission: Arc<dyn Admission<E::Principal>>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) users: Arc<Census>,
    pub(crate) addresses: Arc<Census>,
    /// Of users' reservations.
    pub(crate) reservers: Arc<Census>,
    pub(crate) places: Arc<Places<E::Principal>>,
    pub(crate) registry: Arc<Registry<E::Principal>>,
    pub(crate) tracker: TaskTracker,
    pub(crate) stopping: CancellationToken,
    /// False once draining has begun; never true again.
    accepting: AtomicBool,
    tokens: TokenSource,
}

impl<H: Hub> HubServer<H> {
    /// A server with tokens from the operating system's randomness.
    pub fn new(
        hub: impl Into<Arc<H>>,
        options: HubOptions,
        tracker: TaskTracker,
        stopping: CancellationToken,
    ) -> Self {
        Self::with_tokens(hub, options, tracker, stopping, Arc::new(random_bytes))
    }

    /// A server with tokens of the host's choice.
    pub fn with_tokens(
        hub: impl Into<Arc<H>>,
        options: HubOptions,
        tracker: TaskTracker,
        stopping: CancellationToken,
        tokens: TokenSource,
    ) -> Self {
        Self {
            shared: Arc::new(Shared::new(hub.into(), options, tracker, stopping, tokens)),
        }
    }

    /// The host's say about who comes in. To be called before the first router is made.
    #[must_use]
    pub fn with_admission(self, admission: impl Admission<H::Principal>) -> Self {
        Self {
            shared: Arc::new(self.shared.with_admission(admission)),
        }
    }

    /// How often a bound was met so far.
    pub fn hits(&self, limit: Limit) -> u64 {
        self.shared.limits.hits(limit)
    }

    /// The routes, relative to where the host nests them: the path itself, `negotiate` and `refresh`.
    ///
    /// Official servers match paths without regard to case. This router does so for its own; for the
    /// path it is nested at see [`any_case`](crate::any_case). The host's middleware must put a
    /// [`Hub::Principal`] into each request's extensions, must not compress or time out these
    /// routes, and answers CORS preflights. WebSockets over HTTP/2 need extended CONNECT, which
    /// hyper's builders leave off: call `http2().enable_connect_protocol()`.
    pub fn router<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        router::router(Arc::clone(&self.shared))
    }

    /// The hub it serves.
    pub fn hub(&self) -> &Arc<H> {
        &self.shared.hub
    }

    /// The connection with this public id, if its handshake is done and it has not ended.
    pub fn get(&self, id: &str) -> Option<Arc<Connection<H::Principal>>> {
        self.shared.registry.get(id)
    }

    /// All connections as of now.
    pub fn connections(&self) -> Vec<Arc<Connection<H::Principal>>> {
        self.shared.registry.all()
    }

    /// All connections by id, group and user: a handle for other parts of the process.
    pub fn clients(&self) -> Clients<H::Principal> {
        Clients::new(Arc::clone(&self.shared.registry))
    }

    /// How many connections there are, those in their handshake included.
    pub fn count(&self) -> usize {
        self.shared.registry.sessions()
    }

    /// Lets nobody new in (503), closes all connections in rounds of `batch` spread evenly over
    /// `over`, telling clients to come back, and waits until the last session has ended.
    ///
    /// A connection whose turn it is starts no more calls; those that run have
    /// [`drain_calls_timeout`](HubOptions::drain_calls_timeout) to be answered first.
    ///
    /// A client that does not read may take until its transport's timeouts: bound the wait.
    pub fn drain(&self, batch: usize, over: Duration) -> impl Future<Output = ()> + Send + use<H> {
        drain::drain(Arc::clone(&self.shared), batch, over)
    }
}

impl<E: Endpoint> Shared<E> {
    pub(crate) fn new(
        hub: Arc<E>,
        mut options: HubOptions,
        tracker: TaskTracker,
        stopping: CancellationToken,
        tokens: TokenSource,
    ) -> Self {
        options.observer = Arc::new(Shielded(options.observer));
        let limits = Arc::new(Limits::new(Arc::clone(&options.observer)));
        Self {
            hub,
            options,
            admission: Arc::new(OpenDoor),
            limits,
            users: Arc::default(),
            addresses: Arc::default(),
            reservers: Arc::default(),
            places: Arc::new(Places::new()),
            registry: Arc::new(Registry::new()),
            tracker,
            stopping,
            accepting: AtomicBool::new(true),
            tokens,
        }
    }

    /// The same server with the host's say.
    pub(crate) fn with_admission(&self, admission: impl Admission<E::Principal>) -> Self {
        Self {
            hub: Arc::clone(&self.hub),
            options: self.options.clone(),
            admission: Arc::new(admission),
            limits: Arc::clone(&self.limits),
            users: Arc::clone(&self.users),
            addresses: Arc::clone(&self.addresses),
            reservers: Arc::clone(&self.reservers),
            places: Arc::clone(&self.places),
            registry: Arc::clone(&self.registry),
            tracker: self.tracker.clone(),
            stopping: self.stopping.clone(),
            accepting: AtomicBool::new(self.accepts()),
            tokens: Arc::clone(&self.tokens),
        }
    }

    pub(crate) fn accepts(&self) -> bool {
        self.accepting.load(Ordering::Acquire) && !self.stopping.is_cancelled()
    }

    pub(crate) fn stop_accepting(&self) {
        self.accepting.store(false, Ordering::Release);
    }

    /// A new id or token, 22 characters.
    pub(crate) fn token(&self) -> Arc<str> {
        BASE64_URL_SAFE_NO_PAD.encode((self.tokens)()).into()
    }
}

impl<H: Hub> Clone for HubServer<H> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<H: Hub> std::fmt::Debug for HubServer<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HubServer")
            .field("connections", &self.count())
            .finish_non_exhaustive()
    }
}

pub(crate) fn random_bytes() -> [u8; 16] {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::SystemRandom::new()
        .fill(&mut bytes)
        .expect("the operating system's randomness does not fail once the process runs");
    bytes
}
