//! What the hub's side keeps with a connection: where it is filed, and what it is asked.

use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use crate::{client_call::Answers, registry::Registry};

#[derive(Debug)]
pub(crate) struct Place<P> {
    /// Set when the connection enters, after its handshake.
    pub(crate) registry: OnceLock<Arc<Registry<P>>>,
    /// The groups it is in. Held while they are changed, so that nobody joins after the end.
    pub(crate) groups: Mutex<Groups>,
    /// Answers of the client that are waited for.
    pub(crate) answers: Answers,
}

impl<P> Default for Place<P> {
    fn default() -> Self {
        Self {
            registry: OnceLock::new(),
            groups: Mutex::new(Groups::Outside),
            answers: Answers::default(),
        }
    }
}

#[derive(Debug)]
pub(crate) enum Groups {
    /// Not entered yet, or left for good.
    Outside,
    In(Vec<Arc<str>>),
}
