//! One person's lists.

use app::model::approval::{ApprovalCounts, ApprovalList, ApprovalTab};

use super::act;
use crate::store::approvals as store;
use crate::store::topic::revision;
use crate::workplace::topics::Topic;
use crate::workplace::{Actor, Workplace, WorkplaceError};

/// One of the caller's lists. Four statements, whatever its length.
pub async fn list(
    workplace: &Workplace,
    actor: &Actor,
    tab: ApprovalTab,
) -> Result<ApprovalList, WorkplaceError> {
    let (tenant, user) = (actor.tenant, actor.user);
    let since = act::remembered_since(workplace.clock.now());
    let mut conn = workplace.pool.acquire().await?;
    let as_of = revision(&mut conn, tenant, &Topic::Approvals(user).group()).await?;
    let tab = match tab {
        ApprovalTab::Waiting => store::Tab::Waiting,
        ApprovalTab::Decided => store::Tab::Decided,
        ApprovalTab::Mine => store::Tab::Mine,
    };
    let ids = store::ids_of(&mut conn, tenant, user, tab, since).await?;
    let rows = store::summaries(&mut conn, tenant, &ids).await?;
    let counts = store::counts(&mut conn, tenant, &[user], since)
        .await?
        .pop()
        .map(|row| ApprovalCounts {
            waiting: row.waiting,
            decided: row.decided,
            mine: row.mine,
        })
        .unwrap_or_default();
    Ok(ApprovalList {
        rows: rows.into_iter().map(act::row).collect(),
        counts,
        as_of,
    })
}
