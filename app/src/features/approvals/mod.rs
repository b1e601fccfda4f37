//! Approvals: the lists, one request, and the decision.

pub mod decide;
pub mod detail;
pub mod due;
pub mod kind;
pub mod list;
pub mod page;
pub mod row;
pub mod server_fns;
pub mod state;
pub mod steps;

use crate::model::approval::ApprovalTab;

/// Address of a list, or of a request beside it.
#[must_use]
pub fn address(tab: ApprovalTab, request: Option<&str>) -> String {
    let path = request.map_or_else(|| "/approvals".to_owned(), |id| format!("/approvals/{id}"));
    match word(tab) {
        "" => path,
        word => format!("{path}?tab={word}"),
    }
}

/// The tab of an address; the first for all it does not know.
#[must_use]
pub fn tab_of(word: Option<&str>) -> ApprovalTab {
    match word {
        Some("decided") => ApprovalTab::Decided,
        Some("mine") => ApprovalTab::Mine,
        _ => ApprovalTab::Waiting,
    }
}

const fn word(tab: ApprovalTab) -> &'static str {
    match tab {
        ApprovalTab::Waiting => "",
        ApprovalTab::Decided => "decided",
        ApprovalTab::Mine => "mine",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_back() {
        for tab in [
            ApprovalTab::Waiting,
            ApprovalTab::Decided,
            ApprovalTab::Mine,
        ] {
            assert_eq!(tab_of(Some(word(tab))), tab);
        }
        assert_eq!(
            address(ApprovalTab::Mine, Some("r1")),
            "/approvals/r1?tab=mine"
        );
        assert_eq!(address(ApprovalTab::Waiting, None), "/approvals");
    }
}
