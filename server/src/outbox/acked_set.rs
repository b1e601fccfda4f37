//! The set of numbers one device has acked, kept small: everything through a number, and ranges
//! beyond it.

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
    let mut all: Vec<(i64, i64)> = std::mem::take(ranges);
    all.extend(new.iter().map(|seq| (*seq, seq + 1)));
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
    new
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

    proptest! {
        #[test]
        fn it_is_the_set_it_says(batches in prop::collection::vec(
            prop::collection::vec(1_i64..60, 0..12), 0..12))
        {
            let (mut through, mut ranges) = (0, Vec::new());
            let mut model = BTreeSet::new();
            for batch in batches {
                let expected: Vec<i64> = batch.iter().copied().collect::<BTreeSet<_>>()
                    .into_iter().filter(|seq| !model.contains(seq)).collect();
                prop_assert_eq!(add(&mut through, &mut ranges, &batch), expected);
                model.extend(batch);
                let set: BTreeSet<i64> = (1..=through)
                    .chain(ranges.iter().flat_map(|(from, to)| *from..*to)).collect();
                prop_assert_eq!(&set, &model);
            }
        }
    }
}
