//! Somebody decides; exactly one of those who try.
//!
//! The request's row is locked first, so two deciders come one after the other, and each statement
//! that changes a state names the old one all the same (a fault elsewhere must not decide twice).
//! A repeated click of the same person with the same verdict is answered like the first.

use app::model::approval::{Decision, RequestDetail, Verdict};
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use super::announce::announce;
use super::detail::detail;
use super::notices::{self, About};
use super::submit::text;
use crate::store::approvals::{self as store, Locked, Part};
use crate::workplace::change::{Change, Sealed};
use crate::workplace::{Actor, Desk, Workplace, WorkplaceError};

/// Decides the open step of a request; answers the request as it stands then.
pub async fn decide(
    workplace: &Workplace,
    actor: &Actor,
    decision: Decision,
) -> Result<RequestDetail, WorkplaceError> {
    let id = parse(&decision)?;
    let now = workplace.clock.now();
    let mut tx = workplace.pool.begin().await?;
    match decide_in(&mut tx, actor, &decision, workplace.desk(), now).await? {
        Some(sealed) => sealed.commit(tx, workplace).await?,
        None => tx.rollback().await?,
    }
    detail(workplace, actor, id).await
}

/// As [`decide`], inside the caller's transaction, as its last work. `None`: the same person
/// decided the same before, and nothing was done.
pub async fn decide_in(
    conn: &mut PgConnection,
    actor: &Actor,
    decision: &Decision,
    desk: Desk<'_>,
    now: Timestamp,
) -> Result<Option<Sealed>, WorkplaceError> {
    let id = parse(decision)?;
    let comment = decision.comment.trim();
    let least = usize::from(decision.verdict == Verdict::Reject);
    text("comment", comment, least, 2_000)?;
    let made = Made {
        verdict: decision.verdict,
        comment: (!comment.is_empty()).then_some(comment),
        at: now,
    };

    let request = store::lock(&mut *conn, actor.tenant, id)
        .await?
        .ok_or(WorkplaceError::NotFound("request"))?;
    let parts = store::assignments_of(&mut *conn, actor.tenant, id).await?;
    let mine = match judge(&request, &parts, actor.user, decision) {
        Ok(Some(mine)) => mine,
        Ok(None) => return Ok(None),
        Err(refused) => {
            return Err(explain(conn, actor.tenant, &request, &parts, refused).await?);
        }
    };
    let mut change = Change::new(actor.tenant);
    write(&mut *conn, &request, &parts, mine, &made, &mut change, desk).await?;
    let involved = involved(&request, &parts);
    Ok(Some(
        announce(conn, change, actor.tenant, id, &involved, now).await?,
    ))
}

fn parse(decision: &Decision) -> Result<Uuid, WorkplaceError> {
    Uuid::try_parse(&decision.request).map_err(|_| WorkplaceError::NotFound("request"))
}

/// A decision that was found to be possible.
struct Made<'a> {
    verdict: Verdict,
    comment: Option<&'a str>,
    at: Timestamp,
}

impl Made<'_> {
    fn state(&self) -> &'static str {
        match self.verdict {
            Verdict::Approve => "approved",
            Verdict::Reject => "rejected",
        }
    }
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refused {
    /// The caller has no part in it.
    NoPart,
    /// The caller asked for it, or an earlier step is not done.
    NotYours(&'static str),
    /// The step with this number was decided.
    Decided(i32),
    /// The requester took it back.
    Withdrawn,
    /// It was edited.
    Stale(i32),
}

/// May `user` decide, and with which assignment? `Ok(None)`: they did, and said the same.
fn judge<'a>(
    request: &Locked,
    parts: &'a [Part],
    user: Uuid,
    decision: &Decision,
) -> Result<Option<&'a Part>, Refused> {
    let mine = || parts.iter().filter(|part| part.assignee == user);
    if let Some(open) = mine().find(|part| part.step_state == "open" && part.state == "pending") {
        return match request.state.as_str() {
            "in_review" if request.revision == decision.revision => Ok(Some(open)),
            "in_review" => Err(Refused::Stale(request.revision)),
            _ => Err(Refused::Decided(open.seq)),
        };
    }
    // The latest of my steps that is over is the one I must have meant.
    if let Some(over) = mine().rfind(|part| part.step_state != "waiting") {
        let said = match decision.verdict {
            Verdict::Approve => "approved",
            Verdict::Reject => "rejected",
        };
        return match request.state.as_str() {
            _ if over.state == said => Ok(None),
            "withdrawn" => Err(Refused::Withdrawn),
            // A step that ended because another one said no names that one's decider.
            _ if over.step_state == "cancelled" => Err(Refused::Decided(0)),
            _ => Err(Refused::Decided(over.seq)),
        };
    }
    if request.requester == user {
        return Err(Refused::NotYours(
            "Nobody decides what they asked for themselves.",
        ));
    }
    if mine().next().is_some() {
        return Err(match request.state.as_str() {
            "withdrawn" => Refused::Withdrawn,
            "rejected" => Refused::Decided(0),
            _ => Refused::NotYours("An earlier step has to be decided first."),
        });
    }
    Err(Refused::NoPart)
}

/// The refusal with names and instants.
async fn explain(
    conn: &mut PgConnection,
    tenant: Uuid,
    request: &Locked,
    parts: &[Part],
    refused: Refused,
) -> Result<WorkplaceError, sqlx::Error> {
    Ok(match refused {
        Refused::NoPart => WorkplaceError::NotFound("request"),
        Refused::NotYours(need) => WorkplaceError::Forbidden(need),
        Refused::Stale(current) => WorkplaceError::StaleRevision { current },
        Refused::Withdrawn => {
            let who = store::people_by_id(conn, tenant, &[request.requester])
                .await?
                .pop();
            WorkplaceError::AlreadyDecided {
                by: who.map_or_else(|| "The requester".to_owned(), |person| person.name),
                verdict: "withdrew",
                at: request.decided_at.unwrap_or(request.submitted_at),
            }
        }
        Refused::Decided(seq) => {
            let winner = parts
                .iter()
                .filter(|part| seq == 0 || part.seq == seq)
                .find(|part| part.state == "rejected" || (seq != 0 && part.state == "approved"));
            WorkplaceError::AlreadyDecided {
                by: winner.map_or_else(|| "Somebody".to_owned(), |part| part.name.clone()),
                verdict: match winner {
                    Some(part) if part.state == "rejected" => "rejected",
                    _ => "approved",
                },
                at: winner
                    .and_then(|part| part.decided_at)
                    .or(request.decided_at)
                    .unwrap_or(request.submitted_at),
            }
        }
    })
}

/// The rows and the notifications of a decision.
async fn write(
    conn: &mut PgConnection,
    request: &Locked,
    parts: &[Part],
    mine: &Part,
    made: &Made<'_>,
    change: &mut Change,
    desk: Desk<'_>,
) -> Result<(), WorkplaceError> {
    let (tenant, state, at) = (change.tenant(), made.state(), made.at);
    let once = |rows: u64| {
        if rows == 1 {
            Ok(())
        } else {
            Err(sqlx::Error::RowNotFound)
        }
    };
    let revision = request.revision;
    once(
        store::settle_assignment(conn, tenant, mine.id, state, made.comment, revision, at).await?,
    )?;
    once(store::close_step(conn, tenant, mine.step, state, at).await?)?;
    store::supersede_others(conn, tenant, mine.step, at).await?;
    let actor = mine.assignee;
    store::insert_event(conn, tenant, request.id, actor, state, made.comment, at).await?;

    let about = About {
        tenant,
        service: request.service,
        request: request.id,
        number: request.number,
        submitted_at: request.submitted_at,
        kind: &request.kind,
        subject: &request.subject,
        amount: &request.amount,
    };
    let thread = format!("request:{}", request.id);
    change.take_back(request.service, thread, "NewTask", desk.ids.uuid());
    let next = parts
        .iter()
        .find(|part| part.seq > mine.seq && part.step_state == "waiting");
    let to = request.requester;
    match (made.verdict, next) {
        (Verdict::Reject, _) => {
            store::cancel_rest(conn, tenant, request.id, at).await?;
            once(store::end_request(conn, tenant, request.id, revision, state, at).await?)?;
            change.publish(notices::rejected(
                &about,
                &mine.name,
                made.comment,
                to,
                desk,
                at,
            ));
        }
        (Verdict::Approve, None) => {
            once(store::end_request(conn, tenant, request.id, revision, state, at).await?)?;
            change.publish(notices::approved(
                &about,
                &mine.name,
                made.comment,
                to,
                desk,
                at,
            ));
        }
        (Verdict::Approve, Some(next)) => {
            once(store::open_step(conn, tenant, next.step, at).await?)?;
            let asked = parts
                .iter()
                .filter(|part| part.step == next.step)
                .map(|part| part.assignee);
            let who = store::people_by_id(conn, tenant, &[to]).await?.pop();
            let who = who.map_or_else(String::new, |person| person.name);
            change.publish(notices::new_task(&about, &who, asked.collect(), desk, at));
        }
    }
    Ok(())
}

/// The requester and everybody whose step was ever open, or opens now.
pub(super) fn involved(request: &Locked, parts: &[Part]) -> Vec<Uuid> {
    let mut users: Vec<Uuid> = parts.iter().map(|part| part.assignee).collect();
    users.push(request.requester);
    users.sort_unstable();
    users.dedup();
    users
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(state: &str) -> Locked {
        Locked {
            id: Uuid::nil(),
            number: 1,
            kind: "leave".to_owned(),
            subject: "A week".to_owned(),
            amount: String::new(),
            requester: Uuid::from_u128(9),
            service: Uuid::nil(),
            revision: 2,
            state: state.to_owned(),
            submitted_at: Timestamp::UNIX_EPOCH,
            decided_at: None,
        }
    }

    fn part(user: u128, seq: i32, step_state: &str, state: &str) -> Part {
        Part {
            id: Uuid::from_u128(user * 100 + u128::from(seq.unsigned_abs())),
            step: Uuid::from_u128(u128::from(seq.unsigned_abs())),
            seq,
            step_state: step_state.to_owned(),
            assignee: Uuid::from_u128(user),
            name: format!("User {user}"),
            state: state.to_owned(),
            decided_at: None,
        }
    }

    fn ask(state: &str, parts: &[Part], user: u128, revision: i32) -> Result<bool, Refused> {
        let decision = Decision {
            request: String::new(),
            revision,
            verdict: Verdict::Approve,
            comment: String::new(),
        };
        judge(&request(state), parts, Uuid::from_u128(user), &decision).map(|part| part.is_some())
    }

    #[test]
    fn each_caller_gets_the_answer_that_helps_them() {
        let open = [
            part(1, 1, "open", "pending"),
            part(3, 2, "waiting", "pending"),
        ];
        assert_eq!(ask("in_review", &open, 1, 2), Ok(true));
        assert_eq!(ask("in_review", &open, 1, 1), Err(Refused::Stale(2)));
        assert_eq!(ask("in_review", &open, 7, 2), Err(Refused::NoPart));
        assert!(matches!(
            ask("in_review", &open, 3, 2),
            Err(Refused::NotYours(_))
        ));
        assert!(matches!(
            ask("in_review", &open, 9, 2),
            Err(Refused::NotYours(_))
        ));

        let lost = [
            part(1, 1, "approved", "approved"),
            part(2, 1, "approved", "superseded"),
        ];
        assert_eq!(ask("approved", &lost, 2, 2), Err(Refused::Decided(1)));
        assert_eq!(
            ask("approved", &lost, 1, 1),
            Ok(false),
            "the same click twice"
        );

        let ended = [
            part(1, 1, "rejected", "rejected"),
            part(3, 2, "cancelled", "cancelled"),
        ];
        assert_eq!(ask("rejected", &ended, 3, 2), Err(Refused::Decided(0)));
        assert_eq!(ask("rejected", &ended, 1, 2), Err(Refused::Decided(1)));

        let back = [part(1, 1, "cancelled", "cancelled")];
        assert_eq!(ask("withdrawn", &back, 1, 2), Err(Refused::Withdrawn));
    }
}
