//! What could not be delivered: lists of it, and what is sent once more. Lock order: dead letters come
//! first in a transaction of their own, sorted by (user, seq).

use std::fmt;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

type Stamp = jiff_sqlx::Timestamp;

/// Which of a tenant's. Empty words match all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only of this service.
    pub service: Option<Uuid>,
    /// `expired`, `ladder_ended`, `user_removed`, `retention`.
    pub reason: String,
    /// Kind of the notification.
    pub kind: String,
    /// Outer id of the user.
    pub user: String,
    /// Part of a name, an outer id or a title.
    pub search: String,
    /// Only those that were not sent again, or whose sender was interrupted within a day: noted, and no notification
    /// carries them.
    pub open: bool,
}

/// Where a page begins: after this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// When it ended.
    pub at: Timestamp,
    /// Inner id of the user.
    pub user: Uuid,
    /// The user's number.
    pub seq: i64,
}

impl Cursor {
    /// Before all that ended up to now: those that end later do not come in between.
    #[must_use]
    pub fn now(at: Timestamp) -> Self {
        Self {
            at,
            user: Uuid::nil(),
            seq: 0,
        }
    }

    /// Reads what [`fmt::Display`] wrote.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let cursor = Self {
            at: Timestamp::from_microsecond(parts.next()?.parse().ok()?).ok()?,
            user: Uuid::try_parse(parts.next()?).ok()?,
            seq: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(cursor)
    }
}

/// Microseconds, user and number, joined: nothing that a caller should take apart.
impl fmt::Display for Cursor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at.as_microsecond();
        write!(out, "{at}.{}.{}", self.user.simple(), self.seq)
    }
}

/// A dead letter.
pub struct Letter {
    /// Inner id of the user.
    pub user: Uuid,
    /// Outer id; `None`: the user was removed.
    pub key: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// Not switched off.
    pub active: Option<bool>,
    /// The user's number of it.
    pub seq: i64,
    /// Inner id of the service.
    pub service: Uuid,
    /// Its outer id.
    pub service_key: Option<String>,
    /// The notification.
    pub notification: Uuid,
    /// Kind; `None`: the content is gone.
    pub kind: Option<String>,
    /// Title.
    pub title: Option<String>,
    /// Stored number of the state.
    pub state: i16,
    /// Why.
    pub reason: String,
    /// When it ended.
    pub at: Stamp,
    /// The notification that carries its content once more.
    pub sent_again: Option<Uuid>,
}

impl Letter {
    /// The page after it begins here.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        Cursor {
            at: self.at.to_jiff(),
            user: self.user,
            seq: self.seq,
        }
    }
}

/// A page, the latest first: after a cursor, or `skip` rows further.
pub async fn page(
    conn: &mut PgConnection,
    tenant: Uuid,
    filter: &Filter,
    after: Option<Cursor>,
    skip: i64,
    most: i64,
) -> sqlx::Result<Vec<Letter>> {
    sqlx::query_as!(
        Letter,
        r#"SELECT l.user_id AS "user!", u.key AS "key?", u.name AS "name?", u.active AS "active?",
                  l.seq AS "seq!", l.service_id AS "service!", s.key AS "service_key?",
                  l.notification_id AS "notification!", n.kind AS "kind?", n.title AS "title?",
                  l.state AS "state!", l.reason AS "reason!", l.at AS "at!",
                  l.sent_again AS "sent_again?"
             FROM bellhop.dead_letter l
             LEFT JOIN bellhop.user_account u ON u.id = l.user_id
             LEFT JOIN bellhop.service s ON s.id = l.service_id
             LEFT JOIN bellhop.notification n
               ON n.id = l.notification_id AND n.at = bellhop.instant_of(l.notification_id)
            WHERE l.tenant_id = $1 AND ($2::uuid IS NULL OR l.service_id = $2)
              AND ($3 = '' OR l.reason = $3) AND ($4 = '' OR n.kind = $4) AND ($5 = '' OR u.key = $5)
              AND ($6 = '' OR strpos(lower(u.name), lower($6)) > 0 OR strpos(u.key, $6) > 0
                   OR strpos(lower(n.title), lower($6)) > 0)
              AND (NOT $7 OR l.sent_again IS NULL
                   OR bellhop.instant_of(l.sent_again) > now() - interval '24 hours'
                      AND NOT EXISTS (SELECT FROM bellhop.notification c
                                       WHERE c.id = l.sent_again AND c.at = bellhop.instant_of(l.sent_again)))
              AND ($8::timestamptz IS NULL
                   OR l.at <= $8 AND (l.at < $8 OR (l.user_id, l.seq) > ($9, $10)))
            ORDER BY l.at DESC, l.user_id, l.seq OFFSET $11 LIMIT $12"#,
        tenant,
        filter.service,
        filter.reason,
        filter.kind,
        filter.user,
        filter.search,
        filter.open,
        after.map(|cursor| cursor.at.to_sqlx()) as Option<Stamp>,
        after.map_or(Uuid::nil(), |cursor| cursor.user),
        after.map_or(0, |cursor| cursor.seq),
        skip,
        most,
    )
    .fetch_all(conn)
    .await
}

/// How many match, counted up to 10,000.
pub async fn count(conn: &mut PgConnection, tenant: Uuid, filter: &Filter) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM (
             SELECT FROM bellhop.dead_letter l
               LEFT JOIN bellhop.user_account u ON u.id = l.user_id
               LEFT JOIN bellhop.notification n
                 ON n.id = l.notification_id AND n.at = bellhop.instant_of(l.notification_id)
              WHERE l.tenant_id = $1 AND ($2::uuid IS NULL OR l.service_id = $2)
                AND ($3 = '' OR l.reason = $3) AND ($4 = '' OR n.kind = $4)
                AND ($5 = '' OR u.key = $5)
                AND ($6 = '' OR strpos(lower(u.name), lower($6)) > 0 OR strpos(u.key, $6) > 0
                     OR strpos(lower(n.title), lower($6)) > 0)
                AND (NOT $7 OR l.sent_again IS NULL
                     OR bellhop.instant_of(l.sent_again) > now() - interval '24 hours'
                        AND NOT EXISTS (SELECT FROM bellhop.notification c
                                         WHERE c.id = l.sent_again AND c.at = bellhop.instant_of(l.sent_again)))
              LIMIT 10000) matching"#,
        tenant,
        filter.service,
        filter.reason,
        filter.kind,
        filter.user,
        filter.search,
        filter.open,
    )
    .fetch_one(conn)
    .await
}

/// Those with these outer ids and numbers. One that is not the tenant's, or the service's, is left out.
pub async fn named(
    conn: &mut PgConnection,
    tenant: Uuid,
    service: Option<Uuid>,
    users: &[String],
    seqs: &[i64],
) -> sqlx::Result<Vec<Letter>> {
    sqlx::query_as!(
        Letter,
        r#"SELECT l.user_id AS "user!", u.key AS "key?", u.name AS "name?", u.active AS "active?",
                  l.seq AS "seq!", l.service_id AS "service!", s.key AS "service_key?",
                  l.notification_id AS "notification!", n.kind AS "kind?", n.title AS "title?",
                  l.state AS "state!", l.reason AS "reason!", l.at AS "at!",
                  l.sent_again AS "sent_again?"
             FROM unnest($3::text[], $4::bigint[]) AS x (key, seq)
             JOIN bellhop.user_account u ON u.tenant_id = $1 AND u.key = x.key
             JOIN bellhop.dead_letter l ON l.user_id = u.id AND l.seq = x.seq AND l.tenant_id = $1
             LEFT JOIN bellhop.service s ON s.id = l.service_id
             LEFT JOIN bellhop.notification n
               ON n.id = l.notification_id AND n.at = bellhop.instant_of(l.notification_id)
            WHERE $2::uuid IS NULL OR l.service_id = $2
            ORDER BY l.user_id, l.seq"#,
        tenant,
        service,
        users,
        seqs,
    )
    .fetch_all(conn)
    .await
}

/// What was published.
pub struct Content {
    /// The notification.
    pub id: Uuid,
    /// Inner id of the service.
    pub service: Uuid,
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
    /// How hard it was tried.
    pub class: String,
}

/// Reads contents; those that are gone are left out.
pub async fn contents(conn: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<Vec<Content>> {
    sqlx::query_as!(
        Content,
        r#"SELECT n.id, n.service_id AS service, n.kind, n.title, n.body, n.data, n.thread_key,
                  n.severity, n.class
             FROM bellhop.notification n
            WHERE n.id = ANY($1)
              AND n.at IN (SELECT bellhop.instant_of(id) FROM unnest($1::uuid[]) AS id)"#,
        ids,
    )
    .fetch_all(conn)
    .await
}

/// Which dead letters are to be sent again, by which notifications, column by column.
#[derive(Default)]
pub struct Claims {
    /// Inner ids.
    pub users: Vec<Uuid>,
    /// Numbers.
    pub seqs: Vec<i64>,
    /// Ids of the notifications that will carry them.
    pub by: Vec<Uuid>,
}

/// Notes by which notification each is sent again, unless it was before; answers which were noted.
pub async fn claim(conn: &mut PgConnection, claims: &Claims) -> sqlx::Result<Vec<(Uuid, i64)>> {
    let rows = sqlx::query!(
        r#"WITH locked AS MATERIALIZED (
               SELECT l.user_id, l.seq, c.id FROM bellhop.dead_letter l
                 JOIN unnest($1::uuid[], $2::bigint[], $3::uuid[]) AS c (user_id, seq, id)
                   ON l.user_id = c.user_id AND l.seq = c.seq
                WHERE l.sent_again IS NULL
                ORDER BY l.user_id, l.seq FOR NO KEY UPDATE OF l)
           UPDATE bellhop.dead_letter l SET sent_again = locked.id FROM locked
            WHERE l.user_id = locked.user_id AND l.seq = locked.seq
        RETURNING l.user_id, l.seq"#,
        &claims.users,
        &claims.seqs,
        &claims.by,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.user_id, row.seq)).collect())
}

/// The publication was refused: they were not sent again after all.
pub async fn release(conn: &mut PgConnection, by: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        r#"WITH locked AS MATERIALIZED (
               SELECT user_id, seq FROM bellhop.dead_letter WHERE sent_again = $1
                ORDER BY user_id, seq FOR NO KEY UPDATE)
           UPDATE bellhop.dead_letter l SET sent_again = NULL FROM locked
            WHERE l.user_id = locked.user_id AND l.seq = locked.seq"#,
        by,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Outer ids of the users whose dead letters of a notification this one was to carry.
pub async fn claimed(conn: &mut PgConnection, tenant: Uuid, by: Uuid) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        "SELECT u.key FROM bellhop.dead_letter l JOIN bellhop.user_account u ON u.id = l.user_id
          WHERE l.tenant_id = $1 AND l.sent_again = $2 ORDER BY u.key",
        tenant,
        by,
    )
    .fetch_all(conn)
    .await
}

/// Those with these inner ids and numbers, of any service of the tenant.
pub async fn picked(
    conn: &mut PgConnection,
    tenant: Uuid,
    users: &[Uuid],
    seqs: &[i64],
) -> sqlx::Result<Vec<Letter>> {
    sqlx::query_as!(
        Letter,
        r#"SELECT l.user_id AS "user!", u.key AS "key?", u.name AS "name?", u.active AS "active?",
                  l.seq AS "seq!", l.service_id AS "service!", s.key AS "service_key?",
                  l.notification_id AS "notification!", n.kind AS "kind?", n.title AS "title?",
                  l.state AS "state!", l.reason AS "reason!", l.at AS "at!",
                  l.sent_again AS "sent_again?"
             FROM unnest($2::uuid[], $3::bigint[]) AS x (user_id, seq)
             JOIN bellhop.dead_letter l
               ON l.user_id = x.user_id AND l.seq = x.seq AND l.tenant_id = $1
             LEFT JOIN bellhop.user_account u ON u.id = l.user_id
             LEFT JOIN bellhop.service s ON s.id = l.service_id
             LEFT JOIN bellhop.notification n
               ON n.id = l.notification_id AND n.at = bellhop.instant_of(l.notification_id)
            ORDER BY l.user_id, l.seq"#,
        tenant,
        users,
        seqs,
    )
    .fetch_all(conn)
    .await
}
