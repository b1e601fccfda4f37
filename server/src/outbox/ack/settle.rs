//! What follows when a delivery is settled: other devices need not, debts are paid, phones are to take its card back.

use std::collections::{BTreeMap, BTreeSet};

use app::model::delivery::{AckBy, Event, Rule, State};
use jiff::Timestamp;
use uuid::Uuid;

use super::record::Said;
use crate::store::acks::{self as store, Item, Receipt};
use crate::store::debts;

/// Settles those for which every device had to say so, and now has. Their rows are locked. Answers whether a phone shows
/// one of them.
pub(super) async fn by_every_device(
    tx: &mut sqlx::PgConnection,
    found: &mut [store::Locked],
    items: &BTreeMap<Item, Said>,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let waiting: Vec<&store::Locked> = found
        .iter()
        .filter(|one| {
            let acked = items.get(&Item {
                user: one.user,
                seq: one.seq,
            });
            let rule = Rule::of(one.rule);
            acked.is_some_and(|told| told.acked || told.reached && rule.hidden)
                && rule.ack_by == AckBy::EveryDevice
                && !State::of(one.state).is_terminal()
        })
        .collect();
    if waiting.is_empty() {
        return Ok(false);
    }
    let had: BTreeSet<(Uuid, i64)> = store::had_by_every_device(tx, &waiting)
        .await?
        .into_iter()
        .collect();
    for one in &mut *found {
        if had.contains(&(one.user, one.seq)) {
            let every = Event::Ack {
                active: false,
                every: true,
            };
            one.state = State::of(one.state)
                .after(every, Rule::of(one.rule))
                .number();
        }
    }
    let last: Vec<&store::Locked> = found
        .iter()
        .filter(|one| had.contains(&(one.user, one.seq)))
        .collect();
    if !last.is_empty() {
        store::set_states(tx, &last, now).await?;
    }
    Ok(last.iter().any(|one| one.pushed))
}

/// Pays what is owed of those that are settled now, `before` being where they stood. Answers whether a phone shows
/// something that is to be taken back.
pub(super) async fn pay(
    tx: &mut sqlx::PgConnection,
    found: &[store::Locked],
    before: &[i16],
    receipts: &[Receipt],
    now: Timestamp,
) -> sqlx::Result<bool> {
    let enough: Vec<&store::Locked> = found
        .iter()
        .zip(before)
        .filter(|(one, before)| {
            let rule = Rule::of(one.rule);
            State::of(one.state).is_enough(rule) && !State::of(**before).is_enough(rule)
        })
        .map(|(one, _)| one)
        .collect();
    if !enough.is_empty() {
        let users: Vec<Uuid> = enough.iter().map(|one| one.user).collect();
        let seqs: Vec<i64> = enough.iter().map(|one| one.seq).collect();
        let pushed: Vec<bool> = enough.iter().map(|one| one.pushed).collect();
        debts::settled(tx, &users, &seqs, &pushed, now).await?;
    }
    // What was settled before by a phone's background ack is looked at again when more is said of it: until then
    // the phone keeps the card that its ack stands for.
    let more: BTreeSet<(Uuid, i64)> = receipts
        .iter()
        .filter(|receipt| !matches!(receipt.via, "push" | "reached"))
        .map(|receipt| (receipt.user, receipt.seq))
        .collect();
    let again: Vec<&store::Locked> = found
        .iter()
        .zip(before)
        .filter(|(one, before)| {
            one.pushed
                && State::of(**before).is_enough(Rule::of(one.rule))
                && more.contains(&(one.user, one.seq))
        })
        .map(|(one, _)| one)
        .collect();
    if !again.is_empty() {
        let users: Vec<Uuid> = again.iter().map(|one| one.user).collect();
        let seqs: Vec<i64> = again.iter().map(|one| one.seq).collect();
        debts::look_again(tx, &users, &seqs, now).await?;
    }
    Ok(!again.is_empty() || enough.iter().any(|one| one.pushed))
}
