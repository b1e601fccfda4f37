//! Moves of a request's state. Every one names the old state and answers how many rows had it.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use uuid::Uuid;

/// A request whose row is locked until the transaction ends.
#[derive(Clone, Debug)]
pub struct Locked {
    /// Inner id.
    pub id: Uuid,
    /// Running number inside the tenant.
    pub number: i64,
    /// Chooses the icon.
    pub kind: String,
    /// One line.
    pub subject: String,
    /// The key fact.
    pub amount: String,
    /// Who asks.
    pub requester: Uuid,
    /// The service it came through.
    pub service: Uuid,
    /// Goes up with every edit.
    pub revision: i32,
    /// `in_review`, `approved`, `rejected`, `withdrawn`.
    pub state: String,
    /// When it was sent.
    pub submitted_at: Timestamp,
    /// When it was over.
    pub decided_at: Option<Timestamp>,
}

/// One assignment with the step it belongs to.
#[derive(Clone, Debug)]
pub struct Part {
    /// Inner id.
    pub id: Uuid,
    /// Inner id of the step.
    pub step: Uuid,
    /// Number of the step, from 1.
    pub seq: i32,
    /// State of the step.
    pub step_state: String,
    /// Who is asked.
    pub assignee: Uuid,
    /// Their display name.
    pub name: String,
    /// State of the assignment.
    pub state: String,
    /// When they decided.
    pub decided_at: Option<Timestamp>,
}

/// Locks the request; whoever changes it next waits for this transaction.
pub async fn lock(
    conn: &mut PgConnection,
    tenant: Uuid,
    request: Uuid,
) -> sqlx::Result<Option<Locked>> {
    let row = sqlx::query!(
        "SELECT id, number, kind, subject, amount, requester_id, service_id, revision, state,
                submitted_at, decided_at
           FROM bellhop.request WHERE id = $1 AND tenant_id = $2 FOR NO KEY UPDATE",
        request,
        tenant,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Locked {
        id: row.id,
        number: row.number,
        kind: row.kind,
        subject: row.subject,
        amount: row.amount,
        requester: row.requester_id,
        service: row.service_id,
        revision: row.revision,
        state: row.state,
        submitted_at: row.submitted_at.to_jiff(),
        decided_at: row.decided_at.map(jiff_sqlx::Timestamp::to_jiff),
    }))
}

/// Every assignment of the request, by step and name.
pub async fn assignments_of(
    conn: &mut PgConnection,
    tenant: Uuid,
    request: Uuid,
) -> sqlx::Result<Vec<Part>> {
    let rows = sqlx::query!(
        "SELECT a.id, a.step_id, s.seq, s.state AS step_state, a.assignee_id, u.name, a.state,
                a.decided_at
           FROM bellhop.request_step s
           JOIN bellhop.assignment a ON a.step_id = s.id
           JOIN bellhop.user_account u ON u.id = a.assignee_id
          WHERE s.request_id = $1 AND s.tenant_id = $2
          ORDER BY s.seq, u.name, a.id",
        request,
        tenant,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Part {
            id: row.id,
            step: row.step_id,
            seq: row.seq,
            step_state: row.step_state,
            assignee: row.assignee_id,
            name: row.name,
            state: row.state,
            decided_at: row.decided_at.map(jiff_sqlx::Timestamp::to_jiff),
        })
        .collect())
}

/// An open step becomes `state`.
pub async fn close_step(
    conn: &mut PgConnection,
    tenant: Uuid,
    step: Uuid,
    state: &str,
    at: Timestamp,
) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "UPDATE bellhop.request_step SET state = $3, closed_at = $4
          WHERE id = $1 AND tenant_id = $2 AND state = 'open'",
        step,
        tenant,
        state,
        at.to_sqlx(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// A waiting step opens.
pub async fn open_step(
    conn: &mut PgConnection,
    tenant: Uuid,
    step: Uuid,
    at: Timestamp,
) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "UPDATE bellhop.request_step SET state = 'open', opened_at = $3
          WHERE id = $1 AND tenant_id = $2 AND state = 'waiting'",
        step,
        tenant,
        at.to_sqlx(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// A pending assignment becomes `state`, with what was said and the revision it was said about.
pub async fn settle_assignment(
    conn: &mut PgConnection,
    tenant: Uuid,
    assignment: Uuid,
    state: &str,
    comment: Option<&str>,
    revision: i32,
    at: Timestamp,
) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "UPDATE bellhop.assignment
            SET state = $3, comment = $4, seen_revision = $5, decided_at = $6
          WHERE id = $1 AND tenant_id = $2 AND state = 'pending'",
        assignment,
        tenant,
        state,
        comment,
        revision,
        at.to_sqlx(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// The step's other pending assignments are no longer needed.
pub async fn supersede_others(
    conn: &mut PgConnection,
    tenant: Uuid,
    step: Uuid,
    at: Timestamp,
) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "UPDATE bellhop.assignment SET state = 'superseded', decided_at = $3
          WHERE step_id = $1 AND tenant_id = $2 AND state = 'pending'",
        step,
        tenant,
        at.to_sqlx(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Whatever of the request is still to come never will: open and waiting steps, and their pending
/// assignments, are cancelled.
pub async fn cancel_rest(
    conn: &mut PgConnection,
    tenant: Uuid,
    request: Uuid,
    at: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "WITH step AS (
             UPDATE bellhop.request_step SET state = 'cancelled', closed_at = $3
              WHERE request_id = $1 AND tenant_id = $2 AND state IN ('open', 'waiting')
             RETURNING id)
         UPDATE bellhop.assignment a SET state = 'cancelled', decided_at = $3
           FROM step WHERE a.step_id = step.id AND a.state = 'pending'",
        request,
        tenant,
        at.to_sqlx(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A request in review, at this very revision, is over.
pub async fn end_request(
    conn: &mut PgConnection,
    tenant: Uuid,
    request: Uuid,
    revision: i32,
    state: &str,
    at: Timestamp,
) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "UPDATE bellhop.request SET state = $4, decided_at = $5
          WHERE id = $1 AND tenant_id = $2 AND revision = $3 AND state = 'in_review'",
        request,
        tenant,
        revision,
        state,
        at.to_sqlx(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
