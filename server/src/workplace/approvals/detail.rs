//! A request in full, as one person may see it.

use app::model::approval::{Assignee, RequestDetail, RequestEvent, RequestState, Step, StepState};
use app::model::person::Role;
use uuid::Uuid;

use super::act;
use crate::store::approvals as store;
use crate::store::topic::revision;
use crate::workplace::topics::Topic;
use crate::workplace::{Actor, Workplace, WorkplaceError};

/// The request, if the caller asked for it, is or was asked in one of its steps, or has role hr;
/// for everybody else it does not exist.
pub async fn detail(
    workplace: &Workplace,
    actor: &Actor,
    id: Uuid,
) -> Result<RequestDetail, WorkplaceError> {
    const MISSING: WorkplaceError = WorkplaceError::NotFound("request");
    let tenant = actor.tenant;
    let mut conn = workplace.pool.acquire().await?;
    let as_of = revision(&mut conn, tenant, &Topic::Request(id).group()).await?;
    let head = store::head(&mut conn, tenant, id).await?.ok_or(MISSING)?;
    if head.requester != actor.user && !head.assignees.contains(&actor.user) && !actor.is(Role::Hr)
    {
        return Err(MISSING);
    }
    let row = store::summaries(&mut conn, tenant, &[id])
        .await?
        .pop()
        .ok_or(MISSING)?;
    let assignees = store::assignees(&mut conn, tenant, id).await?;
    let events = store::events(&mut conn, tenant, id).await?;
    let steps = store::steps(&mut conn, tenant, id).await?;
    drop(conn);

    let row = act::row(row);
    let steps: Vec<Step> = steps
        .into_iter()
        .map(|step| with_assignees(step, &assignees, actor.user))
        .collect();
    let can_decide = row.state == RequestState::InReview
        && steps.iter().any(|step| {
            step.state == StepState::Open
                && step
                    .assignees
                    .iter()
                    .any(|one| one.is_me && one.state == StepState::Open)
        });
    let consequence = if can_decide {
        consequence(&steps, &row.requester.name)
    } else {
        String::new()
    };
    Ok(RequestDetail {
        row,
        fields: head.fields,
        steps,
        events: events
            .into_iter()
            .map(|event| RequestEvent {
                at: act::moment(event.at),
                actor: event.actor,
                what: event.kind,
                comment: event.comment,
            })
            .collect(),
        can_decide,
        consequence,
        as_of,
    })
}

fn with_assignees(step: store::StepRow, all: &[store::AssigneeRow], viewer: Uuid) -> Step {
    let state = act::step_state(&step.state);
    Step {
        name: step.name,
        state,
        assignees: all
            .iter()
            .filter(|one| one.step == step.id)
            .map(|one| Assignee {
                name: one.name.clone(),
                state: act::part_state(&one.state, state),
                at: one.at.map(act::moment),
                comment: one.comment.clone(),
                is_me: one.user == viewer,
            })
            .collect(),
        opened_at: step.opened_at.map(act::moment),
        due_at: step.due_at.map(act::moment),
    }
}

/// What follows a yes, for the person who can give it.
fn consequence(steps: &[Step], requester: &str) -> String {
    let next = steps
        .iter()
        .skip_while(|step| step.state != StepState::Open)
        .skip(1)
        .find(|step| step.state == StepState::Waiting);
    match next {
        Some(step) => {
            let names: Vec<&str> = step.assignees.iter().map(|one| one.name.as_str()).collect();
            let verb = if names.len() == 1 {
                "decides"
            } else {
                "decide"
            };
            format!("If you approve, {} {verb} next.", either(&names))
        }
        None => format!("If you approve, the request is approved and {requester} is told."),
    }
}

/// `Ada`, `Ada or Tom`, `Ada, Tom or Zuzanna`.
fn either(names: &[&str]) -> String {
    match names {
        [] => "nobody".to_owned(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_as_a_sentence() {
        assert_eq!(either(&["Ada"]), "Ada");
        assert_eq!(either(&["Ada", "Tom"]), "Ada or Tom");
        assert_eq!(either(&["Ada", "Tom", "Zuzanna"]), "Ada, Tom or Zuzanna");
    }
}
