//! Who is here: connections by their secret token, for requests, and by public id, group and user,
//! for the hub.
//!
//! Sharded maps under short locks, never held across an await. Reservations that nobody used are
//! thrown out by the next negotiate and are invisible before that, so no task is needed for them.

mod groups;
mod sharded;

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use parking_lot::Mutex;
use tokio::{sync::Notify, time::Instant};

use self::{groups::Groups, sharded::Sharded};
use crate::{Connection, place, slot::Slot};

#[derive(Debug)]
pub(crate) struct Registry<P> {
    /// By token. Entered by negotiate; removed by the transport that used it, or when expired.
    slots: Sharded<Slot<P>>,
    /// By public id, from the handshake to the end.
    live: Sharded<Connection<P>>,
    /// By name; the members are live.
    pub(crate) groups: Groups<P>,
    /// By [`Hub::user_key`](crate::Hub::user_key): a user's connections are a group like any other.
    pub(crate) users: Groups<P>,
    /// When each reservation ends, oldest first: all last equally long.
    reservations: Mutex<VecDeque<(Instant, Arc<str>)>>,
    /// Running sessions, handshake included.
    sessions: AtomicUsize,
    /// Told whenever `sessions` becomes zero.
    emptied: Notify,
}

impl<P> Registry<P> {
    pub(crate) fn new() -> Self {
        Self {
            slots: Sharded::new(),
            live: Sharded::new(),
            groups: Groups::new(),
            users: Groups::new(),
            reservations: Mutex::default(),
            sessions: AtomicUsize::new(0),
            emptied: Notify::new(),
        }
    }

    /// Keeps a place until `until`.
    pub(crate) fn reserve(&self, slot: Slot<P>, until: Instant) {
        let token = Arc::clone(&slot.token);
        self.slots.insert(Arc::clone(&token), Arc::new(slot));
        let mut reservations = self.reservations.lock();
        reservations.push_back((until, token));
        let now = Instant::now();
        while reservations.front().is_some_and(|(until, _)| *until <= now) {
            let Some((_, token)) = reservations.pop_front() else {
                break;
            };
            if self
                .slots
                .get(&token)
                .is_some_and(|slot| slot.is_expired(now))
            {
                self.slots.remove(&token);
            }
        }
    }

    pub(crate) fn slot(&self, token: &str) -> Option<Arc<Slot<P>>> {
        self.slots
            .get(token)
            .filter(|slot| !slot.is_expired(Instant::now()))
    }

    pub(crate) fn forget(&self, token: &str) {
        self.slots.remove(token);
    }

    pub(crate) fn session(self: &Arc<Self>) -> SessionCount<P> {
        self.sessions.fetch_add(1, Ordering::AcqRel);
        SessionCount(Arc::clone(self))
    }

    /// Files a connection, under its user's name too.
    pub(crate) fn enter(self: &Arc<Self>, connection: &Arc<Connection<P>>, user: Option<&str>) {
        let place = &connection.place;
        place.registry.get_or_init(|| Arc::clone(self));
        *place.groups.lock() = place::Groups::In(Vec::new());
        self.live
            .insert(connection.shared_id(), Arc::clone(connection));
        if let Some(user) = user {
            self.users.join(user, connection);
        }
    }

    /// Takes it out of everything; nobody can put it in again.
    pub(crate) fn leave(&self, connection: &Connection<P>, user: Option<&str>) {
        self.live.remove(connection.id());
        let joined =
            std::mem::replace(&mut *connection.place.groups.lock(), place::Groups::Outside);
        if let place::Groups::In(names) = joined {
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
