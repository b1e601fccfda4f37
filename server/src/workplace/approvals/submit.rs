//! Somebody asks.

use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use super::act::number;
use super::announce::announce;
use super::notices::{self, About};
use crate::store::approvals::{self as store, PersonRow};
use crate::workplace::Desk;
use crate::workplace::change::{Change, Sealed};
use crate::workplace::{Workplace, WorkplaceError};

/// A request as it comes in; people by the customer's own ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewRequest {
    /// Inner id of the tenant.
    pub tenant: Uuid,
    /// Inner id of the service it comes through.
    pub service: Uuid,
    /// The customer's id of who asks.
    pub requester: String,
    /// `purchase leave travel contract equipment correction other`, or a word of the customer's.
    pub kind: String,
    /// One line.
    pub subject: String,
    /// The key fact, written out; may be empty.
    pub amount: String,
    /// Label and value, in the order of the form.
    pub fields: Vec<(String, String)>,
    /// One after the other. Empty: one step, the requester's manager.
    pub steps: Vec<NewStep>,
    /// When each step should be decided.
    pub due_at: Option<Timestamp>,
    /// The back-end's own id: submitting it again answers the first one.
    pub source_id: Option<String>,
}

/// Who is asked together; the first of them to decide decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewStep {
    /// `Finance`; empty: `Approval`.
    pub name: String,
    /// The customer's ids.
    pub approvers: Vec<String>,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// Inner id, part of its page's address.
    pub id: Uuid,
    /// `REQ-2026-01847`.
    pub number: String,
    /// False: the `source_id` was known, and nothing was done.
    pub created: bool,
}

/// Takes a request in, opens its first step and tells those who can decide.
pub async fn submit(workplace: &Workplace, new: NewRequest) -> Result<Submitted, WorkplaceError> {
    let now = workplace.clock.now();
    let mut tx = workplace.pool.begin().await?;
    let (submitted, sealed) = submit_in(&mut tx, new, workplace.desk(), now).await?;
    if let Some(sealed) = sealed {
        sealed.commit(tx, workplace).await?;
    }
    Ok(submitted)
}

/// As [`submit`], inside the caller's transaction, as its last work. Nothing is sealed for a
/// `source_id` that was known.
pub async fn submit_in(
    conn: &mut PgConnection,
    new: NewRequest,
    desk: Desk<'_>,
    now: Timestamp,
) -> Result<(Submitted, Option<Sealed>), WorkplaceError> {
    check(&new)?;
    store::lock_numbers(&mut *conn, new.tenant).await?;
    if let Some(source) = &new.source_id
        && let Some((id, running, at)) = store::by_source(&mut *conn, new.tenant, source).await?
    {
        let first = Submitted {
            id,
            number: number(running, at),
            created: false,
        };
        return Ok((first, None));
    }

    let requester = people(
        &mut *conn,
        new.tenant,
        "requester",
        std::slice::from_ref(&new.requester),
    )
    .await?
    .swap_remove(0);
    let steps = plan(&mut *conn, &new, &requester).await?;
    let id = desk.ids.uuid();
    let running = store::next_number(&mut *conn, new.tenant).await?;
    let row = store::NewRequestRow {
        id,
        number: running,
        kind: new.kind,
        subject: new.subject,
        amount: new.amount,
        fields: new.fields,
        requester: requester.id,
        service: new.service,
        submitted_at: now,
        due_at: new.due_at,
        source_id: new.source_id,
    };
    store::insert_request(&mut *conn, new.tenant, &row).await?;

    let mut step_rows = Vec::new();
    let mut assignments = Vec::new();
    for (seq, (name, approvers)) in (1..).zip(&steps) {
        let step = desk.ids.uuid();
        step_rows.push(store::NewStepRow {
            id: step,
            request: id,
            seq,
            name: name.clone(),
            opened_at: (seq == 1).then_some(now),
            due_at: new.due_at,
        });
        assignments.extend(approvers.iter().map(|person| store::NewAssignment {
            id: desk.ids.uuid(),
            step,
            assignee: person.id,
        }));
    }
    store::insert_steps(&mut *conn, new.tenant, &step_rows).await?;
    store::insert_assignments(&mut *conn, new.tenant, &assignments).await?;
    store::insert_event(
        &mut *conn,
        new.tenant,
        id,
        requester.id,
        "submitted",
        None,
        now,
    )
    .await?;

    let asked: Vec<Uuid> = steps[0].1.iter().map(|person| person.id).collect();
    let about = About {
        tenant: new.tenant,
        service: new.service,
        request: id,
        number: running,
        submitted_at: now,
        kind: &row.kind,
        subject: &row.subject,
        amount: &row.amount,
    };
    let mut change = Change::new(new.tenant);
    change.publish(notices::new_task(
        &about,
        &requester.name,
        asked.clone(),
        desk,
        now,
    ));
    let involved: Vec<Uuid> = asked.into_iter().chain([requester.id]).collect();
    let sealed = announce(conn, change, new.tenant, id, &involved, now).await?;
    let submitted = Submitted {
        id,
        number: number(running, now),
        created: true,
    };
    Ok((submitted, Some(sealed)))
}

/// Who is asked, step by step; never the requester, never nobody.
async fn plan(
    conn: &mut PgConnection,
    new: &NewRequest,
    requester: &PersonRow,
) -> Result<Vec<(String, Vec<PersonRow>)>, WorkplaceError> {
    if new.steps.is_empty() {
        let missing = || {
            WorkplaceError::invalid(
                "approvers",
                format!(
                    "{} has no active manager; name the approvers.",
                    requester.key
                ),
            )
        };
        let manager = requester.manager.ok_or_else(missing)?;
        let found = store::people_by_id(conn, new.tenant, &[manager]).await?;
        let found: Vec<_> = found
            .into_iter()
            .filter(|person| person.id != requester.id)
            .collect();
        if found.is_empty() {
            return Err(missing());
        }
        return Ok(vec![("Line manager".to_owned(), found)]);
    }
    let mut planned = Vec::new();
    for step in &new.steps {
        let found = people(&mut *conn, new.tenant, "approvers", &step.approvers).await?;
        if found.is_empty() {
            return Err(WorkplaceError::invalid(
                "approvers",
                "Name at least one approver a step.",
            ));
        }
        if found.iter().any(|person| person.id == requester.id) {
            return Err(WorkplaceError::invalid(
                "approvers",
                format!("{} cannot approve their own request.", requester.key),
            ));
        }
        let name = if step.name.is_empty() {
            "Approval"
        } else {
            &step.name
        };
        planned.push((name.to_owned(), found));
    }
    Ok(planned)
}

/// Everybody named, each once, or which one is unknown.
async fn people(
    conn: &mut PgConnection,
    tenant: Uuid,
    field: &'static str,
    keys: &[String],
) -> Result<Vec<PersonRow>, WorkplaceError> {
    let found = store::people_by_key(conn, tenant, keys).await?;
    match keys
        .iter()
        .find(|key| !found.iter().any(|person| person.key == **key))
    {
        Some(missing) => Err(WorkplaceError::invalid(
            field,
            format!("There is no active user \"{missing}\"."),
        )),
        None => Ok(found),
    }
}

/// Bounds of what a form may carry, in characters; a zero byte is no text for Postgres.
fn check(new: &NewRequest) -> Result<(), WorkplaceError> {
    let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if !(1..=32).contains(&new.kind.len()) || !new.kind.bytes().all(word) {
        let problem = "1 to 32 lower-case letters, digits or underscores, such as \"purchase\".";
        return Err(WorkplaceError::invalid("kind", problem));
    }
    text("subject", &new.subject, 1, 200)?;
    text("amount", &new.amount, 0, 100)?;
    text("requester", &new.requester, 1, 128)?;
    if let Some(source) = &new.source_id {
        text("source_id", source, 1, 128)?;
    }
    if new.fields.len() > 50 {
        return Err(WorkplaceError::invalid("fields", "At most 50 fields."));
    }
    for (label, value) in &new.fields {
        text("fields", label, 1, 100)?;
        text("fields", value, 0, 4_000)?;
    }
    if new.steps.len() > 10 {
        return Err(WorkplaceError::invalid("steps", "At most 10 steps."));
    }
    for step in &new.steps {
        text("steps", &step.name, 0, 100)?;
        if step.approvers.len() > 50 {
            return Err(WorkplaceError::invalid(
                "approvers",
                "At most 50 approvers a step.",
            ));
        }
        for approver in &step.approvers {
            text("approvers", approver, 1, 128)?;
        }
    }
    Ok(())
}

/// One text: not too short, not too long, no zero byte.
pub(super) fn text(
    field: &'static str,
    value: &str,
    least: usize,
    most: usize,
) -> Result<(), WorkplaceError> {
    let length = value.trim().chars().count();
    if length < least {
        return Err(WorkplaceError::invalid(field, "It is missing."));
    }
    if value.chars().count() > most {
        return Err(WorkplaceError::invalid(
            field,
            format!("At most {most} characters."),
        ));
    }
    if value.contains('\0') {
        return Err(WorkplaceError::invalid(
            field,
            "A zero byte is not allowed in text.",
        ));
    }
    Ok(())
}
