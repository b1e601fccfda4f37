//! The live numbers of rail and bell. The server owns them; nothing here counts.

use leptos::prelude::*;

use super::server_fns::load_badges;
use crate::live::follow::{Plan, Snapshot, follow};
use crate::model::approval::ApprovalCounts;
use crate::model::attendance::BoardTiles;
use crate::model::badges::Badges;
use crate::model::inbox::InboxCounts;
use crate::protocol::{Patch, topic};
use crate::wire;

/// The numbers. Pages write them too: an answer to a mark or a decision carries newer ones.
#[derive(Clone, Copy)]
pub struct Counts {
    /// Unseen and unread.
    pub inbox: RwSignal<InboxCounts>,
    /// Waiting on me, …
    pub approvals: RwSignal<ApprovalCounts>,
    /// People who are in; `None` without the role hr.
    pub present: RwSignal<Option<i64>>,
}

impl Counts {
    /// Puts zeros into context.
    pub fn provide() {
        provide_context(Self {
            inbox: RwSignal::default(),
            approvals: RwSignal::default(),
            present: RwSignal::default(),
        });
    }

    /// The page's counts.
    #[must_use]
    pub fn here() -> Self {
        use_context().unwrap_or_else(|| Self {
            inbox: RwSignal::default(),
            approvals: RwSignal::default(),
            present: RwSignal::default(),
        })
    }

    /// All at once.
    pub fn set(self, badges: &Badges) {
        self.inbox.set(badges.inbox);
        self.approvals.set(badges.approvals);
        self.present.set(badges.present);
    }

    /// Follows the topics behind the numbers.
    pub fn follow(self, badges: &Badges) {
        let inbox = Callback::new(move |patch: Patch| {
            if let Some(counts) = read::<InboxCounts>(&patch) {
                self.inbox.set(counts);
            }
        });
        self.one(
            topic::INBOX,
            badges.inbox_as_of,
            |badges| badges.inbox_as_of,
            inbox,
        );
        let approvals = Callback::new(move |patch: Patch| {
            if let Some(counts) = read::<ApprovalCounts>(&patch) {
                self.approvals.set(counts);
            }
        });
        self.one(
            topic::APPROVALS,
            badges.approvals_as_of,
            |it| it.approvals_as_of,
            approvals,
        );
        if badges.present.is_some() {
            let present = Callback::new(move |patch: Patch| {
                if let Some(tiles) = read::<BoardTiles>(&patch) {
                    self.present.set(Some(tiles.present));
                }
            });
            self.one(
                topic::ATTENDANCE,
                badges.attendance_as_of,
                |it| it.attendance_as_of,
                present,
            );
        }
    }

    fn one(self, topic: &str, as_of: i64, revision: fn(&Badges) -> i64, apply: Callback<Patch>) {
        follow(Plan {
            topic: topic.to_owned(),
            as_of,
            pace: 500,
            fetch: Box::new(move || async move {
                load_badges().await.map(|badges| Numbers {
                    badges,
                    as_of: revision(&badges),
                })
            }),
            take: Callback::new(move |numbers: Numbers| self.set(&numbers.badges)),
            apply,
        });
    }
}

/// The badges as the snapshot of one of their topics.
struct Numbers {
    badges: Badges,
    as_of: i64,
}

impl Snapshot for Numbers {
    fn as_of(&self) -> i64 {
        self.as_of
    }
}

/// The absolute counts of a patch, when it carries any.
#[must_use]
pub fn read<T: serde::de::DeserializeOwned>(patch: &Patch) -> Option<T> {
    patch.counts.as_ref().and_then(wire::read)
}

/// The rows of a patch; one that cannot be read is passed over, as an older page would a newer row.
#[must_use]
pub fn rows<T: serde::de::DeserializeOwned>(patch: &Patch) -> Vec<T> {
    patch.upsert.iter().filter_map(wire::read).collect()
}
