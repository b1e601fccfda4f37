//! A new request with its steps. The insertions take many rows each: one for a request that is
//! submitted, hundreds for the demo.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

/// A request as it is first written.
#[derive(Clone, Debug)]
pub struct NewRequestRow {
    /// Inner id.
    pub id: Uuid,
    /// Running number inside the tenant.
    pub number: i64,
    /// Chooses the icon.
    pub kind: String,
    /// One line.
    pub subject: String,
    /// The key fact, may be empty.
    pub amount: String,
    /// Label and value.
    pub fields: Vec<(String, String)>,
    /// Who asks.
    pub requester: Uuid,
    /// The service it came through.
    pub service: Uuid,
    /// When.
    pub submitted_at: Timestamp,
    /// When it should be decided.
    pub due_at: Option<Timestamp>,
    /// The back-end's own id.
    pub source_id: Option<String>,
}

/// A step as it is first written: the first one open, the others waiting.
#[derive(Clone, Debug)]
pub struct NewStepRow {
    /// Inner id.
    pub id: Uuid,
    /// Of which request.
    pub request: Uuid,
    /// From 1.
    pub seq: i32,
    /// `Line manager`.
    pub name: String,
    /// Set: it is open since then.
    pub opened_at: Option<Timestamp>,
    /// When it should be decided.
    pub due_at: Option<Timestamp>,
}

/// One person asked in one step.
#[derive(Clone, Copy, Debug)]
pub struct NewAssignment {
    /// Inner id.
    pub id: Uuid,
    /// Of which step.
    pub step: Uuid,
    /// Who is asked.
    pub assignee: Uuid,
}

/// Holds back every other submission of the tenant until this transaction ends, so that numbers
/// have no doubles and a repeated `source_id` finds the first one.
///
/// `NO KEY UPDATE`: rows that refer to the tenant are written meanwhile without waiting.
pub async fn lock_numbers(conn: &mut PgConnection, tenant: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "SELECT id FROM bellhop.tenant WHERE id = $1 FOR NO KEY UPDATE",
        tenant
    )
    .fetch_optional(conn)
    .await?;
    Ok(())
}

/// The request that came with this `source_id`, with its number.
pub async fn by_source(
    conn: &mut PgConnection,
    tenant: Uuid,
    source_id: &str,
) -> sqlx::Result<Option<(Uuid, i64, Timestamp)>> {
    let row = sqlx::query!(
        "SELECT id, number, submitted_at FROM bellhop.request
          WHERE tenant_id = $1 AND source_id = $2",
        tenant,
        source_id,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.id, row.number, row.submitted_at.to_jiff())))
}

/// The number the next request gets. Call it under [`lock_numbers`].
pub async fn next_number(conn: &mut PgConnection, tenant: Uuid) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT coalesce(max(number), 0) + 1 AS "next!" FROM bellhop.request WHERE tenant_id = $1"#,
        tenant,
    )
    .fetch_one(conn)
    .await
}

/// Writes a request; it is in review, at revision 1.
pub async fn insert_request(
    conn: &mut PgConnection,
    tenant: Uuid,
    row: &NewRequestRow,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO bellhop.request (id, tenant_id, number, kind, subject, amount, payload,
                requester_id, service_id, state, submitted_at, due_at, source_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'in_review', $10, $11, $12)",
        row.id,
        tenant,
        row.number,
        row.kind,
        row.subject,
        row.amount,
        Json(&row.fields) as _,
        row.requester,
        row.service,
        row.submitted_at.to_sqlx(),
        row.due_at.map(ToSqlx::to_sqlx),
        row.source_id,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes steps.
pub async fn insert_steps(
    conn: &mut PgConnection,
    tenant: Uuid,
    rows: &[NewStepRow],
) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let requests: Vec<Uuid> = rows.iter().map(|row| row.request).collect();
    let seqs: Vec<i32> = rows.iter().map(|row| row.seq).collect();
    let names: Vec<String> = rows.iter().map(|row| row.name.clone()).collect();
    let opened: Vec<Option<jiff_sqlx::Timestamp>> = rows
        .iter()
        .map(|row| row.opened_at.map(ToSqlx::to_sqlx))
        .collect();
    let due: Vec<Option<jiff_sqlx::Timestamp>> = rows
        .iter()
        .map(|row| row.due_at.map(ToSqlx::to_sqlx))
        .collect();
    sqlx::query!(
        "INSERT INTO bellhop.request_step
                (id, tenant_id, request_id, seq, name, state, opened_at, due_at)
         SELECT n.id, $1, n.request, n.seq, n.name,
                CASE WHEN n.opened IS NULL THEN 'waiting' ELSE 'open' END, n.opened, n.due
           FROM unnest($2::uuid[], $3::uuid[], $4::int[], $5::text[],
                       $6::timestamptz[], $7::timestamptz[])
                AS n (id, request, seq, name, opened, due)",
        tenant,
        &ids,
        &requests,
        &seqs,
        &names,
        &opened as _,
        &due as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes assignments; all of them pending.
pub async fn insert_assignments(
    conn: &mut PgConnection,
    tenant: Uuid,
    rows: &[NewAssignment],
) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let steps: Vec<Uuid> = rows.iter().map(|row| row.step).collect();
    let assignees: Vec<Uuid> = rows.iter().map(|row| row.assignee).collect();
    sqlx::query!(
        "INSERT INTO bellhop.assignment (id, tenant_id, step_id, assignee_id, state)
         SELECT n.id, $1, n.step, n.assignee, 'pending'
           FROM unnest($2::uuid[], $3::uuid[], $4::uuid[]) AS n (id, step, assignee)",
        tenant,
        &ids,
        &steps,
        &assignees,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A line of the audit trail. `kind`: `submitted`, `approved`, `rejected`, `withdrawn`.
pub async fn insert_event(
    conn: &mut PgConnection,
    tenant: Uuid,
    request: Uuid,
    actor: Uuid,
    kind: &str,
    comment: Option<&str>,
    at: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO bellhop.request_event (tenant_id, request_id, actor_id, kind, comment, at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        tenant,
        request,
        actor,
        kind,
        comment,
        at.to_sqlx(),
    )
    .execute(conn)
    .await?;
    Ok(())
}
