//! Connections by a name that many may share.
//!
//! A group exists while it has members. A broadcast holds the group's own lock, so all members see
//! the broadcasts to one group in the same order.

use std::{collections::HashMap, sync::Arc};

use foldhash::fast::RandomState;
use parking_lot::Mutex;

use super::sharded::Sharded;
use crate::Connection;

type Members<P> = HashMap<Arc<str>, Arc<Connection<P>>, RandomState>;

#[derive(Debug)]
pub(crate) struct Groups<P>(Sharded<Group<P>>);

#[derive(Debug)]
struct Group<P> {
    name: Arc<str>,
    /// By connection id. `None` once the last has left: the group is being taken out of the map,
    /// and who comes now makes a new one.
    members: Mutex<Option<Members<P>>>,
}

impl<P> Groups<P> {
    pub(super) fn new() -> Self {
        Self(Sharded::new())
    }

    /// Returns the group's name as it is shared by all members.
    pub(crate) fn join(&self, name: &str, connection: &Arc<Connection<P>>) -> Arc<str> {
        loop {
            let group = self.0.get_or_insert(name, |name| Group {
                name,
                members: Mutex::new(Some(Members::default())),
            });
            if let Some(members) = &mut *group.members.lock() {
                members.insert(connection.shared_id(), Arc::clone(connection));
                return Arc::clone(&group.name);
            }
            // Caught between its last member and its removal: finish that, and try again.
            self.0
                .remove_if(name, |present| Arc::ptr_eq(present, &group));
        }
    }

    pub(crate) fn leave(&self, name: &str, id: &str) {
        let Some(group) = self.0.get(name) else {
            return;
        };
        let mut slot = group.members.lock();
        let Some(members) = &mut *slot else { return };
        members.remove(id);
        if members.is_empty() {
            *slot = None;
            drop(slot);
            self.0
                .remove_if(name, |present| Arc::ptr_eq(present, &group));
        }
    }

    /// Calls `with` for each member under the group's lock: it must not come back here.
    pub(crate) fn each(&self, name: &str, with: &mut dyn FnMut(&Arc<Connection<P>>)) {
        if let Some(group) = self.0.get(name)
            && let Some(members) = &*group.members.lock()
        {
            members.values().for_each(with);
        }
    }

    pub(crate) fn count(&self, name: &str) -> usize {
        let group = self.0.get(name);
        group.map_or(0, |group| {
            group.members.lock().as_ref().map_or(0, Members::len)
        })
    }

    /// All names and how many are in each.
    pub(crate) fn sizes(&self) -> Vec<(Arc<str>, usize)> {
        let mut sizes = Vec::new();
        for group in self.0.values() {
            if let Some(members) = &*group.members.lock() {
                sizes.push((Arc::clone(&group.name), members.len()));
            }
        }
        sizes
    }
}
