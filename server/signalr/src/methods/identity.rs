//! Who calls a method.

use std::borrow::Cow;

/// Who connects to a hub of [`Methods`](crate::Methods).
pub trait Identity: Clone + Send + Sync + 'static {
    /// Whether a later request of one connection comes from the same user as the first.
    fn is_same(&self, later: &Self) -> bool;

    /// Under which name [`Clients::user`](crate::Clients::user) finds this one's connections.
    fn user_key(&self) -> Option<Cow<'_, str>> {
        None
    }
}

/// Nobody in particular: for hubs that are open to all. The host still has to say so, with
/// `.layer(Extension(Anonymous))`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anonymous;

impl Identity for Anonymous {
    fn is_same(&self, _later: &Self) -> bool {
        true
    }
}
