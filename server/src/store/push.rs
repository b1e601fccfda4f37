//! Phones and browsers that can be pushed to, what was pushed, and what they acknowledge with.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// A device as it registers.
pub struct Registration<'a> {
    /// Tenant.
    pub tenant: Uuid,
    /// Whose.
    pub user: Uuid,
    /// The device's name.
    pub device: &'a str,
    /// `fcm`, `webpush`.
    pub platform: &'a str,
    /// A secret: who holds it can write to the device.
    pub token: &'a str,
    /// SHA-256 of it.
    pub token_hash: &'a [u8],
    /// SHA-256 of what the device may acknowledge with from now on.
    pub key_hash: &'a [u8],
}

/// Registers a device's token and credential. A token belongs to whoever registered it last: a shared phone
/// does not stay with the one before.
pub async fn register(
    conn: &mut PgConnection,
    new: &Registration<'_>,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM bellhop.push_token
          WHERE platform = $1 AND token_hash = $2 AND (user_id, device) <> ($3, $4)",
        new.platform,
        new.token_hash,
        new.user,
        new.device,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "INSERT INTO bellhop.push_token
                (user_id, device, tenant_id, platform, token, token_hash, registered_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (user_id, device) DO UPDATE
            SET platform = $4, token = $5, token_hash = $6, registered_at = $7, failed_at = NULL,
                failure = NULL",
        new.user,
        new.device,
        new.tenant,
        new.platform,
        new.token,
        new.token_hash,
        now.to_sqlx(),
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "INSERT INTO bellhop.device_key (hash, tenant_id, user_id, device, created_at)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (user_id, device) DO UPDATE SET hash = $1, created_at = $5",
        new.key_hash,
        new.tenant,
        new.user,
        new.device,
        now.to_sqlx(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets a device's token and credential: it signed out. Answers whether there was one.
pub async fn unregister(conn: &mut PgConnection, user: Uuid, device: &str) -> sqlx::Result<bool> {
    sqlx::query!(
        "DELETE FROM bellhop.device_key WHERE user_id = $1 AND device = $2",
        user,
        device,
    )
    .execute(&mut *conn)
    .await?;
    let done = sqlx::query!(
        "DELETE FROM bellhop.push_token WHERE user_id = $1 AND device = $2",
        user,
        device,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Whose device a credential is, while its user is active.
pub struct KeyHolder {
    /// Tenant.
    pub tenant: Uuid,
    /// Outer id of the tenant.
    pub tenant_key: String,
    /// Whose.
    pub user: Uuid,
    /// The device's name.
    pub device: String,
}

/// Finds a device by the hash of its credential.
pub async fn holder(conn: &mut PgConnection, hash: &[u8]) -> sqlx::Result<Option<KeyHolder>> {
    sqlx::query_as!(
        KeyHolder,
        r#"SELECT k.tenant_id AS tenant, t.key AS tenant_key, k.user_id AS user, k.device
             FROM bellhop.device_key k JOIN bellhop.tenant t ON t.id = k.tenant_id
             JOIN bellhop.user_account u ON u.id = k.user_id AND u.active
            WHERE k.hash = $1"#,
        hash,
    )
    .fetch_optional(conn)
    .await
}

/// A device a delivery can be pushed to.
pub struct Phone {
    /// Index of the delivery asked for.
    pub index: usize,
    /// The device's name.
    pub device: String,
    /// `fcm`, `webpush`.
    pub platform: String,
    /// The token.
    pub token: String,
    /// SHA-256 of it.
    pub token_hash: Vec<u8>,
}

/// The devices that these deliveries are still to be pushed to (`withdraw`: that show them, perhaps). Left out are
/// those whose provider has taken it, refused it or forgotten the device; when notifying, those that have
/// acknowledged it; when withdrawing, those that themselves said from the background that they show it, until
/// somebody has looked (a tap, a client's own ack, seen or read in an inbox), or it was taken back, or ended: their
/// card is what such an ack stands for.
pub async fn phones(
    conn: &mut PgConnection,
    users: &[Uuid],
    seqs: &[i64],
    withdraw: bool,
) -> sqlx::Result<Vec<Phone>> {
    let indices: Vec<i32> = (0_i32..).take(users.len()).collect();
    let rows = sqlx::query!(
        r#"SELECT q.i AS "i!", t.device AS "device!", t.platform AS "platform!", t.token AS "token!",
                  t.token_hash AS "token_hash!"
             FROM unnest($1::int[], $2::uuid[], $3::bigint[]) AS q (i, user_id, seq)
             JOIN bellhop.push_token t ON t.user_id = q.user_id
            WHERE NOT EXISTS (SELECT FROM bellhop.push_attempt p
                               WHERE p.user_id = q.user_id AND p.seq = q.seq AND p.device = t.device
                                 AND p.purpose = CASE WHEN $4 THEN 'withdraw' ELSE 'notify' END
                                 AND p.outcome IN ('taken', 'token_gone', 'refused')
                                 AND p.at >= t.registered_at)
              AND (NOT $4 OR EXISTS (SELECT FROM bellhop.push_attempt p
                                      WHERE p.user_id = q.user_id AND p.seq = q.seq
                                        AND p.device = t.device AND p.purpose = 'notify'
                                        AND p.outcome IN ('sending', 'taken', 'retry_after')))
              AND (NOT $4 OR NOT EXISTS (SELECT FROM bellhop.ack a
                                          WHERE a.user_id = q.user_id AND a.seq = q.seq
                                            AND a.device = t.device AND a.via = 'push')
                   OR EXISTS (SELECT FROM bellhop.ack a
                               WHERE a.user_id = q.user_id AND a.seq = q.seq
                                 AND a.via NOT IN ('push', 'reached'))
                   OR EXISTS (SELECT FROM bellhop.delivery d
                               WHERE d.user_id = q.user_id AND d.seq = q.seq
                                 AND (d.state > 2 OR d.reason IS NOT NULL OR d.seen_at IS NOT NULL
                                      OR d.read_at IS NOT NULL)))
              AND ($4 OR NOT EXISTS (SELECT FROM bellhop.ack a
                                      WHERE a.user_id = q.user_id AND a.seq = q.seq
                                        AND a.device = t.device AND a.via <> 'reached'))
            ORDER BY q.i, t.device"#,
        &indices,
        users,
        seqs,
        withdraw,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            Some(Phone {
                index: usize::try_from(row.i).ok()?,
                device: row.device,
                platform: row.platform,
                token: row.token,
                token_hash: row.token_hash,
            })
        })
        .collect())
}

/// What a push may carry, and whether it is still owed.
pub struct Content {
    /// Index of the delivery asked for.
    pub index: usize,
    /// Kind.
    pub kind: String,
    /// Title.
    pub title: String,
    /// Body.
    pub body: String,
    /// JSON object.
    pub data: String,
    /// Nobody has settled it: looked at right before the send.
    pub owed: bool,
}

/// Locks deliveries in order and reads what to push of them: an ack comes before this, or after the caller has
/// noted that a push is under way.
pub async fn contents(
    conn: &mut PgConnection,
    users: &[Uuid],
    seqs: &[i64],
    at: &[i64],
) -> sqlx::Result<Vec<Content>> {
    let indices: Vec<i32> = (0_i32..).take(users.len()).collect();
    let rows = sqlx::query!(
        r#"SELECT q.i AS "i!", n.kind, n.title, n.body, n.data,
                  d.state = 0 OR d.state = 1 AND (d.rule & 7) <> 4 AS "owed!"
             FROM unnest($1::int[], $2::uuid[], $3::bigint[], $4::bigint[]) AS q (i, user_id, seq, at)
             JOIN bellhop.delivery d ON d.user_id = q.user_id AND d.seq = q.seq
              AND d.at = timestamptz 'epoch' + q.at * interval '1 microsecond'
             JOIN bellhop.notification n
               ON n.id = d.notification_id AND n.at = bellhop.instant_of(d.notification_id)
            ORDER BY d.user_id, d.seq FOR NO KEY UPDATE OF d"#,
        &indices,
        users,
        seqs,
        at,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            Some(Content {
                index: usize::try_from(row.i).ok()?,
                kind: row.kind,
                title: row.title,
                body: row.body,
                data: row.data,
                owed: row.owed,
            })
        })
        .collect())
}

/// One try, for whoever asks later.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Whose.
    pub user: Uuid,
    /// Their number.
    pub seq: i64,
    /// When the delivery was routed.
    pub routed_at: Timestamp,
    /// Tenant.
    pub tenant: Uuid,
    /// The device.
    pub device: String,
    /// SHA-256 of the token it went to.
    pub token_hash: Vec<u8>,
    /// `fcm`, `webpush`.
    pub provider: &'static str,
    /// `notify`, `withdraw`.
    pub purpose: &'static str,
    /// `sending` before it; then `taken`, `retry_after`, `token_gone`, `refused`, `misconfigured`.
    pub outcome: &'static str,
    /// The provider's HTTP status.
    pub status: Option<i16>,
    /// In its words.
    pub detail: String,
}

/// Notes, before anything is sent, that these are about to be: from now on an ack has what phones show of them
/// taken back. The caller has locked the deliveries.
pub async fn begin(
    conn: &mut PgConnection,
    sending: &[Attempt],
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"UPDATE bellhop.delivery d SET pushed_at = $4
             FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS t (user_id, seq, at)
            WHERE d.user_id = t.user_id AND d.seq = t.seq AND d.pushed_at IS NULL
              AND d.at = timestamptz 'epoch' + t.at * interval '1 microsecond'"#,
        &sending.iter().map(|a| a.user).collect::<Vec<_>>(),
        &sending.iter().map(|a| a.seq).collect::<Vec<_>>(),
        &sending
            .iter()
            .map(|a| a.routed_at.as_microsecond())
            .collect::<Vec<_>>(),
        now.to_sqlx(),
    )
    .execute(&mut *conn)
    .await?;
    append(conn, sending, now).await
}

/// Which of these deliveries have a push under way that began after `since`: what came of it is not known yet.
pub async fn under_way(
    conn: &mut PgConnection,
    users: &[Uuid],
    seqs: &[i64],
    since: Timestamp,
) -> sqlx::Result<Vec<(Uuid, i64)>> {
    let rows = sqlx::query!(
        r#"SELECT DISTINCT s.user_id, s.seq
             FROM unnest($1::uuid[], $2::bigint[]) AS q (user_id, seq)
             JOIN bellhop.push_attempt s
               ON s.user_id = q.user_id AND s.seq = q.seq AND s.outcome = 'sending' AND s.at > $3
            WHERE NOT EXISTS (SELECT FROM bellhop.push_attempt f
                               WHERE f.user_id = s.user_id AND f.seq = s.seq AND f.device = s.device
                                 AND f.purpose = s.purpose AND f.outcome <> 'sending' AND f.at >= s.at)"#,
        users,
        seqs,
        since.to_sqlx(),
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.user_id, row.seq)).collect())
}

/// Records what came of tries that began at `sent_at`; forgets tokens that are gone unless they were registered
/// again since.
pub async fn record(
    conn: &mut PgConnection,
    attempts: &[Attempt],
    sent_at: Timestamp,
    now: Timestamp,
) -> sqlx::Result<()> {
    append(conn, attempts, now).await?;
    let users: Vec<Uuid> = attempts.iter().map(|a| a.user).collect();
    let devices: Vec<String> = attempts.iter().map(|a| a.device.clone()).collect();
    let outcomes: Vec<String> = attempts.iter().map(|a| a.outcome.to_owned()).collect();
    let details: Vec<String> = attempts.iter().map(|a| a.detail.clone()).collect();
    let hashes: Vec<Vec<u8>> = attempts.iter().map(|a| a.token_hash.clone()).collect();
    sqlx::query!(
        r#"DELETE FROM bellhop.push_token t
            USING unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[])
                  AS a (user_id, device, outcome, token_hash)
            WHERE t.user_id = a.user_id AND t.device = a.device AND a.outcome = 'token_gone'
              AND t.token_hash = a.token_hash AND t.registered_at <= $5"#,
        &users,
        &devices,
        &outcomes,
        &hashes,
        sent_at.to_sqlx(),
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        r#"UPDATE bellhop.push_token t
              SET taken_at = CASE WHEN a.outcome = 'taken' THEN $6 ELSE t.taken_at END,
                  failed_at = CASE WHEN a.outcome = 'taken' THEN NULL ELSE $6 END,
                  failure = CASE WHEN a.outcome = 'taken' THEN NULL ELSE a.outcome || ': ' || a.detail END
             FROM (SELECT DISTINCT ON (user_id, device) *
                     FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[], $5::text[])
                          AS a (user_id, device, outcome, token_hash, detail)
                    ORDER BY user_id, device, outcome = 'taken' DESC) a
            WHERE t.user_id = a.user_id AND t.device = a.device AND t.token_hash = a.token_hash"#,
        &users,
        &devices,
        &outcomes,
        &hashes,
        &details,
        now.to_sqlx(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn append(conn: &mut PgConnection, attempts: &[Attempt], now: Timestamp) -> sqlx::Result<()> {
    sqlx::query!(
        r#"INSERT INTO bellhop.push_attempt
                  (user_id, seq, at, tenant_id, device, provider, purpose, outcome, status, detail)
           SELECT a.user_id, a.seq, $9, a.tenant, a.device, a.provider, a.purpose, a.outcome, a.status,
                  a.detail
             FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::text[], $5::text[], $6::text[],
                         $7::text[], $8::smallint[], $10::text[])
                  AS a (user_id, seq, tenant, device, provider, purpose, outcome, status, detail)"#,
        &attempts.iter().map(|a| a.user).collect::<Vec<_>>(),
        &attempts.iter().map(|a| a.seq).collect::<Vec<_>>(),
        &attempts.iter().map(|a| a.tenant).collect::<Vec<_>>(),
        &attempts.iter().map(|a| a.device.clone()).collect::<Vec<_>>(),
        &attempts
            .iter()
            .map(|a| a.provider.to_owned())
            .collect::<Vec<_>>(),
        &attempts
            .iter()
            .map(|a| a.purpose.to_owned())
            .collect::<Vec<_>>(),
        &attempts.iter().map(|a| a.outcome.to_owned()).collect::<Vec<_>>(),
        &attempts.iter().map(|a| a.status).collect::<Vec<_>>() as &[Option<i16>],
        now.to_sqlx(),
        &attempts.iter().map(|a| a.detail.clone()).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}
