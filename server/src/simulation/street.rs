//! Outside: sockets that carry things in order until they are cut, devices that show, forget to acknowledge, or
//! acknowledge late, twice and in any order, and phones with cards on their screens.

use std::collections::{BTreeSet, VecDeque};

/// What a socket carries to a device, in order.
#[derive(Default)]
pub(super) struct Socket {
    pub(super) device: usize,
    /// Written and not yet read.
    pub(super) wire: VecDeque<i64>,
    /// What this connection showed, in order.
    pub(super) read: Vec<i64>,
    /// Nothing comes through any more, and the server may not know it yet.
    pub(super) cut: bool,
}

/// How a device behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// Acks what it has read, sooner or later.
    Acks,
    /// Acks everything up to what it has read.
    AcksThrough,
    /// An existing client: never.
    Never,
}

/// A device and whoever looks at it.
pub(super) struct Person {
    pub(super) manner: Manner,
    /// Shown, each once: it dedupes by id.
    pub(super) shown: BTreeSet<i64>,
    /// Read, and not acknowledged so far.
    pub(super) unacked: BTreeSet<i64>,
    /// Acknowledgements under way: they may come late, twice, or never.
    pub(super) letters: Vec<Vec<i64>>,
    /// It has a token, so it can be pushed to.
    pub(super) registered: bool,
    /// Cards of pushes on its screen.
    pub(super) cards: BTreeSet<i64>,
}

impl Person {
    pub(super) fn new(manner: Manner, registered: bool) -> Self {
        Self {
            manner,
            shown: BTreeSet::new(),
            unacked: BTreeSet::new(),
            letters: Vec::new(),
            registered,
            cards: BTreeSet::new(),
        }
    }

    /// It reads one from a connection.
    pub(super) fn read(&mut self, seq: i64) {
        self.shown.insert(seq);
        self.unacked.insert(seq);
        // An app that is open clears what its lock screen said of it.
        self.cards.remove(&seq);
    }

    /// It writes an acknowledgement of what it has read.
    pub(super) fn write(&mut self) {
        let seqs: Vec<i64> = match self.manner {
            Manner::Never => return,
            Manner::Acks => self.unacked.iter().copied().collect(),
            Manner::AcksThrough => {
                let last = self.unacked.iter().next_back().copied().unwrap_or(0);
                (1..=last).filter(|seq| self.shown.contains(seq)).collect()
            }
        };
        if !seqs.is_empty() {
            self.letters.push(seqs);
        }
    }
}
