//! Names of users that were looked up before, so that most publications need not look them up again: a round trip
//! to the database less.
//!
//! Nothing here is trusted. A name means one user for as long as that user exists, and the statement that writes
//! sees whether they still do (`store::ledger::append`); if not, the names are forgotten and looked up.
//!
//! Bound: 100,000 names, some 10 MB; then all are forgotten.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use parking_lot::Mutex;
use uuid::Uuid;

use super::draft::Draft;

const MOST: usize = 100_000;

type Map<K, V> = HashMap<K, V, RandomState>;

/// Inner ids of users by tenant and name.
#[derive(Default)]
pub(super) struct Known(Mutex<Names>);

#[derive(Default)]
struct Names {
    tenants: Map<Uuid, Map<Box<str>, Uuid>>,
    count: usize,
}

impl Known {
    /// Who that was when last seen.
    pub(super) fn user(&self, tenant: Uuid, key: &str) -> Option<Uuid> {
        self.0.lock().tenants.get(&tenant)?.get(key).copied()
    }

    /// That is who it is.
    pub(super) fn learn(&self, tenant: Uuid, key: String, user: Uuid) {
        let mut names = self.0.lock();
        if names.count >= MOST {
            *names = Names::default();
        }
        let users = names.tenants.entry(tenant).or_default();
        if users.insert(key.into(), user).is_none() {
            names.count += 1;
        }
    }

    /// Whom these name is not certain.
    pub(super) fn forget(&self, drafts: &[&Draft]) {
        let names = &mut *self.0.lock();
        for draft in drafts {
            let Some(users) = names.tenants.get_mut(&draft.publication.tenant) else {
                continue;
            };
            for key in &draft.users {
                if users.remove(key.as_str()).is_some() {
                    names.count -= 1;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_house_is_emptied() {
        let known = Known::default();
        for number in 0..MOST {
            known.learn(Uuid::nil(), number.to_string(), Uuid::max());
        }
        assert_eq!(known.user(Uuid::nil(), "7"), Some(Uuid::max()));
        assert_eq!(known.user(Uuid::max(), "7"), None, "another tenant's");
        known.learn(Uuid::nil(), "one more".to_owned(), Uuid::max());
        assert_eq!(known.user(Uuid::nil(), "7"), None);
        assert_eq!(known.user(Uuid::nil(), "one more"), Some(Uuid::max()));
    }
}
