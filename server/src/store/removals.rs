//! Users who go: what was asked for, how far it is, and what it takes away. Lock order: the removal first, in a
//! transaction of its own; then notifications, deliveries, debts, devices.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// How far a removal is.
#[derive(Clone, Debug)]
pub struct Removal {
    /// Emptied too, not only ended.
    pub erase: bool,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// Deliveries there were then.
    pub found: i64,
    /// Deliveries that were seen to.
    pub deliveries: i64,
    /// Of these, how many were owed still.
    pub ended: i64,
    /// Notifications that were emptied.
    pub contents: i64,
    /// Devices that were forgotten, push registrations included.
    pub devices: i64,
    /// When nothing was left.
    pub done_at: Option<Timestamp>,
}

/// Asks for a removal, from the beginning; what was asked for before counts no more, except that erasing is not
/// taken back.
pub async fn ask(
    conn: &mut PgConnection,
    (tenant, user): (Uuid, Uuid),
    erase: bool,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO bellhop.removal AS r (user_id, tenant_id, erase, asked_at, next_at, found)
         SELECT $1, $2, $3, $4, $4, CASE WHEN $3 THEN
                (SELECT count(*) FROM bellhop.delivery WHERE user_id = $1) ELSE 0 END
         ON CONFLICT (user_id) DO UPDATE
            SET erase = $3 OR r.erase AND r.done_at IS NULL, asked_at = $4, waits_for = NULL, after = 0,
                found = excluded.found, deliveries = 0, ended = 0, contents = 0, devices = 0,
                next_at = $4, fence = r.fence + 1, done_at = NULL",
        user,
        tenant,
        erase,
        now.to_sqlx(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What was asked for somebody.
pub async fn of(conn: &mut PgConnection, user: Uuid) -> sqlx::Result<Option<Removal>> {
    let row = sqlx::query!(
        "SELECT erase, asked_at, found, deliveries, ended, contents, devices, done_at
           FROM bellhop.removal WHERE user_id = $1",
        user,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Removal {
        erase: row.erase,
        asked_at: row.asked_at.to_jiff(),
        found: row.found,
        deliveries: row.deliveries,
        ended: row.ended,
        contents: row.contents,
        devices: row.devices,
        done_at: row.done_at.map(jiff_sqlx::Timestamp::to_jiff),
    }))
}

/// The user is back: what has not ended goes on. `false`: they are being erased, which nobody takes back.
pub async fn take_back(conn: &mut PgConnection, user: Uuid) -> sqlx::Result<bool> {
    let left = sqlx::query_scalar!(
        r#"WITH gone AS (
               DELETE FROM bellhop.removal
                WHERE user_id = $1 AND (NOT erase OR done_at IS NOT NULL) RETURNING user_id)
           SELECT EXISTS (SELECT FROM bellhop.removal r
                           WHERE r.user_id = $1 AND r.user_id NOT IN (SELECT user_id FROM gone)) AS "left!""#,
        user,
    )
    .fetch_one(conn)
    .await?;
    Ok(!left)
}

/// A removal that somebody goes on with.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Who goes.
    pub user: Uuid,
    /// Tenant.
    pub tenant: Uuid,
    /// Emptied too.
    pub erase: bool,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// Transactions that may owe the user something still; `None`: nobody has looked.
    pub waits_for: Option<Vec<String>>,
    /// Deliveries up to here were seen to.
    pub after: i64,
    /// What is written counts only under this number.
    pub fence: i64,
}

/// Claims what is due, of one user or of all, until `until`; the longest waiting first.
pub async fn claim(
    conn: &mut PgConnection,
    user: Option<Uuid>,
    now: Timestamp,
    until: Timestamp,
    most: i64,
) -> sqlx::Result<Vec<Claim>> {
    let rows = sqlx::query!(
        r#"WITH due AS MATERIALIZED (
               SELECT user_id FROM bellhop.removal
                WHERE next_at <= $1 AND ($2::uuid IS NULL OR user_id = $2)
                ORDER BY next_at LIMIT $4 FOR UPDATE SKIP LOCKED)
           UPDATE bellhop.removal r SET next_at = $3, fence = r.fence + 1
             FROM due WHERE r.user_id = due.user_id
        RETURNING r.user_id, r.tenant_id, r.erase, r.asked_at, r.waits_for, r.after, r.fence"#,
        now.to_sqlx(),
        user,
        until.to_sqlx(),
        most,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Claim {
            user: row.user_id,
            tenant: row.tenant_id,
            erase: row.erase,
            asked_at: row.asked_at.to_jiff(),
            waits_for: row.waits_for,
            after: row.after,
            fence: row.fence,
        })
        .collect())
}

/// Holds a claim until the transaction ends; `false`: somebody else has it.
pub async fn hold(conn: &mut PgConnection, claim: &Claim) -> sqlx::Result<bool> {
    let held = sqlx::query_scalar!(
        "SELECT fence FROM bellhop.removal WHERE user_id = $1 FOR UPDATE",
        claim.user,
    )
    .fetch_optional(conn)
    .await?;
    Ok(held == Some(claim.fence))
}

/// What a step did, added to the counts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Step {
    /// Deliveries up to here were seen to.
    pub after: i64,
    /// How many.
    pub deliveries: i64,
    /// Owed until now.
    pub ended: i64,
    /// Notifications emptied.
    pub contents: i64,
    /// Devices forgotten.
    pub devices: i64,
}

/// Writes how far it is; `next`: when to look again, `None`: it is done. The claim is held.
pub async fn write(
    conn: &mut PgConnection,
    claim: &Claim,
    step: Step,
    waits_for: &[String],
    next: Option<Timestamp>,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE bellhop.removal
            SET after = $2, deliveries = deliveries + $3, ended = ended + $4, contents = contents + $5,
                devices = devices + $6, waits_for = $7, next_at = $8,
                done_at = CASE WHEN $8::timestamptz IS NULL THEN $9::timestamptz END
          WHERE user_id = $1",
        claim.user,
        step.after,
        step.deliveries,
        step.ended,
        step.contents,
        step.devices,
        waits_for,
        next.map(jiff_sqlx::ToSqlx::to_sqlx) as Option<jiff_sqlx::Timestamp>,
        now.to_sqlx(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A delivery of somebody who goes.
#[derive(Clone, Debug)]
pub struct Row {
    /// The user's number of it.
    pub seq: i64,
    /// When it was routed.
    pub at: Timestamp,
    /// The notification.
    pub notification: Uuid,
    /// Nobody has settled it.
    pub owed: bool,
    /// A push provider took it.
    pub pushed: bool,
}

/// The user's deliveries after `after`, by number, at most `most`; `all`: also those that are settled, however
/// old.
pub async fn page(
    conn: &mut PgConnection,
    user: Uuid,
    after: i64,
    all: bool,
    most: i64,
    now: Timestamp,
) -> sqlx::Result<Vec<Row>> {
    let rows = sqlx::query!(
        r#"SELECT d.seq, d.at, d.notification_id,
                  (d.state = 0 OR d.state = 1 AND (d.rule & 7) <> 4) AS "owed!",
                  d.pushed_at IS NOT NULL AS "pushed!"
             FROM bellhop.delivery d
            WHERE d.user_id = $1 AND d.seq > $2
              AND ($3 OR (d.state = 0 OR d.state = 1 AND (d.rule & 7) <> 4)
                         AND d.at > $5::timestamptz - interval '31 days')
            ORDER BY d.seq LIMIT $4"#,
        user,
        after,
        all,
        most,
        now.to_sqlx(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Row {
            seq: row.seq,
            at: row.at.to_jiff(),
            notification: row.notification_id,
            owed: row.owed,
            pushed: row.pushed,
        })
        .collect())
}

/// Empties those of these notifications that went to nobody but this user, and are to go to nobody else; answers
/// how many.
pub async fn empty_contents(
    conn: &mut PgConnection,
    user: Uuid,
    ids: &[Uuid],
) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        r#"WITH alone AS MATERIALIZED (
               SELECT n.id, n.at FROM bellhop.notification n
                WHERE n.id = ANY($2) AND n.recipients <= 1
                  AND n.at IN (SELECT bellhop.instant_of(id) FROM unnest($2::uuid[]) AS id)
                  AND NOT EXISTS (SELECT FROM bellhop.fanout f WHERE f.notification_id = n.id)
                  AND NOT EXISTS (SELECT FROM bellhop.delivery d
                                   WHERE d.notification_id = n.id AND d.user_id <> $1
                                     AND d.at >= n.at - interval '1 minute')
                ORDER BY n.id FOR NO KEY UPDATE OF n)
           UPDATE bellhop.notification n
              SET title = 'Erased', body = '', data = '{}', thread_key = NULL, collapse_key = NULL
             FROM alone WHERE n.id = alone.id AND n.at = alone.at"#,
        user,
        ids,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Takes what is personal out of the user's deliveries after `after` up to `through`, and out of what was recorded
/// of them: marks of the inbox, memberships, names of devices. Ids, times and states stay.
pub async fn empty_deliveries(
    conn: &mut PgConnection,
    user: Uuid,
    after: i64,
    through: i64,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE bellhop.delivery SET via = NULL, seen_at = NULL, read_at = NULL, archived_at = NULL
          WHERE user_id = $1 AND seq > $2 AND seq <= $3",
        user,
        after,
        through,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE bellhop.ack SET device = ''
          WHERE user_id = $1 AND seq > $2 AND seq <= $3 AND device <> ''",
        user,
        after,
        through,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE bellhop.attempt SET device = '', connection = ''
          WHERE user_id = $1 AND seq > $2 AND seq <= $3",
        user,
        after,
        through,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Are pushes still being taken back, or anything else still owed?
pub async fn has_debts(conn: &mut PgConnection, user: Uuid) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM bellhop.debt WHERE user_id = $1) AS "any!""#,
        user,
    )
    .fetch_one(conn)
    .await
}

/// Forgets the user's devices, and what their pushes were recorded with; answers how many there were.
pub async fn forget_devices(conn: &mut PgConnection, user: Uuid) -> sqlx::Result<u64> {
    let devices = sqlx::query!("DELETE FROM bellhop.device WHERE user_id = $1", user)
        .execute(&mut *conn)
        .await?;
    let tokens = sqlx::query!("DELETE FROM bellhop.push_token WHERE user_id = $1", user)
        .execute(&mut *conn)
        .await?;
    sqlx::query!("DELETE FROM bellhop.device_key WHERE user_id = $1", user)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "UPDATE bellhop.push_attempt SET device = '', detail = '' WHERE user_id = $1",
        user,
    )
    .execute(conn)
    .await?;
    Ok(devices.rows_affected() + tokens.rows_affected())
}

/// Forgets devices of erased users that came all the same: a connection that was being made while its user was erased
/// notes its device before it is closed.
pub async fn forget_stragglers(conn: &mut PgConnection) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "WITH gone AS (
             SELECT r.user_id FROM bellhop.removal r
               JOIN bellhop.user_account u ON u.id = r.user_id AND NOT u.active
              WHERE r.erase AND r.done_at IS NOT NULL),
         tokens AS (
             DELETE FROM bellhop.push_token WHERE user_id IN (SELECT user_id FROM gone)),
         keys AS (
             DELETE FROM bellhop.device_key WHERE user_id IN (SELECT user_id FROM gone))
         DELETE FROM bellhop.device WHERE user_id IN (SELECT user_id FROM gone)",
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// What says who the user is: name, memberships, PINs, whoever they report to. The row stays, for what happened
/// names it.
pub async fn forget_person(
    conn: &mut PgConnection,
    (tenant, user): (Uuid, Uuid),
    name: &str,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE bellhop.user_account
            SET name = $3, login = NULL, password_hash = NULL, roles = '{employee}', manager_id = NULL,
                deputy_id = NULL, site_id = NULL, active = false, updated_at = $4
          WHERE tenant_id = $1 AND id = $2",
        tenant,
        user,
        name,
        now.to_sqlx(),
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "DELETE FROM bellhop.user_department WHERE user_id = $1",
        user
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("DELETE FROM bellhop.group_member WHERE user_id = $1", user)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "DELETE FROM bellhop.service_member WHERE user_id = $1",
        user
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("DELETE FROM bellhop.device_user WHERE user_id = $1", user)
        .execute(conn)
        .await?;
    Ok(())
}

/// Takes back what waits to be routed to this user and to nobody else, and empties it; answers how many.
pub async fn empty_scheduled(
    conn: &mut PgConnection,
    (tenant, user): (Uuid, Uuid),
    reason: &str,
    now: Timestamp,
) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        r#"WITH alone AS (
               SELECT f.notification_id AS id FROM bellhop.fanout f
                WHERE f.tenant_id = $1 AND f.audience::jsonb -> 'users' = jsonb_build_array($2::uuid)
                  AND f.audience::jsonb @> '{"departments": [], "groups": [], "roles": [], "of": [],
                                             "service": false}'
                  AND jsonb_array_length(f.audience::jsonb -> 'departments')
                    + jsonb_array_length(f.audience::jsonb -> 'groups')
                    + jsonb_array_length(f.audience::jsonb -> 'roles')
                    + jsonb_array_length(f.audience::jsonb -> 'of') = 0),
           locked AS MATERIALIZED (
               SELECT n.id, n.at FROM bellhop.notification n
                WHERE n.id IN (SELECT id FROM alone)
                  AND n.at IN (SELECT bellhop.instant_of(id) FROM alone)
                ORDER BY n.id FOR NO KEY UPDATE OF n),
           unrouted AS (
               DELETE FROM bellhop.fanout f USING locked WHERE f.notification_id = locked.id)
           UPDATE bellhop.notification n
              SET title = 'Erased', body = '', data = '{}', thread_key = NULL, collapse_key = NULL,
                  cancelled_at = coalesce(n.cancelled_at, $4), cancelled_by = coalesce(n.cancelled_by, $3)
             FROM locked WHERE n.id = locked.id AND n.at = locked.at"#,
        tenant,
        user,
        reason,
        now.to_sqlx(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Empties what callers of SQL wanted to say to this user alone, or of them, and was refused.
pub async fn empty_refused(conn: &mut PgConnection, tenant: Uuid, key: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE bellhop.intake_refused SET payload = '{}'
          WHERE tenant_id = $1 AND payload <> '{}'
            AND (payload::jsonb -> 'audience' -> 'users' = jsonb_build_array($2::text)
                 OR payload::jsonb ->> 'user' = $2)",
        tenant,
        key,
    )
    .execute(conn)
    .await?;
    Ok(())
}
