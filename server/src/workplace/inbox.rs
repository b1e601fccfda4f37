//! The inbox: what was delivered to somebody, and what they did with it.
//!
//! Its topic's revision is the last number given to the user plus the count of engagement changes:
//! both only grow, so their sum changes whenever either does, and the hot path (a delivery) raises
//! no topic.

use app::model::Moment;
use app::model::inbox::{InboxCounts, InboxItem, InboxPage, InboxTab, Mark};
use app::protocol::Patch;
use jiff::Timestamp;
use serde::Deserialize;
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use super::topics::Topic;
use crate::store::inbox::{self as store, Change};
use crate::store::{Pool, ledger, topic};

const PAGE: i64 = 50;

/// The topic's revision.
pub async fn revision(conn: &mut PgConnection, tenant: Uuid, user: Uuid) -> sqlx::Result<i64> {
    let changes = topic::revision(conn, tenant, &Topic::Inbox(user).group()).await?;
    Ok(changes + ledger::last_seq(conn, user).await?)
}

/// A page, newest first, older than `before` when given.
pub async fn page(
    pool: &Pool,
    tenant: Uuid,
    user: Uuid,
    tab: InboxTab,
    before: Option<i64>,
    now: Timestamp,
) -> sqlx::Result<InboxPage> {
    let mut conn = pool.acquire().await?;
    let as_of = revision(&mut conn, tenant, user).await?;
    let before = before.unwrap_or(i64::MAX);
    let mut rows = store::page(&mut conn, user, tab, before, PAGE + 1, now).await?;
    let more = rows.len() > 50;
    rows.truncate(50);
    let counts = store::counts(&mut conn, user, now).await?;
    Ok(InboxPage {
        items: rows.into_iter().map(item).collect(),
        counts,
        more,
        as_of,
    })
}

/// The counts alone, with the topic's revision.
pub async fn counts(
    conn: &mut PgConnection,
    tenant: Uuid,
    user: Uuid,
    now: Timestamp,
) -> sqlx::Result<(InboxCounts, i64)> {
    let as_of = revision(conn, tenant, user).await?;
    Ok((store::counts(conn, user, now).await?, as_of))
}

/// Marks items, ids as text (as the screens have them); others' ids and nonsense are passed over.
pub async fn mark(
    pool: &Pool,
    tenant: Uuid,
    user: Uuid,
    ids: &[String],
    mark: Mark,
    now: Timestamp,
) -> sqlx::Result<(InboxCounts, Option<Patch>)> {
    let ids: Vec<Uuid> = ids
        .iter()
        .take(1_000)
        .filter_map(|id| Uuid::try_parse(id).ok())
        .collect();
    mark_for(pool, tenant, user, &ids, mark, now).await
}

/// Marks items; answers the counts after it, and the patch to send if anything changed.
pub async fn mark_for(
    pool: &Pool,
    tenant: Uuid,
    user: Uuid,
    ids: &[Uuid],
    mark: Mark,
    now: Timestamp,
) -> sqlx::Result<(InboxCounts, Option<Patch>)> {
    let change = match mark {
        Mark::Seen => Change {
            seen: Some(true),
            ..Change::default()
        },
        Mark::Read => Change {
            seen: Some(true),
            read: Some(true),
            archived: None,
        },
        Mark::Unread => Change {
            read: Some(false),
            ..Change::default()
        },
        Mark::Archive => Change {
            seen: Some(true),
            read: Some(true),
            archived: Some(true),
        },
        Mark::Unarchive => Change {
            archived: Some(false),
            ..Change::default()
        },
    };
    let mut conn = pool.acquire().await?;
    let mut tx = conn.begin().await?;
    let changed = store::mark(&mut tx, user, ids, change, now).await?;
    let counts = store::counts(&mut tx, user, now).await?;
    let mut patch = None;
    if changed > 0 {
        let topic = Topic::Inbox(user);
        topic::raise(&mut tx, tenant, &[topic.group()]).await?;
        let rev = revision(&mut tx, tenant, user).await?;
        patch = Some(Patch {
            topic: topic.wire(),
            from: rev - 1,
            rev,
            upsert: Vec::new(),
            remove: Vec::new(),
            counts: serde_json::to_value(counts).ok(),
            resync: true,
        });
    }
    tx.commit().await?;
    Ok((counts, patch))
}

/// What the screens use of a notification's data.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Extras {
    link: Option<String>,
    actor: Option<String>,
}

fn item(row: store::Row) -> InboxItem {
    let extras: Extras = serde_json::from_str(&row.data).unwrap_or_default();
    InboxItem {
        id: row.id.to_string(),
        seq: row.seq,
        kind: row.kind,
        title: row.title,
        body: row.body,
        severity: ledger::severity_of(&row.severity),
        thread_key: row.thread_key,
        link: extras.link,
        actor: extras.actor,
        at: Moment(row.at.to_jiff().as_millisecond()),
        seen: row.seen,
        read: row.read,
        archived: row.archived,
        withdrawn: row.withdrawn,
        on_behalf_of: row.on_behalf_of,
    }
}
