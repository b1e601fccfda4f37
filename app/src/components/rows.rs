//! Rows that do not jump. Values change in place; rows that come, go or move wait until the reader
//! applies them, or until nobody can be disturbed.

use std::collections::{HashMap, HashSet};

use leptos::prelude::*;

/// Something with a key.
pub trait Row: Clone + PartialEq + Send + Sync + 'static {
    /// The key of the row.
    fn key(&self) -> &str;
    /// Nobody could tell the two apart on screen: taking the other's place is no change.
    fn looks_like(&self, other: &Self) -> bool {
        self == other
    }
}

/// What waits to be applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Rows that came.
    pub new: usize,
    /// Rows that stand elsewhere now.
    pub moved: usize,
    /// Rows that left.
    pub gone: usize,
}

impl Waiting {
    /// Compares the rows on screen with the rows as they are.
    #[must_use]
    pub fn between(shown: &[String], truth: &[String]) -> Self {
        let was: HashSet<&String> = shown.iter().collect();
        let is: HashSet<&String> = truth.iter().collect();
        let stayed: Vec<&String> = shown.iter().filter(|key| is.contains(key)).collect();
        let place: HashMap<&String, usize> = stayed
            .iter()
            .enumerate()
            .map(|(place, key)| (*key, place))
            .collect();
        let order: Vec<usize> = truth
            .iter()
            .filter_map(|key| place.get(key).copied())
            .collect();
        Self {
            new: truth.iter().filter(|key| !was.contains(key)).count(),
            moved: order.len() - longest_rise(&order),
            gone: shown.len() - stayed.len(),
        }
    }

    /// Nothing waits.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// `1 new, 2 changed, 1 gone`.
    #[must_use]
    pub fn words(self) -> String {
        [
            (self.new, "new"),
            (self.moved, "changed"),
            (self.gone, "gone"),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect::<Vec<_>>()
        .join(", ")
    }
}

/// Length of the longest rising subsequence: all others are the fewest rows that moved.
fn longest_rise(order: &[usize]) -> usize {
    let mut tails: Vec<usize> = Vec::new();
    for &place in order {
        match tails.binary_search(&place) {
            Ok(_) => {}
            Err(at) if at == tails.len() => tails.push(place),
            Err(at) => tails[at] = place,
        }
    }
    tails.len()
}

/// One row on screen.
#[derive(Clone)]
pub struct Cell<T: 'static> {
    /// Its values now.
    pub row: ArcRwSignal<T>,
    /// How often they changed since it was drawn.
    pub changes: ArcRwSignal<u32>,
}

/// The rows of one list.
pub struct Rows<T: 'static> {
    shown: RwSignal<Vec<String>>,
    truth: StoredValue<Vec<String>>,
    cells: StoredValue<HashMap<String, Cell<T>>>,
    waiting: RwSignal<Waiting>,
}

impl<T> Clone for Rows<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Rows<T> {}

impl<T: Row> Rows<T> {
    /// The rows of a snapshot.
    #[must_use]
    pub fn new(rows: Vec<T>) -> Self {
        let keys: Vec<String> = rows.iter().map(|row| row.key().to_owned()).collect();
        let cells = rows
            .into_iter()
            .map(|row| (row.key().to_owned(), cell(row)))
            .collect();
        Self {
            shown: RwSignal::new(keys.clone()),
            truth: StoredValue::new(keys),
            cells: StoredValue::new(cells),
            waiting: RwSignal::new(Waiting::default()),
        }
    }

    /// Keys of the rows on screen, in order. Tracked.
    #[must_use]
    pub fn shown(self) -> Vec<String> {
        self.shown.get()
    }

    /// Keys of the rows as they are, applied or not.
    #[must_use]
    pub fn truth(self) -> Vec<String> {
        self.truth.get_value()
    }

    /// How many rows are on screen. Tracked.
    #[must_use]
    pub fn len(self) -> usize {
        self.shown.with(Vec::len)
    }

    /// Nothing is on screen. Tracked.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// What waits. Tracked.
    #[must_use]
    pub fn waiting(self) -> Waiting {
        self.waiting.get()
    }

    /// One row.
    #[must_use]
    pub fn cell(self, key: &str) -> Option<Cell<T>> {
        self.cells.with_value(|cells| cells.get(key).cloned())
    }

    /// The values of one row, not tracked.
    #[must_use]
    pub fn value(self, key: &str) -> Option<T> {
        self.cell(key).map(|cell| cell.row.get_untracked())
    }

    /// Changes a row in place; `false` when there is no such row.
    pub fn patch(self, row: T) -> bool {
        let Some(cell) = self.cell(row.key()) else {
            return false;
        };
        let (same, alike) = cell
            .row
            .with_untracked(|old| (*old == row, old.looks_like(&row)));
        if !same {
            cell.row.set(row);
        }
        if !alike {
            cell.changes
                .update(|changes| *changes = changes.wrapping_add(1));
        }
        true
    }

    /// The list as it is now, in order: values change at once; the rest at once when `apply`,
    /// otherwise it waits.
    pub fn offer(self, rows: Vec<T>, apply: bool) {
        let keys: Vec<String> = rows.iter().map(|row| row.key().to_owned()).collect();
        for row in rows {
            if !self.patch(row.clone()) {
                self.cells.update_value(|cells| {
                    cells.insert(row.key().to_owned(), cell(row));
                });
            }
        }
        self.order(keys, apply);
    }

    /// The same rows, other ones of them, or in another order.
    pub fn order(self, keys: Vec<String>, apply: bool) {
        let waiting = self
            .shown
            .with_untracked(|shown| Waiting::between(shown, &keys));
        self.truth.set_value(keys);
        self.waiting.set(waiting);
        if apply && !waiting.is_empty() {
            self.apply();
        }
    }

    /// Adds rows that are not known yet, without showing them.
    pub fn learn(self, rows: Vec<T>) {
        for row in rows {
            if !self.patch(row.clone()) {
                self.cells.update_value(|cells| {
                    cells.insert(row.key().to_owned(), cell(row));
                });
            }
        }
    }

    /// Shows the rows as they are.
    pub fn apply(self) {
        self.shown.set(self.truth.get_value());
        self.waiting.set(Waiting::default());
    }
}

fn cell<T: Row>(row: T) -> Cell<T> {
    Cell {
        row: ArcRwSignal::new(row),
        changes: ArcRwSignal::new(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(shown: &str, truth: &str) -> Waiting {
        let keys = |word: &str| word.chars().map(String::from).collect::<Vec<_>>();
        Waiting::between(&keys(shown), &keys(truth))
    }

    #[test]
    fn rows_that_come_go_and_move() {
        assert!(waiting("abc", "abc").is_empty());
        assert_eq!(
            waiting("abc", "xabc"),
            Waiting {
                new: 1,
                moved: 0,
                gone: 0
            }
        );
        assert_eq!(
            waiting("abc", "ac"),
            Waiting {
                new: 0,
                moved: 0,
                gone: 1
            }
        );
        assert_eq!(
            waiting("abcd", "bcda"),
            Waiting {
                new: 0,
                moved: 1,
                gone: 0
            }
        );
        assert_eq!(
            waiting("abc", "xcb"),
            Waiting {
                new: 1,
                moved: 1,
                gone: 1
            }
        );
        assert_eq!(waiting("abc", "xcb").words(), "1 new, 1 changed, 1 gone");
    }

    #[test]
    fn a_row_that_came_and_left_again_is_nothing() {
        assert!(waiting("ab", "ab").is_empty());
        assert!(waiting("", "").is_empty());
    }
}
