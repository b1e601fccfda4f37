//! One transaction for a batch of acks. Deliveries first, then devices, then debts: the lock order.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use app::model::delivery::{Event, Rule, State};
use sqlx::Connection as _;
use uuid::Uuid;

use super::meaning::{self, Meant};
use super::{Ack, Told, What, devices, settle};
use crate::store::acks::{self as store, Item};
use crate::store::line::Line;
use crate::store::webhook_events;
use crate::support::clock::Clock;

/// Records a batch in one transaction.
pub(super) async fn record(
    line: &mut Line,
    clock: &Clock,
    acks: &[&Ack],
    told: &Told,
) -> sqlx::Result<Recorded> {
    let now = clock.now();
    let mut tx = line.open().await?.begin().await?;
    if acks.iter().all(|ack| ack.what.is_reached()) {
        store::unhurried(&mut tx).await?;
    }

    let Meant {
        numbers: meant,
        handled,
        routed,
    } = meaning::of(&mut tx, acks, told.epoch.now()).await?;

    let mut items: BTreeMap<Item, Said> = BTreeMap::new();
    for (ack, meant) in acks.iter().zip(&meant) {
        for seq in meant {
            let item = Item {
                user: ack.user,
                seq: *seq,
            };
            let told = items.entry(item).or_default();
            match ack.what {
                What::Reached(_) | What::ReachedApart(_) => told.reached = true,
                What::These { .. } | What::Through(_) => told.acked = true,
            }
            told.active |= ack.active;
        }
    }
    let named = items.keys().map(|item| (*item, routed.get(item).copied()));
    let mut found = store::lock(&mut tx, named).await?;
    let before: Vec<i16> = found.iter().map(|one| one.state).collect();
    for one in &mut found {
        let told = items.get(&Item {
            user: one.user,
            seq: one.seq,
        });
        let told = told.copied().unwrap_or_default();
        one.state = told.applied(one).number();
    }
    let now_moved: Vec<&store::Locked> = moved(&found, &before).collect();
    if !now_moved.is_empty() {
        store::set_states(&mut tx, &now_moved, now).await?;
    }
    let facts: HashMap<(Uuid, i64), &store::Locked> =
        found.iter().map(|one| ((one.user, one.seq), one)).collect();
    let (counts, mut receipts) =
        devices::note(&mut tx, acks, &meant, &handled, &facts, now).await?;
    receipts.extend(devices::taps(&mut tx, acks, &meant, &facts, &receipts, now).await?);
    if !receipts.is_empty() {
        store::append_receipts(&mut tx, &receipts).await?;
    }
    let last = settle::by_every_device(&mut tx, &mut found, &items, now).await?;

    let shown = settle::pay(&mut tx, &found, &before, &receipts, now).await?;
    let tenants = found.iter().map(|one| one.tenant).collect();
    let withdraw = last || shown;
    let of_interest = |one: &&store::Locked| told.interest.has(one.tenant);
    let to_tell: Vec<&store::Locked> = moved(&found, &before).filter(of_interest).collect();
    let noted = !to_tell.is_empty() && webhook_events::note(&mut tx, &to_tell, now).await? > 0;
    let moved = if told.watch.is_any() {
        moved(&found, &before).map(|one| one.notification).collect()
    } else {
        Vec::new()
    };
    tx.commit().await?;
    Ok(Recorded {
        counts,
        tenants,
        moved,
        noted,
        withdraw,
    })
}

/// What came of a batch of acks.
pub(super) struct Recorded {
    /// Newly acked, a call.
    pub(super) counts: Vec<u32>,
    /// In which something was acked.
    pub(super) tenants: BTreeSet<Uuid>,
    /// Of which a delivery moved, when somebody watches.
    pub(super) moved: Vec<Uuid>,
    /// Webhooks are to be told.
    pub(super) noted: bool,
    /// A phone shows something that is settled: its debt is due now.
    pub(super) withdraw: bool,
}

/// What the calls of one batch say of one delivery.
#[derive(Clone, Copy, Default)]
pub(super) struct Said {
    pub(super) acked: bool,
    pub(super) reached: bool,
    pub(super) active: bool,
}

impl Said {
    /// Where it stands after that. Whether every device has it is known only once they are written.
    fn applied(self, one: &store::Locked) -> State {
        let (mut state, rule) = (State::of(one.state), Rule::of(one.rule));
        if self.reached {
            state = state.after(Event::Reached, rule);
        }
        if self.acked {
            let ack = Event::Ack {
                active: self.active,
                every: false,
            };
            state = state.after(ack, rule);
        }
        state
    }
}

fn moved<'a>(
    found: &'a [store::Locked],
    before: &'a [i16],
) -> impl Iterator<Item = &'a store::Locked> {
    found
        .iter()
        .zip(before)
        .filter(|(one, before)| one.state != **before)
        .map(|(one, _)| one)
}
