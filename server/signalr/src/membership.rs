//! Where a connection is filed: the registry it is in, and the groups it has joined.

use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use crate::registry::Registry;

#[derive(Debug)]
pub(crate) struct Membership<P> {
    /// Set when the connection enters, after its handshake.
    pub(crate) registry: OnceLock<Arc<Registry<P>>>,
    /// Held while groups are changed, so that nobody joins after the end.
    pub(crate) joined: Mutex<Joined>,
}

impl<P> Default for Membership<P> {
    fn default() -> Self {
        Self {
            registry: OnceLock::new(),
            joined: Mutex::new(Joined::Outside),
        }
    }
}

/// The groups that a connection is in.
#[derive(Debug)]
pub(crate) enum Joined {
    /// Not entered yet, or left for good.
    Outside,
    In(Vec<Arc<str>>),
}
