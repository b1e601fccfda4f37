//! The set of numbers that need nothing more of one device, kept small: everything through a number,
//! and ranges beyond it. It has acked them, or they were settled without it.

/// Beyond so many ranges the oldest are forgotten: an ack of one of them is then counted as new
/// again, which appends a second receipt and changes nothing else. A device with more holes than
/// that leaves every second item unacked.
const MOST_RANGES: usize = 64;

/// Adds numbers; answers those that were not in before, ascending. `seqs` in any order.
pub fn add(through: &mut i64, ranges: &mut Vec<(i64, i64)>, seqs: &[i64]) -> Vec<i64> {
    let mut seqs = seqs.to_vec();
    seqs.sort_unstable();
    seqs.dedup();
    let new: Vec<i64> = seqs
        .into_iter()
        .filter(|seq| {
            *seq > *through && !ranges.iter().any(|(from, to)| (*from..*to).contains(seq))
        })
        .collect();
    join(through, ranges, new.iter().map(|seq| (*seq, seq + 1)));
    new
}

/// Everything up to `seq` needs nothing more of the device, whoever settled it.
pub fn pass(through: &mut i64, ranges: &mut Vec<(i64, i64)>, seq: i64) {
    *through = (*through).max(seq);
    join(through, ranges, std::iter::empty());
}

/// Neighbours become one range, and the first run becomes `through`.
fn join(through: &mut i64, ranges: &mut Vec<(i64, i64)>, more: impl Iterator<Item = (i64, i64)>) {
    let mut all: Vec<(i64, i64)> = std::mem::take(ranges);
    all.extend(more);
    all.sort_unstable();
    for (from, to) in all {
        if from <= *through + 1 {
            *through = (*through).max(to - 1);
        } else {
            match ranges.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => ranges.push((from, to)),
            }
        }
    }
    if ranges.len() > MOST_RANGES {
        ranges.drain(..ranges.len() - MOST_RANGES);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn neighbours_join_and_the_first_run_becomes_through() {
        let (mut through, mut ranges) = (0, Vec::new());
        assert_eq!(add(&mut through, &mut ranges, &[3, 2, 3]), [2, 3]);
        assert_eq!((through, ranges.clone()), (0, vec![(2, 4)]));
        assert_eq!(add(&mut through, &mut ranges, &[1, 2, 5]), [1, 5]);
        assert_eq!((through, ranges), (3, vec![(5, 6)]));
    }

    /// The device had acked 2 and 5; another one has settled the rest up to 4.
    #[test]
    fn what_others_settled_is_passed_and_the_run_behind_it_with_it() {
        let (mut through, mut ranges) = (0, vec![(2, 3), (5, 7), (9, 10)]);
        pass(&mut through, &mut ranges, 4);
        assert_eq!((through, ranges.clone()), (6, vec![(9, 10)]));
        pass(&mut through, &mut ranges, 3);
        assert_eq!((through, ranges), (6, vec![(9, 10)]), "never back");
    }

    proptest! {
        #[test]
        fn it_is_the_set_it_says(batches in prop::collection::vec(
            (prop::collection::vec(1_i64..60, 0..12), prop::option::weighted(0.2, 1_i64..60)), 0..12))
        {
            let (mut through, mut ranges) = (0, Vec::new());
            let mut model = BTreeSet::new();
            for (batch, passed) in batches {
                let expected: Vec<i64> = batch.iter().copied().collect::<BTreeSet<_>>()
                    .into_iter().filter(|seq| !model.contains(seq)).collect();
                prop_assert_eq!(add(&mut through, &mut ranges, &batch), expected);
                model.extend(batch);
                if let Some(passed) = passed {
                    pass(&mut through, &mut ranges, passed);
                    model.extend(1..=passed);
                }
                prop_assert!(!model.contains(&(through + 1)), "the first run is all of it");
                let set: BTreeSet<i64> = (1..=through)
                    .chain(ranges.iter().flat_map(|(from, to)| *from..*to)).collect();
                prop_assert_eq!(&set, &model);
            }
        }
    }
}
