//! What is owed and nobody settled: found by the sweep, claimed when due, deleted when paid.
//!
//! Lock order: deliveries before debts, each sorted by (user, seq). A claim is no lock: it moves the
//! debt's time on and raises its fence, and whatever was claimed before then counts no more.

use app::model::delivery::State;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// How far the deliveries were looked through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Swept {
    /// Everything routed before this was looked at.
    pub to: Timestamp,
    /// Nothing is routed before this any more.
    pub open_from: Timestamp,
}

/// Locks the sweep's row: one sweeps at a time. `None`: somebody does.
pub async fn lock_sweep(conn: &mut PgConnection) -> sqlx::Result<Option<Swept>> {
    let row = sqlx::query!("SELECT swept_to, open_from FROM bellhop.sweep FOR UPDATE SKIP LOCKED")
        .fetch_optional(conn)
        .await?;
    Ok(row.map(|row| Swept {
        to: row.swept_to.to_jiff(),
        open_from: row.open_from.to_jiff(),
    }))
}

/// From the commit of this on nothing is routed before `at`, which it answers; a little later than the
/// last time, also when the clock was set back.
pub async fn open_from(conn: &mut PgConnection, at: Timestamp) -> sqlx::Result<Timestamp> {
    let row = sqlx::query_scalar!(
        "UPDATE bellhop.sweep SET open_from = greatest($1, open_from + interval '1 microsecond')
         RETURNING open_from",
        at.to_sqlx(),
    )
    .fetch_one(conn)
    .await?;
    Ok(row.to_jiff())
}

/// The transactions of the server's role that run now in this database, but for the caller's. Each is over
/// once its name is not in the answer any more.
///
/// Times do not serve: a transaction that began before a clock was set back looks as if it began after. And
/// foreign programs' do not count: they write no delivery, and may stay open for an hour.
pub async fn running(conn: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"SELECT l.virtualtransaction AS "name!" FROM pg_locks l
             JOIN pg_stat_activity a ON a.pid = l.pid
            WHERE l.locktype = 'virtualxid' AND l.mode = 'ExclusiveLock' AND l.granted
              AND a.datname = current_database() AND a.usename = current_user
              AND l.pid <> pg_backend_pid()"#
    )
    .fetch_all(conn)
    .await
}

/// First rungs, by tenant and class. The nil tenant has the built-in ones.
#[derive(Default)]
pub struct FirstRungs {
    /// Whose.
    pub tenants: Vec<Uuid>,
    /// Keys.
    pub classes: Vec<String>,
    /// Of users who are here: milliseconds after it was routed.
    pub after: Vec<i64>,
    /// Of users who are not, and have a phone: which rung.
    pub away: Vec<i16>,
    /// And when.
    pub away_after: Vec<i64>,
    /// When they are pushed to, if that is before any rung that pushes.
    pub push_after: Vec<Option<i64>>,
    /// Of users who are not, and have none: which rung.
    pub alone: Vec<i16>,
    /// And when.
    pub alone_after: Vec<i64>,
    /// Some provider is configured; without, no phone counts.
    pub pushes: bool,
    /// The users who are here.
    pub here: Vec<Uuid>,
}

/// Makes a debt of every delivery routed from `from` until before `to` that nobody settled; answers how
/// many are new. A second time it makes none.
///
/// The rung's time has the spread of `worker::jitter` in it already, bit by bit: without, each debt would be claimed
/// once too early and put back.
pub async fn sweep(
    conn: &mut PgConnection,
    from: Timestamp,
    to: Timestamp,
    rungs: &FirstRungs,
) -> sqlx::Result<u64> {
    sqlx::query!(
        "SELECT bellhop.summarize_deliveries($1, $2)",
        from.to_sqlx(),
        to.to_sqlx(),
    )
    .fetch_one(&mut *conn)
    .await?;
    let done = sqlx::query!(
        r#"WITH class AS (
               SELECT * FROM unnest($3::uuid[], $4::text[], $5::bigint[], $6::smallint[], $7::bigint[],
                                    $8::bigint[], $9::smallint[], $10::bigint[])
                      AS c (tenant, class, after, away, away_after, push_after, alone, alone_after))
           INSERT INTO bellhop.debt (user_id, seq, at, tenant_id, notification_id, rung, next_at, push_at)
           SELECT d.user_id, d.seq, d.at, d.tenant_id, d.notification_id, r.rung,
                  least(d.expires_at, t.rung_at, t.push_at),
                  CASE WHEN t.push_at < d.expires_at THEN t.push_at END
             FROM bellhop.delivery d
             LEFT JOIN bellhop.notification n
               ON n.id = d.notification_id AND n.at = bellhop.instant_of(d.notification_id)
             LEFT JOIN class own ON own.tenant = d.tenant_id AND own.class = n.class
             LEFT JOIN class built_in
               ON built_in.tenant = '00000000-0000-0000-0000-000000000000' AND built_in.class = n.class
            CROSS JOIN LATERAL (
                  SELECT CASE WHEN d.user_id = ANY($11::uuid[]) THEN 'here'
                              WHEN $12 AND EXISTS (SELECT FROM bellhop.push_token p
                                                    WHERE p.user_id = d.user_id) THEN 'away'
                              ELSE 'alone' END AS who) w
            CROSS JOIN LATERAL (
                  SELECT CASE w.who WHEN 'here' THEN 0
                                    WHEN 'away' THEN coalesce(own.away, built_in.away, 0)
                                    ELSE coalesce(own.alone, built_in.alone, 0) END AS rung,
                         CASE w.who WHEN 'here' THEN coalesce(own.after, built_in.after, 0)
                                    WHEN 'away' THEN coalesce(own.away_after, built_in.away_after, 0)
                                    ELSE coalesce(own.alone_after, built_in.alone_after, 0) END AS after,
                         CASE WHEN w.who = 'away' THEN
                              CASE WHEN own.class IS NOT NULL THEN own.push_after
                                   ELSE built_in.push_after END END AS push_after) r
            CROSS JOIN LATERAL (
                  SELECT uuid_send(d.user_id) AS u, uuid_send(d.notification_id) AS n) x
            CROSS JOIN LATERAL (
                  SELECT (256 * (get_byte(x.u, 14) # get_byte(x.n, 14))
                              + (get_byte(x.u, 15) # get_byte(x.n, 15)))::float8 / 65535 AS jitter) j
            CROSS JOIN LATERAL (
                  SELECT d.at + (r.after + trunc(r.after::float8 / 10 * j.jitter))
                                * interval '1 millisecond' AS rung_at,
                         d.at + (r.push_after + trunc(r.push_after::float8 / 10 * j.jitter))
                                * interval '1 millisecond' AS push_at) t
            WHERE d.at >= $1 AND d.at < $2
              AND (d.state = 0 OR d.state = 1 AND (d.rule & 7) <> 4)
            ORDER BY d.user_id, d.seq
           ON CONFLICT DO NOTHING"#,
        from.to_sqlx(),
        to.to_sqlx(),
        &rungs.tenants,
        &rungs.classes,
        &rungs.after,
        &rungs.away,
        &rungs.away_after,
        &rungs.push_after as &[Option<i64>],
        &rungs.alone,
        &rungs.alone_after,
        &rungs.here,
        rungs.pushes,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Everything routed before `to` was looked at.
pub async fn set_swept(conn: &mut PgConnection, to: Timestamp) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE bellhop.sweep SET swept_to = greatest(swept_to, $1)",
        to.to_sqlx(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A debt of which its claimer decides what is due, with the delivery as it is now.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Whose.
    pub user: Uuid,
    /// Their number of it.
    pub seq: i64,
    /// When it was routed.
    pub at: Timestamp,
    /// Tenant.
    pub tenant: Uuid,
    /// The notification.
    pub notification: Uuid,
    /// The next rung.
    pub rung: i16,
    /// Pushes that were not taken.
    pub tries: i16,
    /// A push is to be tried again then.
    pub push_at: Option<Timestamp>,
    /// The result counts only under this number.
    pub fence: i64,
    /// The delivery; `None`: its partition is gone.
    pub delivery: Option<Delivery>,
}

/// What a claim knows of the delivery.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Stored number of the state.
    pub state: i16,
    /// What settles it.
    pub rule: i16,
    /// A provider took a push of it.
    pub pushed: bool,
    /// When it stops being worth delivering.
    pub expires_at: Timestamp,
    /// How hard it is tried.
    pub class: String,
    /// Who published it.
    pub service: Uuid,
    /// It stands in for another's already: no deputy of a deputy.
    pub escalated: bool,
    /// Its user was removed.
    pub gone: bool,
}

/// Claims what is due, the longest overdue first, for as long as until `until`.
///
/// Most find their delivery settled or with a rung due; a claim whose owner dies comes back by itself.
pub async fn claim(
    conn: &mut PgConnection,
    now: Timestamp,
    until: Timestamp,
    most: i64,
) -> sqlx::Result<Vec<Claim>> {
    let rows = sqlx::query!(
        r#"WITH due AS MATERIALIZED (
               SELECT user_id, seq FROM bellhop.debt WHERE next_at <= $1
                ORDER BY next_at LIMIT $3 FOR UPDATE SKIP LOCKED),
           taken AS (
               UPDATE bellhop.debt b SET next_at = $2, fence = b.fence + 1
                 FROM due WHERE b.user_id = due.user_id AND b.seq = due.seq
            RETURNING b.user_id, b.seq, b.at, b.tenant_id, b.notification_id, b.rung, b.tries,
                      b.push_at, b.fence)
           SELECT t.user_id AS "user!", t.seq AS "seq!", t.at AS "at!", t.tenant_id AS "tenant!",
                  t.notification_id AS "notification!", t.rung AS "rung!", t.tries AS "tries!",
                  t.push_at, t.fence AS "fence!", d.state AS "state?", d.rule AS "rule?",
                  d.pushed_at IS NOT NULL AS "pushed!", d.expires_at AS "expires_at?",
                  n.class AS "class?", n.service_id AS "service?",
                  d.for_user IS NOT NULL AS "escalated!",
                  EXISTS (SELECT FROM bellhop.user_account u
                           WHERE u.id = t.user_id AND NOT u.active) AS "gone!"
             FROM taken t
             LEFT JOIN LATERAL (SELECT * FROM bellhop.delivery d
                                 WHERE d.user_id = t.user_id AND d.seq = t.seq AND d.at = t.at
                                 LIMIT 1) d ON true
             LEFT JOIN LATERAL (SELECT n.class, n.service_id FROM bellhop.notification n
                                 WHERE n.id = t.notification_id
                                   AND n.at = bellhop.instant_of(t.notification_id)
                                 LIMIT 1) n ON true"#,
        now.to_sqlx(),
        until.to_sqlx(),
        most,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Claim {
            user: row.user,
            seq: row.seq,
            at: row.at.to_jiff(),
            tenant: row.tenant,
            notification: row.notification,
            rung: row.rung,
            tries: row.tries,
            push_at: row.push_at.map(jiff_sqlx::Timestamp::to_jiff),
            fence: row.fence,
            delivery: match (row.state, row.rule, row.expires_at, row.class, row.service) {
                (Some(state), Some(rule), Some(expires_at), Some(class), Some(service)) => {
                    Some(Delivery {
                        state,
                        rule,
                        pushed: row.pushed,
                        expires_at: expires_at.to_jiff(),
                        class,
                        service,
                        escalated: row.escalated,
                        gone: row.gone,
                    })
                }
                _ => None,
            },
        })
        .collect())
}

/// When the next debt is due.
pub async fn next_due(conn: &mut PgConnection) -> sqlx::Result<Option<Timestamp>> {
    let next = sqlx::query_scalar!("SELECT next_at FROM bellhop.debt ORDER BY next_at LIMIT 1")
        .fetch_optional(conn)
        .await?;
    Ok(next.map(jiff_sqlx::Timestamp::to_jiff))
}

/// What is left of a claimed debt.
#[derive(Clone, Copy, Debug)]
pub struct Left {
    /// Whose.
    pub user: Uuid,
    /// Their number.
    pub seq: i64,
    /// As claimed.
    pub fence: i64,
    /// The next rung.
    pub rung: i16,
    /// Pushes that were not taken.
    pub tries: i16,
    /// A push is to be tried again then.
    pub push_at: Option<Timestamp>,
    /// When to look again.
    pub next_at: Timestamp,
}

/// Writes what is left of claimed debts. Those claimed by somebody else since, or paid, stay as they are; one whose
/// delivery was settled meanwhile is looked at now.
///
/// Two statements: the second sees what an ack committed while the first waited for its lock.
pub async fn put_back(conn: &mut PgConnection, left: &[Left], now: Timestamp) -> sqlx::Result<()> {
    let users: Vec<Uuid> = left.iter().map(|one| one.user).collect();
    let seqs: Vec<i64> = left.iter().map(|one| one.seq).collect();
    let fences: Vec<i64> = left.iter().map(|one| one.fence).collect();
    sqlx::query!(
        r#"SELECT b.user_id FROM bellhop.debt b
             JOIN unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS l (user_id, seq, fence)
               ON b.user_id = l.user_id AND b.seq = l.seq AND b.fence = l.fence
            ORDER BY b.user_id, b.seq FOR UPDATE OF b"#,
        &users,
        &seqs,
        &fences,
    )
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query!(
        r#"UPDATE bellhop.debt b
              SET rung = l.rung, tries = l.tries,
                  push_at = timestamptz 'epoch' + l.push_at * interval '1 microsecond',
                  next_at = CASE WHEN EXISTS (
                                      SELECT FROM bellhop.delivery d
                                       WHERE d.user_id = b.user_id AND d.seq = b.seq AND d.at = b.at
                                         AND (d.state >= 2 OR d.state = 1 AND (d.rule & 7) = 4))
                                 THEN least($8, timestamptz 'epoch' + l.next_at * interval '1 microsecond')
                                 ELSE timestamptz 'epoch' + l.next_at * interval '1 microsecond' END
             FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::smallint[], $5::smallint[],
                         $6::bigint[], $7::bigint[])
                  AS l (user_id, seq, fence, rung, tries, push_at, next_at)
            WHERE b.user_id = l.user_id AND b.seq = l.seq AND b.fence = l.fence"#,
        &users,
        &seqs,
        &fences,
        &left.iter().map(|one| one.rung).collect::<Vec<_>>(),
        &left.iter().map(|one| one.tries).collect::<Vec<_>>(),
        &left
            .iter()
            .map(|one| one.push_at.map(Timestamp::as_microsecond))
            .collect::<Vec<_>>() as &[Option<i64>],
        &left
            .iter()
            .map(|one| one.next_at.as_microsecond())
            .collect::<Vec<_>>(),
        now.to_sqlx(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes claimed debts, as long as nobody claimed them since.
pub async fn pay(
    conn: &mut PgConnection,
    users: &[Uuid],
    seqs: &[i64],
    fences: &[i64],
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"WITH locked AS MATERIALIZED (
               SELECT b.user_id, b.seq FROM bellhop.debt b
                 JOIN unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS p (user_id, seq, fence)
                   ON b.user_id = p.user_id AND b.seq = p.seq AND b.fence = p.fence
                ORDER BY b.user_id, b.seq FOR UPDATE OF b)
           DELETE FROM bellhop.debt b USING locked
            WHERE b.user_id = locked.user_id AND b.seq = locked.seq"#,
        users,
        seqs,
        fences,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// These deliveries are settled: their debts are deleted, or, where a phone may show one, looked at now.
/// The caller holds the deliveries' locks. Sorted by (user, seq).
pub async fn settled(
    conn: &mut PgConnection,
    users: &[Uuid],
    seqs: &[i64],
    pushed: &[bool],
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"WITH locked AS MATERIALIZED (
               SELECT b.user_id, b.seq, s.pushed FROM bellhop.debt b
                 JOIN unnest($1::uuid[], $2::bigint[], $3::bool[]) AS s (user_id, seq, pushed)
                   ON b.user_id = s.user_id AND b.seq = s.seq
                ORDER BY b.user_id, b.seq FOR UPDATE OF b),
           paid AS (
               DELETE FROM bellhop.debt b USING locked
                WHERE b.user_id = locked.user_id AND b.seq = locked.seq AND NOT locked.pushed)
           UPDATE bellhop.debt b SET next_at = least(b.next_at, $4) FROM locked
            WHERE b.user_id = locked.user_id AND b.seq = locked.seq AND locked.pushed"#,
        users,
        seqs,
        pushed,
        now.to_sqlx(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// These deliveries were settled before, and a phone may still show them: one that acknowledged from the background
/// keeps its card until somebody has looked, and now somebody has. A debt is made where there is none any more; what
/// works on one right now looked too early, so its result does not count. The caller holds the deliveries' locks.
/// Sorted by (user, seq).
pub async fn look_again(
    conn: &mut PgConnection,
    users: &[Uuid],
    seqs: &[i64],
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"INSERT INTO bellhop.debt AS b (user_id, seq, at, tenant_id, notification_id, next_at)
           SELECT d.user_id, d.seq, d.at, d.tenant_id, d.notification_id, $3
             FROM unnest($1::uuid[], $2::bigint[]) AS s (user_id, seq)
             JOIN bellhop.delivery d ON d.user_id = s.user_id AND d.seq = s.seq
            ORDER BY d.user_id, d.seq
           ON CONFLICT (user_id, seq)
              DO UPDATE SET next_at = least(b.next_at, excluded.next_at), fence = b.fence + 1"#,
        users,
        seqs,
        now.to_sqlx(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A delivery that ends without an ack.
#[derive(Clone, Debug)]
pub struct Ending {
    /// Whose.
    pub user: Uuid,
    /// Their number.
    pub seq: i64,
    /// When it was routed.
    pub at: Timestamp,
    /// Expired or dead.
    pub state: State,
    /// Why, in a word: `expired`, `ladder_ended`, `user_removed`, `retention`.
    pub reason: &'static str,
}

/// Ends deliveries that nobody settled meanwhile, and keeps them as dead letters; answers how many it
/// ended. Sorted by (user, seq).
pub async fn end(conn: &mut PgConnection, endings: &[Ending], now: Timestamp) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        r#"WITH asked AS (
               SELECT e.user_id, e.seq, timestamptz 'epoch' + e.at * interval '1 microsecond' AS at,
                      e.state, e.reason
                 FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::smallint[], $5::text[])
                      AS e (user_id, seq, at, state, reason)),
           locked AS MATERIALIZED (
               SELECT d.user_id, d.seq, d.at FROM bellhop.delivery d
                 JOIN asked ON d.user_id = asked.user_id AND d.seq = asked.seq AND d.at = asked.at
                WHERE d.state < 2
                ORDER BY d.user_id, d.seq FOR NO KEY UPDATE OF d),
           ended AS (
               UPDATE bellhop.delivery d
                  SET state = asked.state, reason = asked.reason, settled_at = $6
                 FROM asked JOIN locked USING (user_id, seq, at)
                WHERE d.user_id = asked.user_id AND d.seq = asked.seq AND d.at = asked.at
                  AND d.state < 2
            RETURNING d.user_id, d.seq, d.tenant_id, d.notification_id, d.state, d.reason, d.rule),
           told AS (
               INSERT INTO bellhop.webhook_event
                      (webhook_id, event, notification_id, user_id, seq, at, wanted)
               SELECT w.id, v.event, e.notification_id, e.user_id, e.seq, $6, v.event = ANY(w.events)
                 FROM bellhop.webhook w
                 JOIN ended e ON e.tenant_id = w.tenant_id AND (e.rule & 8) = 0
                 JOIN bellhop.notification n
                   ON n.id = e.notification_id AND n.at = bellhop.instant_of(e.notification_id)
                  AND n.service_id = w.service_id
                CROSS JOIN LATERAL (SELECT CASE e.state WHEN 3 THEN 'notification.expired'
                                           ELSE 'notification.dead' END) AS v (event)
                WHERE w.disabled_at IS NULL
                  AND (v.event = ANY(w.events) OR 'notification.settled' = ANY(w.events)))
           INSERT INTO bellhop.dead_letter
                  (user_id, seq, tenant_id, service_id, notification_id, state, reason, at)
           SELECT e.user_id, e.seq, e.tenant_id, n.service_id, e.notification_id, e.state, e.reason, $6
             FROM ended e
             JOIN bellhop.notification n
               ON n.id = e.notification_id AND n.at = bellhop.instant_of(e.notification_id)
            WHERE (e.rule & 8) = 0
           ON CONFLICT DO NOTHING"#,
        &endings.iter().map(|one| one.user).collect::<Vec<_>>(),
        &endings.iter().map(|one| one.seq).collect::<Vec<_>>(),
        &endings
            .iter()
            .map(|one| one.at.as_microsecond())
            .collect::<Vec<_>>(),
        &endings
            .iter()
            .map(|one| one.state.number())
            .collect::<Vec<_>>(),
        &endings
            .iter()
            .map(|one| one.reason.to_owned())
            .collect::<Vec<_>>(),
        now.to_sqlx(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Whom to turn to instead of these users: their deputy, else their manager, as long as they are active and
/// have not got the notification themselves. `(user, notification, instead, is the deputy)`.
pub async fn deputies(
    conn: &mut PgConnection,
    users: &[Uuid],
    notifications: &[Uuid],
) -> sqlx::Result<Vec<(Uuid, Uuid, Uuid, bool)>> {
    let rows = sqlx::query!(
        r#"SELECT u.id AS "user!", q.notification AS "notification!", i.id AS "instead!",
                  i.id = coalesce(u.deputy_id, '00000000-0000-0000-0000-000000000000') AS "deputy!"
             FROM unnest($1::uuid[], $2::uuid[]) AS q (user_id, notification)
             JOIN bellhop.user_account u ON u.id = q.user_id
             JOIN LATERAL (
                  SELECT i.id FROM bellhop.user_account i
                   WHERE i.id IN (u.deputy_id, u.manager_id) AND i.active
                     AND i.tenant_id = u.tenant_id AND i.id <> u.id
                   ORDER BY i.id = u.deputy_id DESC NULLS LAST LIMIT 1) i ON true
            WHERE NOT EXISTS (
                  SELECT FROM bellhop.delivery d
                   WHERE d.notification_id = q.notification AND d.user_id = i.id
                     AND d.at >= bellhop.instant_of(q.notification) - interval '1 minute')"#,
        users,
        notifications,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.user, row.notification, row.instead, row.deputy))
        .collect())
}
