//! What webhooks are to tell: written with the moves it tells of, put into requests, sent until taken.
//!
//! Moves that are statements of their own write it in the same statement (`debts::end`, `withdraw`, `inbox`);
//! this one is for acks.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

use super::acks::Locked;

/// Notes moves of deliveries for the webhooks that want them: to the states they carry now. The caller holds the
/// deliveries' locks, so of one delivery they are noted in the order in which they happened.
pub async fn note(conn: &mut PgConnection, moved: &[&Locked], now: Timestamp) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        r#"INSERT INTO bellhop.webhook_event (webhook_id, event, notification_id, user_id, seq, at, wanted)
           SELECT w.id, e.event, m.notification, m.user_id, m.seq, $6, e.event = ANY(w.events)
             FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::smallint[], $5::smallint[])
                  AS m (user_id, seq, notification, state, rule)
             JOIN bellhop.notification n
               ON n.id = m.notification AND n.at = bellhop.instant_of(m.notification)
             JOIN bellhop.webhook w ON w.service_id = n.service_id AND w.disabled_at IS NULL
            CROSS JOIN LATERAL (SELECT CASE m.state WHEN 2 THEN 'notification.acked'
                                       ELSE 'notification.reached' END) AS e (event)
            WHERE (m.rule & 8) = 0
              AND (e.event = ANY(w.events) OR 'notification.settled' = ANY(w.events))"#,
        &moved.iter().map(|one| one.user).collect::<Vec<_>>(),
        &moved.iter().map(|one| one.seq).collect::<Vec<_>>(),
        &moved.iter().map(|one| one.notification).collect::<Vec<_>>(),
        &moved.iter().map(|one| one.state).collect::<Vec<_>>(),
        &moved.iter().map(|one| one.rule).collect::<Vec<_>>(),
        now.to_sqlx(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Webhooks of which something is to be put into a request.
pub async fn with_events(conn: &mut PgConnection, most: i64) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "SELECT w.id FROM bellhop.webhook w
          WHERE w.disabled_at IS NULL
            AND EXISTS (SELECT FROM bellhop.webhook_event e WHERE e.webhook_id = w.id)
          ORDER BY w.id LIMIT $1",
        most,
    )
    .fetch_all(conn)
    .await
}

/// Holds a webhook for whoever puts its events into a request, until the transaction ends; `false`: somebody else
/// does, or so much is under way that the next has to wait: a request that was tried less than `patient` times, or
/// `most` of them.
pub async fn hold(
    conn: &mut PgConnection,
    webhook: Uuid,
    patient: i16,
    most: i64,
) -> sqlx::Result<bool> {
    let held = sqlx::query_scalar!(
        "SELECT id FROM bellhop.webhook WHERE id = $1 AND disabled_at IS NULL
            FOR NO KEY UPDATE SKIP LOCKED",
        webhook,
    )
    .fetch_optional(&mut *conn)
    .await?;
    if held.is_none() {
        return Ok(false);
    }
    sqlx::query_scalar!(
        r#"SELECT count(*) < $3 AND count(*) FILTER (WHERE tries < $2) = 0 AS "free!"
             FROM bellhop.webhook_message WHERE webhook_id = $1 AND next_at IS NOT NULL"#,
        webhook,
        patient,
        most,
    )
    .fetch_one(conn)
    .await
}

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Event {
    /// In the order in which it happened, for each delivery.
    pub id: i64,
    /// `notification.acked` and the like.
    pub event: String,
    /// The notification.
    pub notification: Uuid,
    /// Its kind; `None`: its day is gone.
    pub kind: Option<String>,
    /// Outer id of the recipient.
    pub user: Option<String>,
    /// Outer id of whom they stand in for.
    pub for_user: Option<String>,
    /// The recipient's number of it.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// To be told.
    pub wanted: bool,
}

/// The oldest events of a webhook, taken away. The caller holds it.
pub async fn take(conn: &mut PgConnection, webhook: Uuid, most: i64) -> sqlx::Result<Vec<Event>> {
    let rows = sqlx::query!(
        r#"WITH taken AS (
               DELETE FROM bellhop.webhook_event e
                WHERE e.webhook_id = $1 AND e.id IN (
                      SELECT id FROM bellhop.webhook_event WHERE webhook_id = $1 ORDER BY id LIMIT $2)
            RETURNING e.*)
           SELECT e.id AS "id!", e.event AS "event!", e.notification_id AS "notification!", n.kind AS "kind?",
                  u.key AS "user?", f.key AS "for_user?", e.seq AS "seq!", e.at AS "at!", e.wanted AS "wanted!"
             FROM taken e
             LEFT JOIN bellhop.notification n
               ON n.id = e.notification_id AND n.at = bellhop.instant_of(e.notification_id)
             LEFT JOIN bellhop.user_account u ON u.id = e.user_id
             LEFT JOIN LATERAL (SELECT d.for_user FROM bellhop.delivery d
                                 WHERE d.user_id = e.user_id AND d.seq = e.seq
                                   AND d.at >= n.at - interval '1 minute' LIMIT 1) d ON true
             LEFT JOIN bellhop.user_account f ON f.id = d.for_user
            ORDER BY e.id"#,
        webhook,
        most,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Event {
            id: row.id,
            event: row.event,
            notification: row.notification,
            kind: row.kind,
            user: row.user,
            for_user: row.for_user,
            seq: row.seq,
            at: row.at.to_jiff(),
            wanted: row.wanted,
        })
        .collect())
}

/// Which of these notifications are settled now, with nothing more of them to tell before, and were not told of;
/// they count as told. Asked after their events were taken: whoever settled the last delivery has committed.
pub async fn settled(
    conn: &mut PgConnection,
    webhook: Uuid,
    notifications: &[Uuid],
    now: Timestamp,
) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        r#"INSERT INTO bellhop.webhook_settled (webhook_id, notification_id, at)
           SELECT $1, q.id, $3 FROM unnest($2::uuid[]) AS q (id)
            WHERE EXISTS (SELECT FROM bellhop.webhook w
                           WHERE w.id = $1 AND 'notification.settled' = ANY(w.events))
              AND NOT EXISTS (SELECT FROM bellhop.fanout f WHERE f.notification_id = q.id)
              AND NOT EXISTS (SELECT FROM bellhop.webhook_event e
                               WHERE e.webhook_id = $1 AND e.notification_id = q.id)
              AND NOT EXISTS (SELECT FROM bellhop.delivery d
                               WHERE d.notification_id = q.id
                                 AND d.at >= bellhop.instant_of(q.id) - interval '1 minute'
                                 AND (d.state = 0 OR d.state = 1 AND (d.rule & 7) <> 4))
            ORDER BY q.id
           ON CONFLICT DO NOTHING RETURNING notification_id"#,
        webhook,
        notifications,
        now.to_sqlx(),
    )
    .fetch_all(conn)
    .await
}

/// Looks at these again later, if they are still being routed: nothing may happen to them after that.
pub async fn look_again(
    conn: &mut PgConnection,
    webhook: Uuid,
    notifications: &[Uuid],
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO bellhop.webhook_event (webhook_id, event, notification_id, user_id, seq, at, wanted)
         SELECT $1, 'notification.settled', f.notification_id, $4, 0, $3, false
           FROM bellhop.fanout f WHERE f.notification_id = ANY($2)",
        webhook,
        notifications,
        now.to_sqlx(),
        Uuid::nil(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A request to be sent at once.
pub async fn put(
    conn: &mut PgConnection,
    (id, webhook): (Uuid, Uuid),
    body: &str,
    events: i32,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO bellhop.webhook_message (id, webhook_id, body, events, made_at, next_at)
         VALUES ($1, $2, $3, $4, $5, $5)",
        id,
        webhook,
        body,
        events,
        now.to_sqlx(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A request that somebody sends.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Header `webhook-id`.
    pub id: Uuid,
    /// To which.
    pub webhook: Uuid,
    /// As it was made.
    pub body: String,
    /// When.
    pub made_at: Timestamp,
    /// How often it was tried.
    pub tries: i16,
    /// A failure counts only under this number.
    pub fence: i64,
    /// Where to.
    pub url: String,
    /// Signs.
    pub secret: Vec<u8>,
    /// Signs too.
    pub old_secret: Option<Vec<u8>>,
}

/// Claims requests that are due until `until`, the longest waiting first.
pub async fn claim(
    conn: &mut PgConnection,
    now: Timestamp,
    until: Timestamp,
    most: i64,
) -> sqlx::Result<Vec<Claim>> {
    let rows = sqlx::query!(
        r#"WITH due AS MATERIALIZED (
               SELECT m.id FROM bellhop.webhook_message m
                 JOIN bellhop.webhook w ON w.id = m.webhook_id AND w.disabled_at IS NULL
                WHERE m.next_at <= $1 ORDER BY m.next_at, m.nr LIMIT $3 FOR UPDATE OF m SKIP LOCKED),
           taken AS (
               UPDATE bellhop.webhook_message m SET next_at = $2, fence = m.fence + 1
                 FROM due WHERE m.id = due.id
            RETURNING m.id, m.nr, m.webhook_id, m.body, m.made_at, m.tries, m.fence)
           SELECT t.id AS "id!", t.webhook_id AS "webhook!", t.body AS "body!", t.made_at AS "made_at!",
                  t.tries AS "tries!", t.fence AS "fence!", w.url, w.secret,
                  CASE WHEN w.old_until > $1 THEN w.old_secret END AS "old_secret?"
             FROM taken t JOIN bellhop.webhook w ON w.id = t.webhook_id ORDER BY t.nr"#,
        now.to_sqlx(),
        until.to_sqlx(),
        most,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Claim {
            id: row.id,
            webhook: row.webhook,
            body: row.body,
            made_at: row.made_at.to_jiff(),
            tries: row.tries,
            fence: row.fence,
            url: row.url,
            secret: row.secret,
            old_secret: row.old_secret,
        })
        .collect())
}

/// The receiver has it. Under whatever claim: somebody who sends it once more is told nothing new.
pub async fn taken(conn: &mut PgConnection, claim: &Claim, now: Timestamp) -> sqlx::Result<()> {
    sqlx::query!(
        "WITH gone AS (DELETE FROM bellhop.webhook_message WHERE id = $1)
         UPDATE bellhop.webhook SET taken_at = $3, failure = NULL, status = NULL WHERE id = $2",
        claim.id,
        claim.webhook,
        now.to_sqlx(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What was wrong.
#[derive(Clone, Debug, Default)]
pub struct Failure {
    /// What the receiver answered.
    pub status: Option<i16>,
    /// In words.
    pub text: String,
}

/// The receiver has it not: again at `next`, or never. Answers whether that was written, which a later claim
/// prevents.
pub async fn failed(
    conn: &mut PgConnection,
    claim: &Claim,
    failure: &Failure,
    next: Option<Timestamp>,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "WITH put_back AS (
             UPDATE bellhop.webhook_message SET tries = tries + 1, next_at = $3
              WHERE id = $1 AND fence = $7 RETURNING id)
         UPDATE bellhop.webhook SET failed_at = $4, status = $5, failure = $6
          WHERE id = $2 AND EXISTS (SELECT FROM put_back)",
        claim.id,
        claim.webhook,
        next.map(jiff_sqlx::ToSqlx::to_sqlx) as Option<jiff_sqlx::Timestamp>,
        now.to_sqlx(),
        failure.status,
        failure.text,
        claim.fence,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Not tried: its receiver gets a pause.
pub async fn put_off(conn: &mut PgConnection, claim: &Claim, next: Timestamp) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE bellhop.webhook_message SET next_at = $2 WHERE id = $1 AND fence = $3",
        claim.id,
        next.to_sqlx(),
        claim.fence,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Has the receiver taken anything since then?
pub async fn took_since(
    conn: &mut PgConnection,
    webhook: Uuid,
    since: Timestamp,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM bellhop.webhook WHERE id = $1 AND taken_at >= $2) AS "took!""#,
        webhook,
        since.to_sqlx(),
    )
    .fetch_one(conn)
    .await
}
