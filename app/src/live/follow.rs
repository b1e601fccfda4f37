//! Keeps one list up to date: judges its patches, fetches its snapshot when they do not suffice,
//! and remembers a failure so that the old rows can be shown with their stamp.

use std::future::Future;

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::topic::{Topic, Verdict};
use super::{Live, LiveStatus, Subscription};
use crate::browser;
use crate::components::clock::Clock;
use crate::error::AppError;
use crate::model::Moment;
use crate::model::admin::Page;
use crate::model::approval::{ApprovalList, RequestDetail};
use crate::model::attendance::Board;
use crate::model::inbox::InboxPage;
use crate::model::why;
use crate::protocol::Patch;

/// After a failed refresh, the next try. The patches that follow a failure try at once.
const RETRY_MS: u64 = 5_000;

/// Something with the revision of its topic.
pub trait Snapshot: Send + Sync + 'static {
    /// Read before the rows.
    fn as_of(&self) -> i64;
}

macro_rules! snapshots {
    ($($kind:ty),+) => {
        $(impl Snapshot for $kind {
            fn as_of(&self) -> i64 {
                self.as_of
            }
        })+
    };
}
snapshots!(ApprovalList, RequestDetail, Board, InboxPage);

impl Snapshot for why::Answer {
    fn as_of(&self) -> i64 {
        match self {
            Self::One(why) => why.as_of,
            _ => 0,
        }
    }
}

impl<T: Send + Sync + 'static> Snapshot for Page<T> {
    fn as_of(&self) -> i64 {
        self.as_of
    }
}

/// A refresh that failed; the rows on screen are as of `since`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stale {
    /// Why.
    pub error: AppError,
    /// When the rows on screen were last known to be right.
    pub since: Moment,
}

/// A list that is being followed.
#[derive(Clone, Copy)]
pub struct Followed {
    /// The last refresh failed.
    pub stale: RwSignal<Option<Stale>>,
    refetch: Callback<()>,
}

impl Followed {
    /// Fetches the snapshot again, whatever the patches say.
    pub fn refresh(self) {
        self.refetch.run(());
    }
}

/// How a list is followed.
pub struct Plan<S: 'static, Fut> {
    /// The topic.
    pub topic: String,
    /// Revision of the snapshot on screen.
    pub as_of: i64,
    /// Milliseconds between two snapshots, at least: the console's lists change all the time.
    pub pace: u64,
    /// Fetches the snapshot.
    pub fetch: Box<dyn Fn() -> Fut + Send + Sync>,
    /// Puts a snapshot in place.
    pub take: Callback<S>,
    /// Puts a patch in place.
    pub apply: Callback<Patch>,
}

/// Follows a list until the owner goes away.
pub fn follow<S, Fut>(plan: Plan<S, Fut>) -> Followed
where
    S: Snapshot,
    Fut: Future<Output = Result<S, AppError>> + 'static,
{
    let clock = Clock::here();
    let live = Live::here();
    let topic = StoredValue::new(Topic::new(plan.as_of));
    let right_at = StoredValue::new(None::<Moment>);
    let stale = RwSignal::new(None::<Stale>);
    let fetch = StoredValue::new(plan.fetch);
    let Plan {
        topic: name,
        pace,
        take,
        apply,
        ..
    } = plan;

    // Stored, because a snapshot that leaves a gap asks for the next one.
    let again = StoredValue::new(None::<Callback<()>>);
    let load = Callback::new(move |(): ()| {
        let Some(request) = fetch.try_with_value(|fetch| fetch()) else {
            return;
        };
        spawn_local(async move {
            let answer = request.await;
            // The list may be gone by now.
            match answer {
                Ok(snapshot) => {
                    let Some(landed) =
                        topic.try_update_value(|topic| topic.landed(snapshot.as_of()))
                    else {
                        return;
                    };
                    right_at.set_value(Some(clock.precise()));
                    stale.set(None);
                    take.run(snapshot);
                    for patch in landed.apply {
                        apply.run(patch);
                    }
                    if landed.again {
                        topic.update_value(|topic| {
                            topic.begin();
                        });
                        if let Some(load) = again.get_value() {
                            load.run(());
                        }
                    }
                }
                Err(error) => {
                    if topic.try_update_value(Topic::failed).is_none() {
                        return;
                    }
                    if error == AppError::SignedOut {
                        signed_out();
                    }
                    let since = right_at.get_value().unwrap_or_else(|| clock.precise());
                    stale.set(Some(Stale { error, since }));
                }
            }
        });
    });
    let paced = Callback::new(move |(): ()| {
        if pace == 0 {
            load.run(());
        } else {
            let _ = browser::after(pace, move || {
                if !topic.is_disposed() {
                    load.run(());
                }
            });
        }
    });
    again.set_value(Some(paced));

    let refetch = Callback::new(move |(): ()| {
        if topic.try_update_value(Topic::begin) == Some(true) {
            load.run(());
        }
    });
    live.subscribe(Subscription {
        topic: name,
        since: Callback::new(move |()| topic.with_value(Topic::known)),
        on_patch: Callback::new(move |patch: Patch| {
            right_at.set_value(Some(clock.precise()));
            match topic.try_update_value(|topic| topic.judge(&patch)) {
                Some(Verdict::Apply) => {
                    apply.run(patch);
                }
                Some(Verdict::Refetch) => paced.run(()),
                Some(Verdict::Ignore) | None => {}
            }
        }),
    });
    // A list that could not be refreshed tries again: after a while, and as soon as the connection
    // is back.
    Effect::new(move || {
        let status = live.status.get();
        // What is known to be old is not right now.
        right_at.set_value(Some(
            status.stale_since().unwrap_or_else(|| clock.precise()),
        ));
        if status == LiveStatus::Live && stale.get_untracked().is_some() {
            refetch.run(());
        }
    });
    Effect::new(move || {
        if stale.read().is_none() {
            return;
        }
        if let Some(timer) = browser::after(RETRY_MS, move || refetch.run(())) {
            on_cleanup(move || timer.clear());
        }
    });
    Followed { stale, refetch }
}

/// The session is over: sign in, and come back here.
pub fn signed_out() {
    let next = browser::here();
    browser::leave_for(&crate::features::sign_in::address(
        Some(&next),
        Some("expired"),
    ));
}
