//! One person's lists.

use app::model::approval::{ApprovalCounts, ApprovalList, ApprovalTab};

use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

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
    let counts = counted(&mut conn, tenant, user, since).await?;
    Ok(ApprovalList {
        rows: rows.into_iter().map(act::row).collect(),
        counts,
        as_of,
    })
}

/// The counts alone, with the topic's revision.
pub async fn counts(
    conn: &mut PgConnection,
    tenant: Uuid,
    user: Uuid,
    now: Timestamp,
) -> sqlx::Result<(ApprovalCounts, i64)> {
    let as_of = revision(conn, tenant, &Topic::Approvals(user).group()).await?;
    let since = act::remembered_since(now);
    Ok((counted(conn, tenant, user, since).await?, as_of))
}

async fn counted(
    conn: &mut PgConnection,
    tenant: Uuid,
    user: Uuid,
    since: Timestamp,
) -> sqlx::Result<ApprovalCounts> {
    let row = store::counts(conn, tenant, &[user], since).await?.pop();
    Ok(
        row.map_or_else(ApprovalCounts::default, |row| ApprovalCounts {
            waiting: row.waiting,
            decided: row.decided,
            mine: row.mine,
        }),
    )
}
