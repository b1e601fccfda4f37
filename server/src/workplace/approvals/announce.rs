//! The last part of each use case that changes a request: which screens show something else now,
//! and what.

use app::model::approval::ApprovalCounts;
use app::model::approval::ApprovalRow;
use jiff::Timestamp;
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::act;
use crate::store::approvals as store;
use crate::workplace::change::{Change, Sealed};
use crate::workplace::topics::Topic;

/// A row of the topic `approvals` as a patch carries it: the row, and in which of the receiver's
/// tabs it is now. (In none of them: the patch removes it.)
#[derive(Debug, Serialize)]
struct Placed<'a> {
    #[serde(flatten)]
    row: &'a ApprovalRow,
    tabs: Vec<&'static str>,
}

/// Touches the request's own topic and the lists of everybody involved, seals, and fills the
/// patches with what is true under the seal.
pub(super) async fn announce(
    conn: &mut PgConnection,
    mut change: Change,
    tenant: Uuid,
    request: Uuid,
    involved: &[Uuid],
    now: Timestamp,
) -> sqlx::Result<Sealed> {
    change.touch(Topic::Request(request));
    for user in involved {
        change.touch(Topic::Approvals(*user));
    }
    let mut sealed = change.seal(&mut *conn, now).await?;

    // Who may decide and what follows differs from viewer to viewer: the page fetches.
    sealed.resync(Topic::Request(request));

    let since = act::remembered_since(now);
    let row = store::summaries(&mut *conn, tenant, &[request])
        .await?
        .pop()
        .map(act::row);
    for counts in store::counts(&mut *conn, tenant, involved, since).await? {
        let counted = ApprovalCounts {
            waiting: counts.waiting,
            decided: counts.decided,
            mine: counts.mine,
        };
        sealed.counts(Topic::Approvals(counts.user), &counted);
    }
    for place in store::places(conn, tenant, request, involved).await? {
        let topic = Topic::Approvals(place.user);
        let tabs: Vec<&str> = [
            (place.waiting, "waiting"),
            (place.decided, "decided"),
            (place.mine, "mine"),
        ]
        .into_iter()
        .filter_map(|(there, tab)| there.then_some(tab))
        .collect();
        match &row {
            Some(row) if !tabs.is_empty() => sealed.upsert(topic, &Placed { row, tabs }),
            _ => sealed.remove(topic, request.to_string()),
        }
    }
    Ok(sealed)
}
