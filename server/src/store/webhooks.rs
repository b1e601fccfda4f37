//! Webhooks: where a service is told what becomes of its notifications.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// A webhook as it stands.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// Inner id.
    pub id: Uuid,
    /// The service's own id.
    pub key: String,
    /// Where requests go.
    pub url: String,
    /// Which events.
    pub events: Vec<String>,
    /// Signs.
    pub secret: Vec<u8>,
    /// Why nothing is sent any more.
    pub disabled: Option<String>,
    /// Since when.
    pub disabled_at: Option<jiff_sqlx::Timestamp>,
    /// Something was taken last.
    pub taken_at: Option<jiff_sqlx::Timestamp>,
    /// Something was not taken last.
    pub failed_at: Option<jiff_sqlx::Timestamp>,
    /// What the receiver answered then, if it did.
    pub status: Option<i16>,
    /// What was wrong then.
    pub failure: Option<String>,
    /// The old secret signs too until then.
    pub old_until: Option<jiff_sqlx::Timestamp>,
}

/// What waits for a webhook.
#[derive(Clone, Copy, Debug, Default)]
pub struct Waiting {
    /// Events in no request yet, counted up to 10,000.
    pub events: i64,
    /// Requests not taken yet.
    pub requests: i64,
    /// Since when the oldest request waits.
    pub since: Option<jiff_sqlx::Timestamp>,
    /// Requests that were given up.
    pub dead: i64,
}

/// Tenants that have one that is sent to.
pub async fn tenants(conn: &mut PgConnection) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!("SELECT DISTINCT tenant_id FROM bellhop.webhook WHERE disabled_at IS NULL")
        .fetch_all(conn)
        .await
}

/// A service's, by their ids.
pub async fn list(conn: &mut PgConnection, service: Uuid) -> sqlx::Result<Vec<Webhook>> {
    sqlx::query_as!(
        Webhook,
        "SELECT id, key, url, events, secret, disabled, disabled_at, taken_at, failed_at, status, failure,
                old_until
           FROM bellhop.webhook WHERE service_id = $1 ORDER BY key",
        service,
    )
    .fetch_all(conn)
    .await
}

/// A webhook, whose it is, and what waits for it.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Inner id of the service.
    pub service: Uuid,
    /// Its outer id.
    pub service_key: String,
    /// Itself.
    pub webhook: Webhook,
    /// What waits.
    pub waiting: Waiting,
}

/// A tenant's, by service and id, at most `most`; with `one`, that one alone.
pub async fn of_tenant(
    conn: &mut PgConnection,
    tenant: Uuid,
    one: Option<Uuid>,
    most: i64,
) -> sqlx::Result<Vec<Kept>> {
    let rows = sqlx::query!(
        r#"SELECT w.id, w.service_id, s.key AS service_key, w.key, w.url, w.events, w.secret, w.disabled,
                  w.disabled_at, w.taken_at, w.failed_at, w.status, w.failure, w.old_until,
                  e.waiting AS "waiting!", m.requests AS "requests!", m.since AS "since?", m.dead AS "dead!"
             FROM bellhop.webhook w
             JOIN bellhop.service s ON s.id = w.service_id
            CROSS JOIN LATERAL (
                  SELECT count(*) AS waiting FROM (SELECT FROM bellhop.webhook_event
                                                    WHERE webhook_id = w.id AND wanted LIMIT 10000) x) e
            CROSS JOIN LATERAL (
                  SELECT count(*) FILTER (WHERE next_at IS NOT NULL) AS requests,
                         min(made_at) FILTER (WHERE next_at IS NOT NULL) AS since,
                         count(*) FILTER (WHERE next_at IS NULL) AS dead
                    FROM bellhop.webhook_message WHERE webhook_id = w.id) m
            WHERE w.tenant_id = $1 AND ($2::uuid IS NULL OR w.id = $2)
            ORDER BY s.key, w.key LIMIT $3"#,
        tenant,
        one,
        most,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Kept {
            service: row.service_id,
            service_key: row.service_key,
            webhook: Webhook {
                id: row.id,
                key: row.key,
                url: row.url,
                events: row.events,
                secret: row.secret,
                disabled: row.disabled,
                disabled_at: row.disabled_at,
                taken_at: row.taken_at,
                failed_at: row.failed_at,
                status: row.status,
                failure: row.failure,
                old_until: row.old_until,
            },
            waiting: Waiting {
                events: row.waiting,
                requests: row.requests,
                since: row.since,
                dead: row.dead,
            },
        })
        .collect())
}

/// One of a service's, locked against those who change or send it; events are written all the same.
pub async fn lock(
    conn: &mut PgConnection,
    service: Uuid,
    key: &str,
) -> sqlx::Result<Option<Webhook>> {
    sqlx::query_as!(
        Webhook,
        "SELECT id, key, url, events, secret, disabled, disabled_at, taken_at, failed_at, status, failure,
                old_until
           FROM bellhop.webhook WHERE service_id = $1 AND key = $2 FOR NO KEY UPDATE",
        service,
        key,
    )
    .fetch_optional(conn)
    .await
}

/// Webhooks of a tenant that are told nothing now, those aside that somebody paused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trouble {
    /// They did not take their last request, which is sent again.
    pub failing: i64,
    /// Nothing is sent to them any more.
    pub given_up: i64,
}

/// Counts them; `paused`: the reason that is somebody's wish.
pub async fn trouble(conn: &mut PgConnection, tenant: Uuid, paused: &str) -> sqlx::Result<Trouble> {
    sqlx::query_as!(
        Trouble,
        r#"SELECT count(*) FILTER (WHERE disabled_at IS NULL AND failure IS NOT NULL) AS "failing!",
                  count(*) FILTER (WHERE disabled_at IS NOT NULL AND disabled <> $2) AS "given_up!"
             FROM bellhop.webhook WHERE tenant_id = $1"#,
        tenant,
        paused,
    )
    .fetch_one(conn)
    .await
}

/// What waits for it.
pub async fn waiting(conn: &mut PgConnection, webhook: Uuid) -> sqlx::Result<Waiting> {
    sqlx::query_as!(
        Waiting,
        r#"SELECT (SELECT count(*) FROM (SELECT FROM bellhop.webhook_event
                                          WHERE webhook_id = $1 AND wanted LIMIT 10000) e) AS "events!",
                  count(*) FILTER (WHERE next_at IS NOT NULL) AS "requests!",
                  min(made_at) FILTER (WHERE next_at IS NOT NULL) AS "since?",
                  count(*) FILTER (WHERE next_at IS NULL) AS "dead!"
             FROM bellhop.webhook_message WHERE webhook_id = $1"#,
        webhook,
    )
    .fetch_one(conn)
    .await
}

/// Holds off others who make webhooks of this service, until the transaction ends; how many it has.
pub async fn count(conn: &mut PgConnection, service: Uuid) -> sqlx::Result<i64> {
    sqlx::query!(
        "SELECT FROM bellhop.service WHERE id = $1 FOR NO KEY UPDATE",
        service
    )
    .fetch_optional(&mut *conn)
    .await?;
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM bellhop.webhook WHERE service_id = $1"#,
        service,
    )
    .fetch_one(conn)
    .await
}

/// A webhook to be made.
#[derive(Clone, Copy, Debug)]
pub struct New<'a> {
    /// Inner id.
    pub id: Uuid,
    /// Tenant.
    pub tenant: Uuid,
    /// Service.
    pub service: Uuid,
    /// The service's own id.
    pub key: &'a str,
    /// Where to.
    pub url: &'a str,
    /// What of.
    pub events: &'a [String],
    /// Signs.
    pub secret: &'a [u8],
}

/// Makes one.
pub async fn create(conn: &mut PgConnection, new: &New<'_>, now: Timestamp) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO bellhop.webhook
                (id, tenant_id, service_id, key, url, events, secret, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)",
        new.id,
        new.tenant,
        new.service,
        new.key,
        new.url,
        new.events,
        new.secret,
        now.to_sqlx(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Changes one and has it sent to again, at once. `secret`: a new one, and until when the one before it signs too.
pub async fn change(
    conn: &mut PgConnection,
    webhook: Uuid,
    url: &str,
    events: &[String],
    secret: Option<(&[u8], Timestamp)>,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE bellhop.webhook
            SET url = $2, events = $3, updated_at = $6, disabled_at = NULL, disabled = NULL,
                old_secret = CASE WHEN $4::bytea IS NULL THEN old_secret ELSE secret END,
                old_until = CASE WHEN $4::bytea IS NULL THEN old_until ELSE $5 END,
                secret = coalesce($4, secret)
          WHERE id = $1",
        webhook,
        url,
        events,
        secret.map(|(secret, _)| secret),
        secret.map(|(_, until)| until.to_sqlx()) as Option<jiff_sqlx::Timestamp>,
        now.to_sqlx(),
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE bellhop.webhook_message SET next_at = least(next_at, $2)
          WHERE webhook_id = $1 AND next_at IS NOT NULL",
        webhook,
        now.to_sqlx(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Changes its secret; the one before it signs too until then.
pub async fn change_secret(
    conn: &mut PgConnection,
    webhook: Uuid,
    secret: &[u8],
    until: Timestamp,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE bellhop.webhook
            SET old_secret = secret, old_until = $3, secret = $2, updated_at = $4 WHERE id = $1",
        webhook,
        secret,
        until.to_sqlx(),
        now.to_sqlx(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The secret before its present one, while it signs too.
pub async fn old_secret(
    conn: &mut PgConnection,
    webhook: Uuid,
    now: Timestamp,
) -> sqlx::Result<Option<Vec<u8>>> {
    let found = sqlx::query_scalar!(
        "SELECT old_secret FROM bellhop.webhook WHERE id = $1 AND old_until > $2",
        webhook,
        now.to_sqlx(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.flatten())
}

/// Removes one with all that waits for it.
pub async fn remove(conn: &mut PgConnection, webhook: Uuid) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM bellhop.webhook WHERE id = $1", webhook)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "DELETE FROM bellhop.webhook_event WHERE webhook_id = $1",
        webhook
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "DELETE FROM bellhop.webhook_message WHERE webhook_id = $1",
        webhook
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "DELETE FROM bellhop.webhook_settled WHERE webhook_id = $1",
        webhook
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "DELETE FROM bellhop.webhook_try WHERE webhook_id = $1",
        webhook
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Nothing is sent to it any more; one that was disabled before keeps its reason.
pub async fn disable(
    conn: &mut PgConnection,
    webhook: Uuid,
    reason: &str,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE bellhop.webhook SET disabled_at = $3, disabled = $2
          WHERE id = $1 AND disabled_at IS NULL",
        webhook,
        reason,
        now.to_sqlx(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets what webhooks left behind that are no more, what waited too long for one that is disabled, and notes
/// of what was tried, given up or settled before then.
pub async fn forget(
    conn: &mut PgConnection,
    events_before: Timestamp,
    notes_before: Timestamp,
) -> sqlx::Result<u64> {
    let events = sqlx::query!(
        "DELETE FROM bellhop.webhook_event e
          WHERE e.at < $1 OR NOT EXISTS (SELECT FROM bellhop.webhook w WHERE w.id = e.webhook_id)",
        events_before.to_sqlx(),
    )
    .execute(&mut *conn)
    .await?;
    let messages = sqlx::query!(
        "DELETE FROM bellhop.webhook_message m
          WHERE m.made_at < $1 OR NOT EXISTS (SELECT FROM bellhop.webhook w WHERE w.id = m.webhook_id)",
        notes_before.to_sqlx(),
    )
    .execute(&mut *conn)
    .await?;
    let settled = sqlx::query!(
        "DELETE FROM bellhop.webhook_settled s
          WHERE s.at < $1 OR NOT EXISTS (SELECT FROM bellhop.webhook w WHERE w.id = s.webhook_id)",
        notes_before.to_sqlx(),
    )
    .execute(&mut *conn)
    .await?;
    let tries = sqlx::query!(
        "DELETE FROM bellhop.webhook_try t
          WHERE t.at < $1 OR NOT EXISTS (SELECT FROM bellhop.webhook w WHERE w.id = t.webhook_id)",
        notes_before.to_sqlx(),
    )
    .execute(conn)
    .await?;
    Ok(events.rows_affected()
        + messages.rows_affected()
        + settled.rows_affected()
        + tries.rows_affected())
}
