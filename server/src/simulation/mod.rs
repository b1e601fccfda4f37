//! The rules of delivery, walked: a simulated ledger, server, network and devices under a simulated clock, and
//! every step of theirs in random order, with crashes between any two. What decides is the product's own code:
//! the states (`app::model::delivery`), the ladder, the gate of a connection, the set of what a device has.
//! What is simulated is what surrounds it: rows and their conditional updates, sockets, phones, time.
//!
//! After each step: nothing ends twice; each connection's numbers ascend and none comes twice; no rung is climbed
//! for what is settled; whatever is not settled has a next step. At the end of each history, when the
//! weather clears: nothing accepted is lost, everything was shown once to each who dedupes, and no phone shows
//! what is settled. A seed is a history: a failing one replays.
//!
//! `cargo xtask simulate` walks a million; the tests ten thousand, with a fresh seed each time.

mod book;
mod desk;
mod dice;
mod steps;
mod street;
mod walk;

pub use walk::{Failure, Tally, walk};

#[cfg(test)]
mod tests {
    use super::*;

    /// The variable that replays a seed, or begins with it.
    const SEED: &str = "BELLHOP_SIMULATE_SEED";

    #[test]
    fn ten_thousand_histories() {
        let replayed = std::env::var(SEED).ok().and_then(|text| text.parse().ok());
        let first: u64 = replayed.unwrap_or_else(|| {
            let id = crate::support::ids::Ids::new(crate::support::clock::Clock::system());
            u64::from_be_bytes(id.bytes()) >> 16
        });
        let count = if replayed.is_some() { 1 } else { 10_000 };
        println!("seed {first}");
        let mut tally = Tally::default();
        for seed in first..first + count {
            match walk(seed) {
                Ok(one) => tally.add(&one),
                Err(failure) => panic!(
                    "{failure}\nagain: {SEED}={seed} cargo xtask test ten_thousand_histories"
                ),
            }
        }
        println!("{tally}");
        // A simulation in which nothing happens proves nothing.
        if replayed.is_none() {
            for (what, count) in tally.all() {
                assert!(count > 100, "{what} happened {count} times in {tally}");
            }
        }
    }
}
