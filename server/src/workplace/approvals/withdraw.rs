//! The requester takes it back.

use app::model::approval::RequestDetail;
use uuid::Uuid;

use super::announce::announce;
use super::decide::involved;
use super::detail::detail;
use crate::store::approvals as store;
use crate::workplace::change::Change;
use crate::workplace::{Actor, Workplace, WorkplaceError};

/// Takes a request back that is still in review. Doing it twice is doing it once.
pub async fn withdraw(
    workplace: &Workplace,
    actor: &Actor,
    id: Uuid,
) -> Result<RequestDetail, WorkplaceError> {
    let now = workplace.clock.now();
    let mut tx = workplace.pool.begin().await?;
    let request = store::lock(&mut tx, actor.tenant, id)
        .await?
        .ok_or(WorkplaceError::NotFound("request"))?;
    let parts = store::assignments_of(&mut tx, actor.tenant, id).await?;
    if request.requester != actor.user {
        let known = parts.iter().any(|part| part.assignee == actor.user);
        return Err(if known {
            WorkplaceError::Forbidden("Only the requester takes a request back.")
        } else {
            WorkplaceError::NotFound("request")
        });
    }
    match request.state.as_str() {
        "in_review" => {
            store::cancel_rest(&mut tx, actor.tenant, id, now).await?;
            let rows = store::end_request(
                &mut tx,
                actor.tenant,
                id,
                request.revision,
                "withdrawn",
                now,
            )
            .await?;
            if rows != 1 {
                return Err(sqlx::Error::RowNotFound.into());
            }
            store::insert_event(
                &mut tx,
                actor.tenant,
                id,
                actor.user,
                "withdrawn",
                None,
                now,
            )
            .await?;
            let involved = involved(&request, &parts);
            let mut change = Change::new(actor.tenant);
            let thread = format!("request:{id}");
            change.take_back(request.service, thread, "NewTask", workplace.ids.uuid());
            let sealed = announce(&mut tx, change, actor.tenant, id, &involved, now).await?;
            sealed.commit(tx, workplace).await?;
        }
        "withdrawn" => tx.rollback().await?,
        state => {
            let winner = parts.iter().rev().find(|part| part.state == state);
            return Err(WorkplaceError::AlreadyDecided {
                by: winner.map_or_else(|| "Somebody".to_owned(), |part| part.name.clone()),
                verdict: if state == "rejected" {
                    "rejected"
                } else {
                    "approved"
                },
                at: request.decided_at.unwrap_or(request.submitted_at),
            });
        }
    }
    detail(workplace, actor, id).await
}
