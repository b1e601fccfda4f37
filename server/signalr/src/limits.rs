//! Which bounds were met, and how often: for the host's metrics and log.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::Observer;

/// A bound of [`HubOptions`](crate::HubOptions) that a client met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// [`max_reservations`](crate::HubOptions::max_reservations): a negotiate was answered 503.
    Reservations,
    /// [`max_connections_per_user`](crate::HubOptions::max_connections_per_user): answered 429.
    ConnectionsPerUser,
    /// [`max_connections_per_address`](crate::HubOptions::max_connections_per_address): answered 429.
    ConnectionsPerAddress,
    /// [`handshake_timeout`](crate::HubOptions::handshake_timeout): the connection was closed.
    HandshakeTimeout,
    /// [`max_message_bytes`](crate::HubOptions::max_message_bytes) or
    /// [`max_websocket_message_bytes`](crate::HubOptions::max_websocket_message_bytes): the
    /// connection was closed.
    MessageBytes,
    /// [`max_invocations_per_second`](crate::HubOptions::max_invocations_per_second): the connection
    /// was closed.
    InvocationsPerSecond,
    /// [`max_queued_bytes`](crate::HubOptions::max_queued_bytes): the message was refused, held back,
    /// or the connection closed, as [`slow_client`](crate::HubOptions::slow_client) says.
    QueuedBytes,
    /// [`send_timeout`](crate::HubOptions::send_timeout): the connection was cut.
    SendTimeout,
    /// [`post_timeout`](crate::HubOptions::post_timeout): a POST was answered 408.
    PostTimeout,
    /// [`max_post_bytes`](crate::HubOptions::max_post_bytes): a POST was answered 413.
    PostBytes,
    /// [`max_waiting_posts`](crate::HubOptions::max_waiting_posts): a POST was answered 429.
    WaitingPosts,
    /// [`resume_window`](crate::HubOptions::resume_window): a lost client did not come back in time.
    ResumeWindow,
    /// [`max_open_replies`](crate::HubOptions::max_open_replies): the client's next call waited, or
    /// was refused because too many wait for an answer.
    OpenReplies,
    /// [`stream_buffer_capacity`](crate::HubOptions::stream_buffer_capacity): a method did not read
    /// its upload fast enough, so the connection's input waited.
    StreamBuffer,
    /// [`resume_buffer_bytes`](crate::HubOptions::resume_buffer_bytes): a client confirmed so late
    /// that its connection goes on, and can no longer be resumed.
    ResumeBuffer,
    /// [`max_reservations_per_user`](crate::HubOptions::max_reservations_per_user): a negotiate was
    /// answered 429.
    ReservationsPerUser,
}

impl Limit {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::Reservations,
        Self::ConnectionsPerUser,
        Self::ConnectionsPerAddress,
        Self::HandshakeTimeout,
        Self::MessageBytes,
        Self::InvocationsPerSecond,
        Self::QueuedBytes,
        Self::SendTimeout,
        Self::PostTimeout,
        Self::PostBytes,
        Self::WaitingPosts,
        Self::ResumeWindow,
        Self::OpenReplies,
        Self::StreamBuffer,
        Self::ResumeBuffer,
        Self::ReservationsPerUser,
    ];

    /// A stable name for metrics, in snake case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reservations => "reservations",
            Self::ConnectionsPerUser => "connections_per_user",
            Self::ConnectionsPerAddress => "connections_per_address",
            Self::HandshakeTimeout => "handshake_timeout",
            Self::MessageBytes => "message_bytes",
            Self::InvocationsPerSecond => "invocations_per_second",
            Self::QueuedBytes => "queued_bytes",
            Self::SendTimeout => "send_timeout",
            Self::PostTimeout => "post_timeout",
            Self::PostBytes => "post_bytes",
            Self::WaitingPosts => "waiting_posts",
            Self::ResumeWindow => "resume_window",
            Self::OpenReplies => "open_replies",
            Self::StreamBuffer => "stream_buffer",
            Self::ResumeBuffer => "resume_buffer",
            Self::ReservationsPerUser => "reservations_per_user",
        }
    }
}

/// Counts hits and tells the host of each.
pub(crate) struct Limits {
    /// In the order of [`Limit::ALL`].
    hits: [AtomicU64; Limit::ALL.len()],
    observer: Arc<dyn Observer>,
}

impl Limits {
    pub(crate) fn new(observer: Arc<dyn Observer>) -> Self {
        Self {
            hits: Default::default(),
            observer,
        }
    }

    pub(crate) fn hit(&self, limit: Limit) {
        self.hits[limit as usize].fetch_add(1, Ordering::Relaxed);
        tracing::debug!(limit = limit.name(), "a bound was met");
        self.observer.limited(limit);
    }

    pub(crate) fn hits(&self, limit: Limit) -> u64 {
        self.hits[limit as usize].load(Ordering::Relaxed)
    }
}

impl std::fmt::Debug for Limits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.hits.iter().map(|hits| hits.load(Ordering::Relaxed)))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_has_a_counter_and_a_name_of_its_own() {
        #[derive(Debug, Default)]
        struct Told(AtomicU64);

        impl Observer for Told {
            fn limited(&self, _: Limit) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }

        let told = Arc::new(Told::default());
        let limits = Limits::new(Arc::<Told>::clone(&told));
        for (index, limit) in Limit::ALL.into_iter().enumerate() {
            assert_eq!(limit as usize, index);
            assert_eq!(limits.hits(limit), 0);
            limits.hit(limit);
            assert_eq!(limits.hits(limit), 1);
        }
        assert_eq!(told.0.load(Ordering::Relaxed), 16);
        let mut names = Limit::ALL.map(Limit::name).to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 16);
    }
}
