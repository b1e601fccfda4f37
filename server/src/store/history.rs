//! All that is known of one notification and one user, for whoever asks why.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

type Stamp = jiff_sqlx::Timestamp;

/// The notification.
pub struct Notification {
    /// Kind.
    pub kind: String,
    /// Title.
    pub title: String,
    /// Outer id of the service; empty when it was removed.
    pub service: String,
    /// Which credential published it.
    pub publisher: String,
    /// When it was accepted.
    pub at: Stamp,
    /// Routed then, and not before.
    pub deliver_at: Option<Stamp>,
    /// When it stops being worth delivering.
    pub expires_at: Stamp,
    /// How hard it is tried.
    pub class: String,
    /// In words.
    pub audience: String,
    /// To how many users.
    pub recipients: i32,
    /// Its thread.
    pub thread_key: Option<String>,
    /// The newest of its key counts.
    pub collapse_key: Option<String>,
    /// What it takes the place of.
    pub supersedes: Option<Uuid>,
    /// When it was taken back.
    pub cancelled_at: Option<Stamp>,
    /// `cancelled`, or what took its place.
    pub cancelled_by: Option<String>,
    /// It is still being routed: how many have theirs.
    pub routing: Option<i32>,
}

/// Reads a notification of a tenant, of one service or of any.
pub async fn notification(
    conn: &mut PgConnection,
    tenant: Uuid,
    service: Option<Uuid>,
    id: Uuid,
) -> sqlx::Result<Option<Notification>> {
    sqlx::query_as!(
        Notification,
        r#"SELECT n.kind AS "kind!", n.title AS "title!", coalesce(s.key, '') AS "service!",
                  n.publisher AS "publisher!", n.at AS "at!", n.deliver_at AS "deliver_at?",
                  n.expires_at AS "expires_at!", n.class AS "class!", n.audience AS "audience!",
                  n.recipients AS "recipients!", n.thread_key AS "thread_key?",
                  n.collapse_key AS "collapse_key?", n.supersedes AS "supersedes?",
                  n.cancelled_at AS "cancelled_at?", n.cancelled_by AS "cancelled_by?",
                  f.given AS "routing?"
             FROM bellhop.notification n
             LEFT JOIN bellhop.service s ON s.id = n.service_id
             LEFT JOIN bellhop.fanout f ON f.notification_id = n.id
            WHERE n.id = $1 AND n.at = bellhop.instant_of($1) AND n.tenant_id = $2
              AND ($3::uuid IS NULL OR n.service_id = $3)"#,
        id,
        tenant,
        service,
    )
    .fetch_optional(conn)
    .await
}

/// Somebody of the tenant.
pub struct Person {
    /// Inner id.
    pub id: Uuid,
    /// Outer id.
    pub key: String,
    /// Display name.
    pub name: String,
    /// Not switched off.
    pub active: bool,
    /// Since when.
    pub created_at: Stamp,
}

/// Reads somebody by their outer id.
pub async fn person(
    conn: &mut PgConnection,
    tenant: Uuid,
    key: &str,
) -> sqlx::Result<Option<Person>> {
    sqlx::query_as!(
        Person,
        "SELECT id, key, name, active, created_at FROM bellhop.user_account
          WHERE tenant_id = $1 AND key = $2",
        tenant,
        key,
    )
    .fetch_optional(conn)
    .await
}

/// The user's delivery of it.
pub struct Delivery {
    /// Their number of it.
    pub seq: i64,
    /// When it was routed.
    pub at: Stamp,
    /// When it stops being worth delivering.
    pub expires_at: Stamp,
    /// Stored number of the state.
    pub state: i16,
    /// Stored number of what settles it.
    pub rule: i16,
    /// Which membership made them a recipient.
    pub via: Option<String>,
    /// Why it ended.
    pub reason: Option<String>,
    /// When it ended.
    pub settled_at: Option<Stamp>,
    /// A maker took a push of it.
    pub pushed_at: Option<Stamp>,
    /// Shown in an inbox.
    pub seen_at: Option<Stamp>,
    /// Clicked.
    pub read_at: Option<Stamp>,
    /// Put away.
    pub archived_at: Option<Stamp>,
    /// Outer id and name of whom it stands in for.
    pub for_key: Option<String>,
    /// Their name.
    pub for_name: Option<String>,
    /// The notification that carried its content once more.
    pub sent_again: Option<Uuid>,
}

/// Reads the user's delivery; `None`: they are no recipient.
pub async fn delivery(
    conn: &mut PgConnection,
    id: Uuid,
    user: Uuid,
) -> sqlx::Result<Option<Delivery>> {
    sqlx::query_as!(
        Delivery,
        r#"SELECT d.seq, d.at, d.expires_at, d.state, d.rule, d.via, d.reason, d.settled_at,
                  d.pushed_at, d.seen_at, d.read_at, d.archived_at, o.key AS "for_key?",
                  o.name AS "for_name?", l.sent_again AS "sent_again?"
             FROM bellhop.delivery d
             LEFT JOIN bellhop.user_account o ON o.id = d.for_user
             LEFT JOIN bellhop.dead_letter l ON l.user_id = d.user_id AND l.seq = d.seq
            WHERE d.notification_id = $1 AND d.user_id = $2
              AND d.at >= bellhop.instant_of($1) - interval '1 minute'
            ORDER BY d.seq LIMIT 1"#,
        id,
        user,
    )
    .fetch_optional(conn)
    .await
}

/// A device of the user, as far as one number of theirs goes.
pub struct Device {
    /// Its name.
    pub key: String,
    /// User agent.
    pub agent: String,
    /// How it acknowledges, as the column has it.
    pub ack_mode: i16,
    /// It has, or need not have, the number: its own ack or what others settled.
    pub acked: bool,
    /// The transport proved that it was read, or others settled it.
    pub reached: bool,
    /// First connection.
    pub first_seen_at: Stamp,
    /// Last connection.
    pub last_seen_at: Stamp,
}

/// The user's devices, the latest seen first.
pub async fn devices(conn: &mut PgConnection, user: Uuid, seq: i64) -> sqlx::Result<Vec<Device>> {
    sqlx::query_as!(
        Device,
        r#"SELECT key, agent, ack_mode, (through >= $2 OR acked @> $2) AS "acked!",
                  reached_through >= $2 AS "reached!", first_seen_at, last_seen_at
             FROM bellhop.device WHERE user_id = $1
            ORDER BY last_seen_at DESC, key"#,
        user,
        seq,
    )
    .fetch_all(conn)
    .await
}

/// A phone or browser that can be pushed to.
pub struct Phone {
    /// The device's name.
    pub device: String,
    /// `fcm`, `webpush`.
    pub platform: String,
    /// Why its token does not work, if so.
    pub failure: Option<String>,
}

/// The user's phones and browsers.
pub async fn phones(conn: &mut PgConnection, user: Uuid) -> sqlx::Result<Vec<Phone>> {
    sqlx::query_as!(
        Phone,
        "SELECT device, platform, failure FROM bellhop.push_token WHERE user_id = $1 ORDER BY device",
        user,
    )
    .fetch_all(conn)
    .await
}

/// One try to push.
pub struct Push {
    /// When.
    pub at: Stamp,
    /// To which device.
    pub device: String,
    /// By whom.
    pub provider: String,
    /// `notify`, `withdraw`.
    pub purpose: String,
    /// `taken`, `retry`, `gone`, `refused`, `misconfigured`.
    pub outcome: String,
    /// HTTP status of the maker's answer.
    pub status: Option<i16>,
    /// What it said.
    pub detail: String,
}

/// Tries to push one delivery, oldest first.
pub async fn pushes(conn: &mut PgConnection, user: Uuid, seq: i64) -> sqlx::Result<Vec<Push>> {
    sqlx::query_as!(
        Push,
        "SELECT at, device, provider, purpose, outcome, status, detail FROM bellhop.push_attempt
          WHERE user_id = $1 AND seq = $2 ORDER BY at, device LIMIT 200",
        user,
        seq,
    )
    .fetch_all(conn)
    .await
}

/// What is owed next.
pub struct Debt {
    /// The next rung.
    pub rung: i16,
    /// Pushes that were not taken.
    pub tries: i16,
    /// A push is tried again then.
    pub push_at: Option<Stamp>,
}

/// Reads a delivery's debt; `None`: it is settled, or too young to have one.
pub async fn debt(conn: &mut PgConnection, user: Uuid, seq: i64) -> sqlx::Result<Option<Debt>> {
    sqlx::query_as!(
        Debt,
        "SELECT rung, tries, push_at FROM bellhop.debt WHERE user_id = $1 AND seq = $2",
        user,
        seq,
    )
    .fetch_optional(conn)
    .await
}

/// Somebody who was given it instead of, or beside, the user.
pub struct StandIn {
    /// Outer id.
    pub key: String,
    /// Name.
    pub name: String,
    /// `deputy`, `manager`.
    pub via: Option<String>,
    /// Their number of it.
    pub seq: i64,
    /// When.
    pub at: Stamp,
    /// Stored number of the state.
    pub state: i16,
}

/// Who stands in for the user.
pub async fn stand_ins(
    conn: &mut PgConnection,
    id: Uuid,
    user: Uuid,
) -> sqlx::Result<Vec<StandIn>> {
    sqlx::query_as!(
        StandIn,
        r#"SELECT u.key, u.name, d.via, d.seq, d.at, d.state
             FROM bellhop.delivery d JOIN bellhop.user_account u ON u.id = d.user_id
            WHERE d.notification_id = $1 AND d.for_user = $2
              AND d.at >= bellhop.instant_of($1) - interval '1 minute'
            ORDER BY d.at"#,
        id,
        user,
    )
    .fetch_all(conn)
    .await
}

/// A recipient, for a list of them.
pub struct Recipient {
    /// Outer id.
    pub key: String,
    /// Name.
    pub name: String,
    /// Stored number of the state.
    pub state: i16,
    /// When it was routed.
    pub at: Stamp,
}

/// Recipients whose name or id holds `search`, by name.
pub async fn recipients(
    conn: &mut PgConnection,
    id: Uuid,
    search: &str,
    most: i64,
) -> sqlx::Result<Vec<Recipient>> {
    sqlx::query_as!(
        Recipient,
        r#"SELECT u.key, u.name, d.state, d.at
             FROM bellhop.delivery d JOIN bellhop.user_account u ON u.id = d.user_id
            WHERE d.notification_id = $1 AND d.at >= bellhop.instant_of($1) - interval '1 minute'
              AND ($2 = '' OR strpos(lower(u.name), lower($2)) > 0 OR strpos(u.key, $2) > 0)
            ORDER BY u.name, u.key LIMIT $3"#,
        id,
        search,
        most,
    )
    .fetch_all(conn)
    .await
}

/// The latest notifications of a tenant that were routed to the user: `(id, kind, title, at)`.
pub async fn latest_of(
    conn: &mut PgConnection,
    user: Uuid,
    now: Timestamp,
    most: i64,
) -> sqlx::Result<Vec<(Uuid, String, String, Stamp, i16)>> {
    let rows = sqlx::query!(
        r#"SELECT d.notification_id AS id, n.kind, n.title, d.at, d.state
             FROM bellhop.delivery d
             JOIN bellhop.notification n
               ON n.id = d.notification_id AND n.at = bellhop.instant_of(d.notification_id)
            WHERE d.user_id = $1 AND (d.rule & 8) = 0 AND d.at > $2::timestamptz - interval '31 days'
            ORDER BY d.seq DESC LIMIT $3"#,
        user,
        now.to_sqlx(),
        most,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.id, row.kind, row.title, row.at, row.state))
        .collect())
}

/// Somebody by their outer id or else by their whole name, as a person types it; their outer id.
pub async fn find_person(
    conn: &mut PgConnection,
    tenant: Uuid,
    words: &str,
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        "SELECT key FROM bellhop.user_account
          WHERE tenant_id = $1 AND (key = $2 OR lower(name) = lower($2))
          ORDER BY key = $2 DESC, key LIMIT 1",
        tenant,
        words,
    )
    .fetch_optional(conn)
    .await
}
