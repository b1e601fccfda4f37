//! Which numbers a batch of acks means.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

use super::{Ack, What};
use crate::store::acks::{self as store, Item};

/// A call each.
pub(super) struct Meant {
    /// Numbers.
    pub(super) numbers: Vec<BTreeSet<i64>>,
    /// The device says so of everything up to this one, also of what others had settled.
    pub(super) handled: Vec<i64>,
    /// When they were routed, of those that were named by id.
    pub(super) routed: HashMap<Item, Timestamp>,
}

/// Reads what is not said by number. Numbers of an epoch that is over, which was looked at when the connection was
/// made, are other items' now.
pub(super) async fn of(
    tx: &mut sqlx::PgConnection,
    acks: &[&Ack],
    epoch: i64,
) -> sqlx::Result<Meant> {
    let mut meant: Vec<BTreeSet<i64>> = vec![BTreeSet::new(); acks.len()];
    let (mut id_users, mut ids) = (Vec::new(), Vec::new());
    let (mut through_users, mut through) = (Vec::new(), Vec::new());
    for (ack, meant) in acks.iter().zip(&mut meant) {
        let is_over = ack.epoch.is_some_and(|of| of != epoch);
        match &ack.what {
            What::These { seqs, ids: unknown } => {
                if !is_over {
                    meant.extend(seqs);
                }
                id_users.extend(std::iter::repeat_n(ack.user, unknown.len()));
                ids.extend_from_slice(unknown);
            }
            What::Through(seq) => {
                through_users.push(ack.user);
                through.push(if is_over { 0 } else { *seq });
            }
            What::Reached(seqs) | What::ReachedApart(seqs) => {
                if !is_over {
                    meant.extend(seqs);
                }
            }
        }
    }
    let mut routed: HashMap<Item, Timestamp> = HashMap::new();
    if !ids.is_empty() {
        let mut numbers = HashMap::new();
        for (user, id, seq, at) in store::numbers(tx, &id_users, &ids).await? {
            numbers.insert((user, id), seq);
            routed.insert(Item { user, seq }, at);
        }
        for (ack, meant) in acks.iter().zip(&mut meant) {
            if let What::These { ids, .. } = &ack.what {
                meant.extend(ids.iter().filter_map(|id| numbers.get(&(ack.user, *id))));
            }
        }
    }
    let mut handled = vec![0_i64; acks.len()];
    if !through.is_empty() {
        let mut answers = store::handled_through(tx, &through_users, &through)
            .await?
            .into_iter();
        for ((ack, meant), handled) in acks.iter().zip(&mut meant).zip(&mut handled) {
            if matches!(ack.what, What::Through(_))
                && let Some(answer) = answers.next()
            {
                meant.extend(answer.unsettled);
                *handled = answer.through;
            }
        }
    }
    Ok(Meant {
        numbers: meant,
        handled,
        routed,
    })
}
