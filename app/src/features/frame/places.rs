//! Where one can go, and what it is called there.

use crate::components::icon::Glyph;
use crate::model::person::{Me, Role};

/// A page of the rail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Address.
    pub path: &'static str,
    /// The word, in the rail and in the bar.
    pub word: &'static str,
    /// The icon beside it.
    pub glyph: Glyph,
}

const fn place(path: &'static str, word: &'static str, glyph: Glyph) -> Place {
    Place { path, word, glyph }
}

/// Own inbox.
pub const INBOX: Place = place("/inbox", "Inbox", Glyph::Inbox);
/// Own approvals.
pub const APPROVALS: Place = place("/approvals", "Approvals", Glyph::Request);
/// The board.
pub const ATTENDANCE: Place = place("/attendance", "Attendance", Glyph::Clock);
/// The console.
pub const ADMIN: [Place; 8] = [
    place("/admin", "Overview", Glyph::Activity),
    place("/admin/connections", "Connections", Glyph::Plug),
    place("/admin/groups", "Groups", Glyph::Users),
    place("/admin/queued", "Messages", Glyph::Mail),
    place("/admin/undelivered", "Undelivered", Glyph::Alert),
    place("/admin/why", "Why", Glyph::Search),
    place("/admin/classes", "Classes", Glyph::Sliders),
    place("/admin/webhooks", "Webhooks", Glyph::Webhook),
];

/// Is `path` this place, or inside it?
#[must_use]
pub fn is_at(place: Place, path: &str) -> bool {
    let path = path.trim_end_matches('/');
    path == place.path
        || (place.path != "/admin"
            && path
                .strip_prefix(place.path)
                .is_some_and(|rest| rest.starts_with('/')))
}

/// The bar's title: the section, when there is one, and the page.
#[must_use]
pub fn title(path: &str) -> (Option<&'static str>, &'static str) {
    if let Some(place) = ADMIN.into_iter().find(|place| is_at(*place, path)) {
        return (Some("Admin"), place.word);
    }
    [INBOX, APPROVALS, ATTENDANCE]
        .into_iter()
        .find(|place| is_at(*place, path))
        .map_or((None, "bellhop"), |place| (None, place.word))
}

/// Where somebody starts: at what their role is for.
#[must_use]
pub fn start(me: &Me, waiting: i64) -> &'static str {
    if waiting > 0 || me.is(Role::Manager) {
        APPROVALS.path
    } else if me.is(Role::Hr) {
        ATTENDANCE.path
    } else if me.is(Role::Admin) {
        "/admin"
    } else {
        INBOX.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles() {
        assert_eq!(title("/approvals/REQ-1"), (None, "Approvals"));
        assert_eq!(title("/admin"), (Some("Admin"), "Overview"));
        assert_eq!(title("/admin/queued/"), (Some("Admin"), "Messages"));
        assert_eq!(title("/approvalsx"), (None, "bellhop"));
    }
}
