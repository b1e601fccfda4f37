//! A request in full.

use jiff::Timestamp;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

/// What decides who may see it, and the form.
#[derive(Clone, Debug)]
pub struct HeadRow {
    /// Who asks.
    pub requester: Uuid,
    /// Somebody else who was asked in any step.
    pub assignees: Vec<Uuid>,
    /// Label and value.
    pub fields: Vec<(String, String)>,
}

/// One step.
#[derive(Clone, Debug)]
pub struct StepRow {
    /// Inner id.
    pub id: Uuid,
    /// `Line manager`.
    pub name: String,
    /// `waiting`, `open`, `approved`, `rejected`, `cancelled`.
    pub state: String,
    /// When it became open.
    pub opened_at: Option<Timestamp>,
    /// When it should be decided.
    pub due_at: Option<Timestamp>,
}

/// One person asked in a step.
#[derive(Clone, Debug)]
pub struct AssigneeRow {
    /// Of which step.
    pub step: Uuid,
    /// Inner id of the person.
    pub user: Uuid,
    /// Display name.
    pub name: String,
    /// `pending`, `approved`, `rejected`, `superseded`, `cancelled`.
    pub state: String,
    /// When that came to be; `None` while pending.
    pub at: Option<Timestamp>,
    /// What they said.
    pub comment: Option<String>,
}

/// One line of the audit trail.
#[derive(Clone, Debug)]
pub struct EventRow {
    /// When.
    pub at: Timestamp,
    /// Display name of who.
    pub actor: String,
    /// `submitted`, `approved`, `rejected`, `withdrawn`.
    pub kind: String,
    /// What they said.
    pub comment: Option<String>,
}

/// The request's form and who has a part in it.
pub async fn head(
    conn: &mut PgConnection,
    tenant: Uuid,
    request: Uuid,
) -> sqlx::Result<Option<HeadRow>> {
    let row = sqlx::query!(
        r#"SELECT r.requester_id, r.payload AS "fields: Json<Vec<(String, String)>>",
                  coalesce((SELECT array_agg(a.assignee_id) FROM bellhop.request_step s
                              JOIN bellhop.assignment a ON a.step_id = s.id
                             WHERE s.request_id = r.id), '{}') AS "assignees!"
             FROM bellhop.request r WHERE r.id = $1 AND r.tenant_id = $2"#,
        request,
        tenant,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| HeadRow {
        requester: row.requester_id,
        assignees: row.assignees,
        fields: row.fields.0,
    }))
}

/// Its steps, in order.
pub async fn steps(
    conn: &mut PgConnection,
    tenant: Uuid,
    request: Uuid,
) -> sqlx::Result<Vec<StepRow>> {
    let rows = sqlx::query!(
        "SELECT id, name, state, opened_at, due_at FROM bellhop.request_step
          WHERE request_id = $1 AND tenant_id = $2 ORDER BY seq",
        request,
        tenant,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| StepRow {
            id: row.id,
            name: row.name,
            state: row.state,
            opened_at: row.opened_at.map(jiff_sqlx::Timestamp::to_jiff),
            due_at: row.due_at.map(jiff_sqlx::Timestamp::to_jiff),
        })
        .collect())
}

/// Who was asked, those who decided first, then by name.
pub async fn assignees(
    conn: &mut PgConnection,
    tenant: Uuid,
    request: Uuid,
) -> sqlx::Result<Vec<AssigneeRow>> {
    let rows = sqlx::query!(
        "SELECT a.step_id, a.assignee_id, u.name, a.state, a.decided_at, a.comment
           FROM bellhop.request_step s
           JOIN bellhop.assignment a ON a.step_id = s.id
           JOIN bellhop.user_account u ON u.id = a.assignee_id
          WHERE s.request_id = $1 AND s.tenant_id = $2
          ORDER BY s.seq, (a.state IN ('approved', 'rejected')) DESC, u.name, a.id",
        request,
        tenant,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| AssigneeRow {
            step: row.step_id,
            user: row.assignee_id,
            name: row.name,
            state: row.state,
            at: row.decided_at.map(jiff_sqlx::Timestamp::to_jiff),
            comment: row.comment,
        })
        .collect())
}

/// Its audit trail, oldest first.
pub async fn events(
    conn: &mut PgConnection,
    tenant: Uuid,
    request: Uuid,
) -> sqlx::Result<Vec<EventRow>> {
    let rows = sqlx::query!(
        "SELECT e.at, u.name AS actor, e.kind, e.comment
           FROM bellhop.request_event e JOIN bellhop.user_account u ON u.id = e.actor_id
          WHERE e.request_id = $1 AND e.tenant_id = $2 ORDER BY e.id",
        request,
        tenant,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| EventRow {
            at: row.at.to_jiff(),
            actor: row.actor,
            kind: row.kind,
            comment: row.comment,
        })
        .collect())
}
