//! Who is here: connections by public id, group and user, for the hub. By token: [`crate::places`].
//!
//! Sharded maps under short locks, never held across an await.

mod groups;
mod sharded;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::Notify;

use self::groups::Groups;
pub(crate) use self::sharded::Sharded;
use crate::{Connection, membership::Joined};

#[derive(Debug)]
pub(crate) struct Registry<P> {
    /// By public id, from the handshake to the end.
    live: Sharded<Connection<P>>,
    /// By name; the members are live.
    pub(crate) groups: Groups<P>,
    /// By [`Hub::user_key`](crate::Hub::user_key): a user's connections are a group like any other.
    pub(crate) users: Groups<P>,
    /// Running sessions, handshake included.
    sessions: AtomicUsize,
    /// Told whenever `sessions` becomes zero.
    emptied: Notify,
}

impl<P> Registry<P> {
    pub(crate) fn new() -> Self {
        Self {
            live: Sharded::new(),
            groups: Groups::new(),
            users: Groups::new(),
            sessions: AtomicUsize::new(0),
            emptied: Notify::new(),
        }
    }

    pub(crate) fn session(self: &Arc<Self>) -> SessionCount<P> {
        self.sessions.fetch_add(1, Ordering::AcqRel);
        SessionCount(Arc::clone(self))
    }

    /// Files a connection, under its user's name too. Answers that name.
    pub(crate) fn enter(
        self: &Arc<Self>,
        connection: &Arc<Connection<P>>,
        user: Option<&str>,
    ) -> Option<Arc<str>> {
        let membership = &connection.membership;
        membership.registry.get_or_init(|| Arc::clone(self));
        *membership.joined.lock() = Joined::In(Vec::new());
        self.live
            .insert(connection.shared_id(), Arc::clone(connection));
        user.map(|user| self.users.join(user, connection))
    }

    /// Takes it out of everything; nobody can put it in again.
    pub(crate) fn leave(&self, connection: &Connection<P>, user: Option<&str>) {
        self.live.remove(connection.id());
        let joined = std::mem::replace(&mut *connection.membership.joined.lock(), Joined::Outside);
        if let Joined::In(names) = joined {
            for name in names {
                self.groups.leave(&name, connection.id());
            }
        }
        if let Some(user) = user {
            self.users.leave(user, connection.id());
        }
    }

    pub(crate) fn get(&self, id: &str) -> Option<Arc<Connection<P>>> {
        self.live.get(id)
    }

    pub(crate) fn all(&self) -> Vec<Arc<Connection<P>>> {
        self.live.values()
    }

    /// Calls `with` for each connection, under short locks: it must not come back here.
    pub(crate) fn each(&self, with: &mut dyn FnMut(&Arc<Connection<P>>)) {
        self.live.each(with);
    }

    pub(crate) fn sessions(&self) -> usize {
        self.sessions.load(Ordering::Acquire)
    }

    /// Returns once no session runs.
    pub(crate) async fn wait_until_empty(&self) {
        loop {
            // Registered before looking, so that the last one's message is not missed.
            let emptied = self.emptied.notified();
            if self.sessions() == 0 {
                return;
            }
            emptied.await;
        }
    }
}

/// One running session; counts itself out when dropped, also by a panic.
#[derive(Debug)]
pub(crate) struct SessionCount<P>(Arc<Registry<P>>);

impl<P> Drop for SessionCount<P> {
    fn drop(&mut self) {
        if self.0.sessions.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.emptied.notify_waiters();
        }
    }
}
