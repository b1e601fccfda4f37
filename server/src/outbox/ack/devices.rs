//! What each device has, and the receipts of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use super::{Ack, What};
use crate::outbox::acked_set;
use crate::store::acks::{self as store, Receipt};

/// Notes what each device has; answers the number newly acked a call, and the receipts. `handled[i]`:
/// the device of call `i` says so of everything up to this number, also of what others had settled.
pub(super) async fn note(
    tx: &mut sqlx::PgConnection,
    acks: &[&Ack],
    meant: &[BTreeSet<i64>],
    handled: &[i64],
    facts: &HashMap<(Uuid, i64), &store::Locked>,
    now: Timestamp,
) -> sqlx::Result<(Vec<u32>, Vec<Receipt>)> {
    // Those that were only reached are locked too, in one order with the others: another transaction may
    // hold some of both.
    let mut named: BTreeMap<(Uuid, Arc<str>), bool> = BTreeMap::new();
    for ack in acks {
        if let Some(device) = &ack.device {
            let acking = named.entry((ack.user, device.clone())).or_default();
            *acking |= !ack.what.is_reached();
        }
    }
    let mut devices: BTreeMap<(Uuid, Arc<str>), store::Acked> = BTreeMap::new();
    if !named.is_empty() {
        let users: Vec<Uuid> = named.keys().map(|(user, _)| *user).collect();
        let keys: Vec<String> = named.keys().map(|(_, key)| key.to_string()).collect();
        for device in store::lock_devices(tx, &users, &keys).await? {
            let name = (device.user, device.key.as_str().into());
            if named.get(&name).is_some_and(|acking| *acking) {
                devices.insert(name, device);
            }
        }
    }
    let mut counts = Vec::with_capacity(acks.len());
    let mut receipts = Vec::new();
    let (mut reached_users, mut reached_keys, mut reached_through) = (vec![], vec![], vec![]);
    for ((ack, meant), handled) in acks.iter().zip(meant).zip(handled) {
        // Numbers that do not exist for this user are passed over.
        let real: Vec<i64> = meant
            .iter()
            .copied()
            .filter(|seq| facts.contains_key(&(ack.user, *seq)))
            .collect();
        let new = match (&ack.what, &ack.device) {
            (What::Reached(_), Some(device)) => {
                reached_users.push(ack.user);
                reached_keys.push(device.to_string());
                reached_through.push(real.last().copied().unwrap_or(0));
                real
            }
            // The device has them, and not all before them: where it stands is not moved.
            (What::ReachedApart(_), _) | (_, None) => real,
            (_, Some(device)) => match devices.get_mut(&(ack.user, device.clone())) {
                Some(known) => {
                    let new = acked_set::add(&mut known.through, &mut known.ranges, &real);
                    acked_set::pass(&mut known.through, &mut known.ranges, *handled);
                    // Unknown when others settled that number: the time before it serves too.
                    let at = facts.get(&(ack.user, known.through)).map(|fact| fact.at);
                    known.beyond_since = known.beyond_since.max(at);
                    new
                }
                None => real, // evicted since it connected: counts like an unnamed one
            },
        };
        counts.push(u32::try_from(new.len()).unwrap_or(u32::MAX));
        receipts.extend(new.iter().filter_map(|seq| {
            let fact = facts.get(&(ack.user, *seq))?;
            Some(Receipt {
                user: ack.user,
                seq: *seq,
                tenant: fact.tenant,
                notification: fact.notification,
                device: ack.device.as_deref().unwrap_or_default().to_owned(),
                via: ack.via,
                at: ack.at.map_or(now, |at| at.min(now)),
            })
        }));
    }
    if !devices.is_empty() {
        let devices: Vec<store::Acked> = devices.into_values().collect();
        store::write_devices(tx, &devices, true).await?;
    }
    if !reached_users.is_empty() {
        store::raise_reached(tx, &reached_users, &reached_keys, &reached_through).await?;
    }
    Ok((counts, receipts))
}

/// Taps on what the device had acknowledged already, usually from its background: another fact, and told apart,
/// once.
pub(super) async fn taps(
    tx: &mut sqlx::PgConnection,
    acks: &[&Ack],
    meant: &[BTreeSet<i64>],
    facts: &HashMap<(Uuid, i64), &store::Locked>,
    new: &[Receipt],
    now: Timestamp,
) -> sqlx::Result<Vec<Receipt>> {
    let mut noted: BTreeSet<(Uuid, i64, &str)> = new
        .iter()
        .filter(|receipt| receipt.via == "tap")
        .map(|receipt| (receipt.user, receipt.seq, receipt.device.as_str()))
        .collect();
    let mut receipts = Vec::new();
    for (ack, meant) in acks.iter().zip(meant).filter(|(ack, _)| ack.via == "tap") {
        let Some(device) = ack.device.as_deref() else {
            continue;
        };
        for seq in meant {
            if let Some(fact) = facts.get(&(ack.user, *seq))
                && noted.insert((ack.user, *seq, device))
            {
                receipts.push(Receipt {
                    user: ack.user,
                    seq: *seq,
                    tenant: fact.tenant,
                    notification: fact.notification,
                    device: device.to_owned(),
                    via: ack.via,
                    at: ack.at.map_or(now, |at| at.min(now)),
                });
            }
        }
    }
    if receipts.is_empty() {
        return Ok(receipts);
    }
    let users: Vec<Uuid> = receipts.iter().map(|receipt| receipt.user).collect();
    let seqs: Vec<i64> = receipts.iter().map(|receipt| receipt.seq).collect();
    let names: Vec<String> = receipts
        .iter()
        .map(|receipt| receipt.device.clone())
        .collect();
    let fresh: BTreeSet<usize> = store::untapped(tx, &users, &seqs, &names)
        .await?
        .into_iter()
        .collect();
    let mut index = 0;
    receipts.retain(|_| {
        index += 1;
        fresh.contains(&(index - 1))
    });
    Ok(receipts)
}
