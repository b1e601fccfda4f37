//! What was published and to whom it is owed. Only `delivery::ledger` calls the writing half.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

use super::idempotency::Claims;
use crate::delivery::Publication;

/// What is owed for a batch, a row a delivery, in the order of the batch.
#[derive(Default)]
pub struct Owed {
    /// Recipient.
    pub users: Vec<Uuid>,
    /// The how-manieth of the recipient's rows here: 1, 2, …
    pub nths: Vec<i64>,
    /// Tenant.
    pub tenants: Vec<Uuid>,
    /// What.
    pub notifications: Vec<Uuid>,
    /// Microseconds since the epoch.
    pub expires: Vec<i64>,
    /// What settles it.
    pub rules: Vec<i16>,
    /// Which membership made the recipient one; `None`: named.
    pub vias: Vec<Option<String>>,
    /// Whose delivery it stands in for.
    pub for_users: Vec<Option<Uuid>>,
    /// Recipients, each once, ascending, and each one's number of rows.
    pub wanted: (Vec<Uuid>, Vec<i64>),
}

/// Writes notifications and what is owed, under numbers taken here; answers each recipient's last number
/// *before*. A recipient without a stream was deleted since the look-up: nothing is owed to them, and
/// they are not in the answer. `recipients[i]` belongs to `batch[i]`.
///
/// One statement, because each is a round trip: writing, locking, numbering and owing one after the other
/// took a publication at rest two more. The streams are locked in id order before any is changed
/// (`locked`; a deadlock otherwise), and a row that another transaction changed meanwhile is read
/// again by the update, as READ COMMITTED does.
///
/// `unseen`: the recipients were not looked up now, and the keys are still to be claimed. Both are done on the
/// way, idempotency keys first (lock order), and if a recipient is not there or inactive, or a key is held,
/// nothing is written and the error is one that [`was_wrong`] knows: the statement divides by zero, because nothing
/// else takes back what a part of it has inserted.
pub async fn append(
    conn: &mut PgConnection,
    batch: &[std::sync::Arc<Publication>],
    recipients: &[i32],
    owed: &Owed,
    unseen: Option<&Claims>,
    now: Timestamp,
) -> sqlx::Result<std::collections::HashMap<Uuid, i64, foldhash::fast::RandomState>> {
    let column = |pick: fn(&Publication) -> String| -> Vec<String> {
        batch.iter().map(|publication| pick(publication)).collect()
    };
    let threads: Vec<Option<String>> = batch.iter().map(|p| p.thread_key.clone()).collect();
    let none = Claims::default();
    let claims = unseen.unwrap_or(&none);
    let rows = sqlx::query!(
        r#"WITH claimed AS (
               INSERT INTO bellhop.idempotency
                      (service_id, key_hash, body_hash, notification_id, recipients, at)
               SELECT c.service, c.key_hash, c.body_hash, c.notification, c.recipients, $21
                 FROM unnest($30::uuid[], $31::bytea[], $32::bytea[], $33::uuid[], $34::int[])
                      AS c (service, key_hash, body_hash, notification, recipients)
                ORDER BY c.service, c.key_hash
               ON CONFLICT DO NOTHING
               RETURNING notification_id),
           -- A value and no EXISTS, which was answered by hashing all users: 0.8 ms, where all the rest takes 0.2.
           locked AS MATERIALIZED (
               SELECT user_id FROM bellhop.user_stream
                WHERE user_id = ANY($14)
                  AND (NOT $29 OR (SELECT count(*) FROM claimed) = cardinality($30)
                                  AND coalesce((SELECT u.active FROM bellhop.user_account u
                                                 WHERE u.id = user_id), false))
                ORDER BY user_id FOR NO KEY UPDATE),
           written AS (
               INSERT INTO bellhop.notification
                      (id, at, tenant_id, service_id, kind, title, body, data, thread_key, severity,
                       audience, recipients, expires_at, class, publisher, collapse_key, supersedes,
                       deliver_at)
               SELECT n.id, timestamptz 'epoch' + n.at * interval '1 microsecond', n.tenant,
                      n.service, n.kind, n.title, n.body, n.data, n.thread_key, n.severity,
                      n.audience, n.recipients,
                      timestamptz 'epoch' + n.expires * interval '1 microsecond', n.class, n.publisher,
                      n.collapse_key, n.supersedes,
                      timestamptz 'epoch' + n.deliver * interval '1 microsecond'
                 FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::uuid[], $5::text[],
                             $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
                             $11::text[], $12::int[], $13::bigint[], $24::text[], $25::text[],
                             $26::text[], $27::uuid[], $28::bigint[])
                      AS n (id, at, tenant, service, kind, title, body, data, thread_key, severity,
                            audience, recipients, expires, class, publisher, collapse_key,
                            supersedes, deliver)
                WHERE 1 / CASE WHEN $29 AND (SELECT count(*) FROM locked) < cardinality($14)
                               THEN 0 ELSE 1 END = 1),
           numbered AS (
               UPDATE bellhop.user_stream s SET last_seq = s.last_seq + w.count
                 FROM unnest($14::uuid[], $15::bigint[]) AS w (user_id, count)
                 JOIN locked USING (user_id)
                WHERE s.user_id = w.user_id
            RETURNING s.user_id, s.last_seq - w.count AS base),
           owed AS (
               INSERT INTO bellhop.delivery
                      (user_id, seq, at, tenant_id, notification_id, expires_at, rule, via)
               SELECT d.user_id, numbered.base + d.nth,
                      greatest($21, (SELECT open_from FROM bellhop.sweep)), d.tenant, d.notification,
                      timestamptz 'epoch' + d.expires * interval '1 microsecond', d.rule, d.via
                 FROM unnest($16::uuid[], $17::bigint[], $18::uuid[], $19::uuid[], $20::bigint[],
                             $22::smallint[], $23::text[])
                      AS d (user_id, nth, tenant, notification, expires, rule, via)
                 JOIN numbered USING (user_id))
           SELECT user_id, base AS "base!" FROM numbered "#,
        &batch.iter().map(|p| p.id).collect::<Vec<_>>(),
        &batch
            .iter()
            .map(|p| p.at().as_microsecond())
            .collect::<Vec<_>>(),
        &batch.iter().map(|p| p.tenant).collect::<Vec<_>>(),
        &batch.iter().map(|p| p.service).collect::<Vec<_>>(),
        &column(|p| p.kind.clone()),
        &column(|p| p.title.clone()),
        &column(|p| p.body.clone()),
        &column(|p| p.data.clone()),
        &threads as &[Option<String>],
        &column(|p| severity_word(p.severity).to_owned()),
        &column(|p| p.audience.describe()),
        recipients,
        &batch
            .iter()
            .map(|p| p.expires_at.as_microsecond())
            .collect::<Vec<_>>(),
        &owed.wanted.0,
        &owed.wanted.1,
        &owed.users,
        &owed.nths,
        &owed.tenants,
        &owed.notifications,
        &owed.expires,
        now.to_sqlx(),
        &owed.rules,
        &owed.vias as &[Option<String>],
        &column(|p| p.class.to_string()),
        &column(|p| p.publisher.to_string()),
        &batch
            .iter()
            .map(|p| p.collapse_key.clone())
            .collect::<Vec<_>>() as &[Option<String>],
        &batch.iter().map(|p| p.supersedes).collect::<Vec<_>>() as &[Option<Uuid>],
        &batch
            .iter()
            .map(|p| p.deliver_at.map(Timestamp::as_microsecond))
            .collect::<Vec<_>>() as &[Option<i64>],
        unseen.is_some(),
        &claims.services,
        &claims.key_hashes,
        &claims.body_hashes,
        &claims.notifications,
        &claims.recipients,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.user_id, row.base))
        .collect())
}

/// Whether [`append`] wrote nothing because what it was not told to look up was not as it was thought to be.
#[must_use]
pub fn was_wrong(error: &sqlx::Error) -> bool {
    let db = error.as_database_error();
    db.is_some_and(|db| db.code().as_deref() == Some("22012"))
}

/// Owes what was published before to more users, as [`append`] does: a page of a large audience, a deputy.
pub async fn owe(
    conn: &mut PgConnection,
    owed: &Owed,
    now: Timestamp,
) -> sqlx::Result<std::collections::HashMap<Uuid, i64, foldhash::fast::RandomState>> {
    let rows = sqlx::query!(
        r#"WITH locked AS MATERIALIZED (
               SELECT user_id FROM bellhop.user_stream WHERE user_id = ANY($1)
                ORDER BY user_id FOR NO KEY UPDATE),
           numbered AS (
               UPDATE bellhop.user_stream s SET last_seq = s.last_seq + w.count
                 FROM unnest($1::uuid[], $2::bigint[]) AS w (user_id, count)
                 JOIN locked USING (user_id)
                WHERE s.user_id = w.user_id
            RETURNING s.user_id, s.last_seq - w.count AS base),
           owed AS (
               INSERT INTO bellhop.delivery
                      (user_id, seq, at, tenant_id, notification_id, expires_at, rule, via, for_user)
               SELECT d.user_id, numbered.base + d.nth,
                      greatest($8, (SELECT open_from FROM bellhop.sweep)), d.tenant, d.notification,
                      timestamptz 'epoch' + d.expires * interval '1 microsecond', d.rule, d.via,
                      d.for_user
                 FROM unnest($3::uuid[], $4::bigint[], $5::uuid[], $6::uuid[], $7::bigint[],
                             $9::smallint[], $10::text[], $11::uuid[])
                      AS d (user_id, nth, tenant, notification, expires, rule, via, for_user)
                 JOIN numbered USING (user_id))
           SELECT user_id, base AS "base!" FROM numbered"#,
        &owed.wanted.0,
        &owed.wanted.1,
        &owed.users,
        &owed.nths,
        &owed.tenants,
        &owed.notifications,
        &owed.expires,
        now.to_sqlx(),
        &owed.rules,
        &owed.vias as &[Option<String>],
        &owed.for_users as &[Option<Uuid>],
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.user_id, row.base))
        .collect())
}

/// The word a severity is stored as.
#[must_use]
pub fn severity_word(severity: app::model::inbox::Severity) -> &'static str {
    use app::model::inbox::Severity;
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    }
}

/// Reads the word back; anything unknown is ordinary.
#[must_use]
pub fn severity_of(word: &str) -> app::model::inbox::Severity {
    use app::model::inbox::Severity;
    match word {
        "warning" => Severity::Warning,
        "critical" => Severity::Critical,
        _ => Severity::Info,
    }
}

/// Makes today's and the coming days' partitions where they are missing; answers how many.
pub async fn ensure_partitions(conn: &mut PgConnection, now: Timestamp) -> sqlx::Result<i32> {
    let made = sqlx::query_scalar!(
        r#"SELECT bellhop.ensure_partitions(($1::timestamptz AT TIME ZONE 'UTC')::date - 1, 6) AS "made!""#,
        now.to_sqlx(),
    )
    .fetch_one(conn)
    .await?;
    Ok(made)
}

/// Statements of this transaction wait at most 5 s for locks of others, then fail with 55P03.
pub async fn wait_at_most_5_s(tx: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("SET LOCAL lock_timeout = '5s'")
        .execute(tx)
        .await?;
    Ok(())
}

/// Which of these publications are in the database.
pub async fn present(conn: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "SELECT id FROM bellhop.notification WHERE id = ANY($1)",
        ids
    )
    .fetch_all(conn)
    .await
}

/// To whom these publications are owed, and under which numbers: `(notification, user, seq)`.
pub async fn numbers(
    conn: &mut PgConnection,
    ids: &[Uuid],
) -> sqlx::Result<Vec<(Uuid, Uuid, i64)>> {
    let rows = sqlx::query!(
        "SELECT notification_id, user_id, seq FROM bellhop.delivery WHERE notification_id = ANY($1)",
        ids
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.notification_id, row.user_id, row.seq))
        .collect())
}

/// The last number given to a user; 0 for one without a stream.
pub async fn last_seq(conn: &mut PgConnection, user: Uuid) -> sqlx::Result<i64> {
    let last = sqlx::query_scalar!(
        "SELECT last_seq FROM bellhop.user_stream WHERE user_id = $1",
        user
    )
    .fetch_optional(conn)
    .await?;
    Ok(last.unwrap_or(0))
}

/// The same of many users; those without a stream are left out.
pub async fn last_seqs(conn: &mut PgConnection, users: &[Uuid]) -> sqlx::Result<Vec<(Uuid, i64)>> {
    let rows = sqlx::query!(
        "SELECT user_id, last_seq FROM bellhop.user_stream WHERE user_id = ANY($1)",
        users
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.user_id, row.last_seq))
        .collect())
}
