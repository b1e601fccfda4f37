//! What changed in a topic, and how two such changes become one.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::topic;

/// Rows that a merged patch may carry; with more a fresh snapshot is cheaper.
const MOST_ROWS: usize = 200;

/// What changed in a topic. Absolute values; apply if `from <= known < rev`, ignore `rev <= known`,
/// fetch the snapshot again if `from > known`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Patch {
    /// The topic as it was joined.
    pub topic: String,
    /// The revision this patch builds on.
    pub from: i64,
    /// The revision it leads to.
    pub rev: i64,
    /// Rows to put in place of those with the same key. Their type is the topic's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub upsert: Vec<Value>,
    /// Keys of rows that left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
    /// Absolute counts of the topic, when it has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts: Option<Value>,
    /// The sender does not say what changed: fetch the snapshot again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub resync: bool,
}

impl Patch {
    /// One patch in place of two of the same topic, in whichever order they come: it builds on what the
    /// older one built on, so that whoever never saw the older one has no gap. Of each row the newer
    /// word counts. Where something between the two is missing, the newer one alone: a gap stays a gap.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        let (old, mut new) = if self.rev <= other.rev {
            (self, other)
        } else {
            (other, self)
        };
        if new.from > old.rev {
            return new;
        }
        new.from = new.from.min(old.from);
        new.counts = new.counts.or(old.counts);
        new.resync |= old.resync;
        let upsert = old.upsert.into_iter().filter(|row| {
            let key = key(&new.topic, row);
            let said_anew = |newer: &Value| key.is_some() && self::key(&new.topic, newer) == key;
            !new.upsert.iter().any(said_anew)
                && !key.is_some_and(|key| new.remove.iter().any(|gone| gone == key))
        });
        let mut upsert: Vec<Value> = upsert.collect();
        upsert.append(&mut new.upsert);
        let came_back = |gone: &String| {
            upsert
                .iter()
                .any(|row| key(&new.topic, row) == Some(gone.as_str()))
        };
        for gone in old.remove {
            if !came_back(&gone) && !new.remove.contains(&gone) {
                new.remove.push(gone);
            }
        }
        new.upsert = upsert;
        // Rows without a key could be neither told apart nor taken away again.
        new.resync |= new.upsert.iter().any(|row| key(&new.topic, row).is_none())
            || new.upsert.len() + new.remove.len() > MOST_ROWS;
        if new.resync {
            new.upsert.clear();
            new.remove.clear();
        }
        new
    }
}

/// What tells the topic's rows apart: the board has one a person, every other list one an id.
fn key<'a>(name: &str, row: &'a Value) -> Option<&'a str> {
    let field = if name == topic::ATTENDANCE {
        "user"
    } else {
        "id"
    };
    row.get(field)?.as_str()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn patch(from: i64, upsert: &[(&str, i64)], remove: &[&str]) -> Patch {
        Patch {
            topic: topic::APPROVALS.to_owned(),
            from,
            rev: from + 1,
            upsert: upsert
                .iter()
                .map(|(id, value)| json!({"id": id, "value": value}))
                .collect(),
            remove: remove.iter().map(|&id| id.to_owned()).collect(),
            counts: None,
            resync: false,
        }
    }

    #[test]
    fn it_builds_on_what_the_older_one_built_on() {
        let old = patch(4, &[("a", 1), ("b", 1)], &["c", "d"]);
        let new = patch(5, &[("b", 2), ("c", 2)], &["a"]);
        let merged = old.clone().merge(new.clone());
        assert_eq!((merged.from, merged.rev), (4, 6));
        assert_eq!(
            merged.upsert,
            [
                json!({"id": "b", "value": 2}),
                json!({"id": "c", "value": 2})
            ]
        );
        assert_eq!(merged.remove, ["a", "d"]);
        assert_eq!(new.merge(old), merged, "dispatched the other way round");
    }

    #[test]
    fn a_gap_stays_a_gap() {
        let newer = patch(7, &[], &[]);
        assert_eq!(patch(4, &[("a", 1)], &[]).merge(newer.clone()), newer);
    }

    #[test]
    fn what_cannot_be_told_apart_or_is_too_much_is_fetched() {
        let mut nameless = patch(4, &[], &[]);
        nameless.upsert.push(json!({"value": 1}));
        let merged = nameless.merge(patch(5, &[("a", 1)], &[]));
        assert!(merged.resync && merged.upsert.is_empty() && merged.from == 4);
        let ids: Vec<String> = (0..=MOST_ROWS).map(|n| n.to_string()).collect();
        let rows: Vec<(&str, i64)> = ids.iter().map(|id| (id.as_str(), 1)).collect();
        assert!(
            patch(4, &rows[1..], &[])
                .merge(patch(5, &rows[..1], &[]))
                .resync
        );
        let silent = Patch {
            resync: true,
            ..patch(4, &[], &[])
        };
        assert!(silent.merge(patch(5, &[("a", 1)], &[])).resync);
    }

    type Rows = BTreeMap<String, Value>;

    /// As the lists do it.
    fn put(rows: &mut Rows, patch: &Patch) {
        for gone in &patch.remove {
            rows.remove(gone);
        }
        for row in &patch.upsert {
            rows.insert(row["id"].as_str().unwrap().to_owned(), row.clone());
        }
    }

    proptest! {
        /// Whoever gets one patch in place of many ends with the rows of who got them all.
        #[test]
        fn merged_or_one_by_one_is_the_same_list(changes in prop::collection::vec(
            (0_u8..6, any::<bool>()), 1..20))
        {
            let mut one_by_one = Rows::new();
            put(&mut one_by_one, &patch(0, &[("0", -1), ("1", -1), ("2", -1)], &[]));
            let mut at_once = one_by_one.clone();
            let mut merged: Option<Patch> = None;
            for (number, (id, gone)) in (1_i64..).zip(&changes) {
                let id = id.to_string();
                let next = if *gone {
                    patch(number, &[], &[&id])
                } else {
                    patch(number, &[(&id, number)], &[])
                };
                put(&mut one_by_one, &next);
                merged = Some(match merged {
                    Some(unsent) => unsent.merge(next),
                    None => next,
                });
            }
            let merged = merged.unwrap();
            prop_assert_eq!(merged.from, 1);
            put(&mut at_once, &merged);
            prop_assert_eq!(one_by_one, at_once);
        }
    }
}
