//! What is routed in pages: scheduled publications and large audiences. Lock order: the notification, then
//! its row here.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// Rows to insert, column by column.
#[derive(Default)]
pub struct New {
    /// Notifications.
    pub ids: Vec<Uuid>,
    /// Tenants.
    pub tenants: Vec<Uuid>,
    /// Services.
    pub services: Vec<Uuid>,
    /// Threads.
    pub threads: Vec<Option<String>>,
    /// Audiences as JSON.
    pub audiences: Vec<String>,
    /// Microseconds since the epoch.
    pub due: Vec<i64>,
}

/// Inserts.
pub async fn insert(conn: &mut PgConnection, new: &New) -> sqlx::Result<()> {
    sqlx::query!(
        r#"INSERT INTO bellhop.fanout
                  (notification_id, at, tenant_id, service_id, thread_key, audience, due_at)
           SELECT f.id, bellhop.instant_of(f.id), f.tenant, f.service, f.thread, f.audience,
                  timestamptz 'epoch' + f.due * interval '1 microsecond'
             FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bigint[])
                  AS f (id, tenant, service, thread, audience, due)"#,
        &new.ids,
        &new.tenants,
        &new.services,
        &new.threads as &[Option<String>],
        &new.audiences,
        &new.due,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// One that is due.
#[derive(Clone, Copy, Debug)]
pub struct Due {
    /// The notification.
    pub id: Uuid,
    /// Pages of its service in one turn.
    pub weight: i16,
}

/// The oldest that is due of each service. One whose thread has an older one waits for that.
pub async fn due(conn: &mut PgConnection, now: Timestamp) -> sqlx::Result<Vec<Due>> {
    sqlx::query_as!(
        Due,
        r#"SELECT DISTINCT ON (f.service_id) f.notification_id AS id, s.weight
             FROM bellhop.fanout f JOIN bellhop.service s ON s.id = f.service_id
            WHERE f.due_at <= $1
              AND NOT EXISTS (SELECT FROM bellhop.fanout e
                               WHERE e.service_id = f.service_id AND e.thread_key = f.thread_key
                                 AND e.due_at <= $1
                                 AND (e.due_at, e.notification_id) < (f.due_at, f.notification_id))
            ORDER BY f.service_id, f.due_at, f.notification_id"#,
        now.to_sqlx(),
    )
    .fetch_all(conn)
    .await
}

/// When the next is due.
pub async fn next_due(conn: &mut PgConnection) -> sqlx::Result<Option<Timestamp>> {
    let next = sqlx::query_scalar!("SELECT due_at FROM bellhop.fanout ORDER BY due_at LIMIT 1")
        .fetch_optional(conn)
        .await?;
    Ok(next.map(jiff_sqlx::Timestamp::to_jiff))
}

/// A notification whose next page the caller has locked.
pub struct Locked {
    /// Tenant.
    pub tenant: Uuid,
    /// Service.
    pub service: Uuid,
    /// Audience as JSON.
    pub audience: String,
    /// The last user who was given theirs.
    pub after: Option<Uuid>,
    /// How many were.
    pub given: i32,
    /// Kind.
    pub kind: String,
    /// Title.
    pub title: String,
    /// Body.
    pub body: String,
    /// JSON object.
    pub data: String,
    /// Thread.
    pub thread_key: Option<String>,
    /// `info`, `warning`, `critical`.
    pub severity: String,
    /// How hard it is tried.
    pub class: String,
    /// Who published it.
    pub publisher: String,
    /// Of its kind, the newest counts.
    pub collapse_key: Option<String>,
    /// When it stops being worth delivering.
    pub expires_at: jiff_sqlx::Timestamp,
}

/// Locks the next page of a notification: nobody cancels it meanwhile, nobody else routes it. `None`: it is
/// done, cancelled, or somebody is at it.
pub async fn lock(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Locked>> {
    let there = sqlx::query_scalar!(
        "SELECT id FROM bellhop.notification
          WHERE id = $1 AND at = bellhop.instant_of($1) AND cancelled_at IS NULL FOR SHARE",
        id,
    )
    .fetch_optional(&mut *conn)
    .await?;
    if there.is_none() {
        return Ok(None);
    }
    sqlx::query_as!(
        Locked,
        r#"SELECT f.tenant_id AS tenant, f.service_id AS service, f.audience, f.after, f.given, n.kind,
                  n.title, n.body, n.data, n.thread_key, n.severity, n.class, n.publisher,
                  n.collapse_key, n.expires_at
             FROM bellhop.fanout f
             JOIN bellhop.notification n ON n.id = f.notification_id AND n.at = bellhop.instant_of($1)
            WHERE f.notification_id = $1 FOR UPDATE OF f SKIP LOCKED"#,
        id,
    )
    .fetch_optional(conn)
    .await
}

/// A page was given out; `after`: where the next begins. After the last one the notification knows how many
/// there were.
pub async fn given(
    conn: &mut PgConnection,
    id: Uuid,
    after: Option<Uuid>,
    given: i32,
) -> sqlx::Result<()> {
    if let Some(after) = after {
        sqlx::query!(
            "UPDATE bellhop.fanout SET after = $2, given = $3 WHERE notification_id = $1",
            id,
            after,
            given,
        )
        .execute(conn)
        .await?;
        return Ok(());
    }
    sqlx::query!("DELETE FROM bellhop.fanout WHERE notification_id = $1", id)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "UPDATE bellhop.notification SET recipients = $2
          WHERE id = $1 AND at = bellhop.instant_of($1) AND recipients <> $2",
        id,
        given,
    )
    .execute(conn)
    .await?;
    Ok(())
}
