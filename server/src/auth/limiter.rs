//! How often somebody may try to sign in: per account and per address, each a bucket that refills.
//!
//! Bound: keys are hashed, with a seed nobody knows, into [`BUCKETS`] buckets, so names invented by
//! an attacker cost no memory; two accounts that share a bucket share its tries, which is rare.
//! Per node: N nodes allow N times as much.

use std::hash::{BuildHasher, Hash};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::support::address::household;
use crate::support::lifecycle::Lifecycle;

/// Different buckets at most, for accounts and for addresses each.
const BUCKETS: u64 = 1 << 18;

/// Tries at once, and how long one takes to come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tries {
    pub at_once: NonZeroU32,
    pub one_each: Duration,
}

impl Tries {
    /// Ten at once, then one each half minute.
    pub const PER_ACCOUNT: Self = Self {
        at_once: NonZeroU32::new(10).unwrap(),
        one_each: Duration::from_secs(30),
    };
    /// An office behind one address signs in at nine: sixty, then one each two seconds.
    pub const PER_ADDRESS: Self = Self {
        at_once: NonZeroU32::new(60).unwrap(),
        one_each: Duration::from_secs(2),
    };

    fn quota(self) -> Option<Quota> {
        Some(Quota::with_period(self.one_each)?.allow_burst(self.at_once))
    }
}

/// Counts tries. Cheap to clone.
#[derive(Clone)]
pub struct LoginLimiter(Arc<Counters>);

struct Counters {
    seed: foldhash::quality::RandomState,
    accounts: DefaultKeyedRateLimiter<u64>,
    addresses: DefaultKeyedRateLimiter<u64>,
}

impl Default for LoginLimiter {
    fn default() -> Self {
        Self::new(Tries::PER_ACCOUNT, Tries::PER_ADDRESS)
    }
}

impl LoginLimiter {
    /// With these limits. A period of zero means one second.
    #[must_use]
    pub fn new(account: Tries, address: Tries) -> Self {
        let keyed = |tries: Tries| {
            RateLimiter::keyed(tries.quota().unwrap_or(Quota::per_second(tries.at_once)))
        };
        Self(Arc::new(Counters {
            seed: foldhash::quality::RandomState::default(),
            accounts: keyed(account),
            addresses: keyed(address),
        }))
    }

    /// Takes one try; `false`: too many, whatever the password. Every try counts, right or wrong,
    /// and unknown accounts count like known ones, so the answer tells nothing.
    #[must_use]
    pub fn try_once(&self, account: &str, address: Option<IpAddr>) -> bool {
        let address_ok = address.is_none_or(|address| {
            self.0
                .addresses
                .check_key(&self.bucket(household(address)))
                .is_ok()
        });
        // Asked second: a blocked address does not eat other people's tries.
        address_ok && self.0.accounts.check_key(&self.bucket(account)).is_ok()
    }

    fn bucket(&self, key: impl Hash) -> u64 {
        self.0.seed.hash_one(key) % BUCKETS
    }

    /// Forgets buckets that are full again, once a minute.
    pub fn spawn_sweep(&self, life: &Lifecycle) {
        let (limiter, stopping) = (self.clone(), life.stopping());
        life.spawn("login limiter", async move {
            while tokio::time::timeout(Duration::from_mins(1), stopping.cancelled())
                .await
                .is_err()
            {
                limiter.sweep();
            }
        });
    }

    fn sweep(&self) {
        for counters in [&self.0.accounts, &self.0.addresses] {
            counters.retain_recent();
            counters.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(account: u32, address: u32) -> LoginLimiter {
        let tries = |at_once| Tries {
            at_once: NonZeroU32::new(at_once).unwrap(),
            one_each: Duration::from_hours(1),
        };
        LoginLimiter::new(tries(account), tries(address))
    }

    #[test]
    fn an_account_is_limited_from_everywhere_and_an_address_for_every_account() {
        let limiter = limiter(2, 4);
        let at = |text: &str| Some(text.parse().unwrap());
        assert!(limiter.try_once("ada", at("1.1.1.1")));
        assert!(limiter.try_once("ada", at("2.2.2.2")));
        assert!(!limiter.try_once("ada", at("3.3.3.3")));
        assert!(limiter.try_once("bob", at("2001:db8::1")));
        assert!(limiter.try_once("bob", at("2001:db8::2")));
        assert!(limiter.try_once("cy", at("2001:db8::3")));
        assert!(limiter.try_once("di", at("2001:db8::4")));
        assert!(!limiter.try_once("ed", at("2001:db8::5")));
        // A refused address did not cost that account anything.
        assert!(limiter.try_once("ed", at("4.4.4.4")));
        limiter.sweep();
        assert!(!limiter.try_once("ada", None));
    }
}
