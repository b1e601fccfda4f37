//! Items of one thread are shown as one, the latest first.

use std::collections::HashMap;

use crate::components::rows::Row;
use crate::model::inbox::{InboxItem, InboxTab};

/// What the list shows as one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    /// The latest item.
    pub latest: InboxItem,
    /// Ids of the others, newest first.
    pub earlier: Vec<String>,
    /// One of them is unread.
    pub unread: bool,
}

impl Thread {
    /// All ids, joined as the server function wants them.
    #[must_use]
    pub fn ids(&self) -> String {
        let mut ids = vec![self.latest.id.clone()];
        ids.extend(self.earlier.iter().cloned());
        ids.join(",")
    }
}

impl Row for Thread {
    fn key(&self) -> &str {
        // A thread stays the same row when a newer item arrives in it.
        self.latest.thread_key.as_deref().unwrap_or(&self.latest.id)
    }

    fn looks_like(&self, other: &Self) -> bool {
        let shown = |thread: &Self| {
            let item = &thread.latest;
            (
                item.id.clone(),
                item.title.clone(),
                item.body.clone(),
                item.withdrawn,
                thread.unread,
            )
        };
        shown(self) == shown(other)
    }
}

/// Newest first, one row per thread.
#[must_use]
pub fn threads(items: &[InboxItem], tab: InboxTab) -> Vec<Thread> {
    let mut sorted: Vec<&InboxItem> = items.iter().filter(|item| belongs(item, tab)).collect();
    sorted.sort_by_key(|item| std::cmp::Reverse(item.seq));
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut threads: Vec<Thread> = Vec::new();
    for item in sorted {
        let unread = !item.read && !item.withdrawn;
        let key = item.thread_key.as_deref().unwrap_or(&item.id);
        if let Some(&place) = places.get(key) {
            threads[place].earlier.push(item.id.clone());
            threads[place].unread |= unread;
        } else {
            places.insert(key, threads.len());
            threads.push(Thread {
                latest: item.clone(),
                earlier: Vec::new(),
                unread,
            });
        }
    }
    threads
}

/// Which items a tab is about. What was read while the tab is open stays until the next visit: the
/// caller does not ask again for rows that are on screen.
fn belongs(item: &InboxItem, tab: InboxTab) -> bool {
    match tab {
        InboxTab::All => !item.archived,
        InboxTab::Unread => !item.archived && !item.read,
        InboxTab::Archive => item.archived,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Moment;
    use crate::model::inbox::Severity;

    fn item(id: &str, seq: i64, thread: Option<&str>) -> InboxItem {
        InboxItem {
            id: id.to_owned(),
            seq,
            kind: "NewTask".to_owned(),
            title: id.to_owned(),
            body: String::new(),
            severity: Severity::Info,
            thread_key: thread.map(str::to_owned),
            link: None,
            actor: None,
            at: Moment(seq),
            seen: false,
            read: false,
            archived: false,
            withdrawn: false,
            on_behalf_of: None,
        }
    }

    #[test]
    fn the_latest_of_a_thread_stands_for_it() {
        let items = [
            item("a", 1, Some("r")),
            item("b", 2, None),
            item("c", 3, Some("r")),
        ];
        let threads = threads(&items, InboxTab::All);
        assert_eq!(threads.len(), 2);
        assert_eq!(threads[0].latest.id, "c");
        assert_eq!(threads[0].ids(), "c,a");
        assert_eq!(threads[0].key(), "r");
        assert_eq!(threads[1].latest.id, "b");
    }

    #[test]
    fn tabs_take_what_is_theirs() {
        let mut read = item("a", 1, None);
        read.read = true;
        let mut archived = item("b", 2, None);
        archived.archived = true;
        let items = [read, archived, item("c", 3, None)];
        assert_eq!(threads(&items, InboxTab::All).len(), 2);
        assert_eq!(threads(&items, InboxTab::Unread).len(), 1);
        assert_eq!(threads(&items, InboxTab::Archive)[0].latest.id, "b");
    }
}
