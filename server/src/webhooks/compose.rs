//! What waits for a webhook becomes a request, the oldest first. One at a time and webhook, so that its receiver gets
//! things in their order, until one has been refused three times.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::Connection as _;
use uuid::Uuid;

use super::EVENTS;
use crate::store::Pool;
use crate::store::webhook_events::{self as store, Event};
use crate::support::ids::Ids;

/// Events of one request: some 50 KB.
const MOST_EVENTS: i64 = 200;
/// Requests of one webhook that were not taken; then what happens waits as events.
const MOST_REQUESTS: i64 = 100;
/// After so many refusals of a request the next ones go past it.
const PATIENT: i16 = 3;
/// Webhooks looked at in one round.
const MOST_WEBHOOKS: i64 = 100;

/// A request's body.
#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    timestamp: Timestamp,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    events: Vec<Told<'a>>,
}

/// One event of it.
#[derive(Serialize)]
struct Told<'a> {
    id: String,
    #[serde(rename = "type")]
    kind: &'a str,
    timestamp: Timestamp,
    data: Facts<'a>,
}

#[derive(Serialize)]
struct Facts<'a> {
    notification: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_behalf_of: Option<&'a str>,
}

/// A request that is about nothing, to see whether one arrives.
pub(super) fn test_body(now: Timestamp) -> String {
    let body = Body {
        kind: "webhook.test",
        timestamp: now,
        data: Data { events: Vec::new() },
    };
    // Words and a time are always JSON.
    serde_json::to_string(&body).unwrap_or_default()
}

/// What a request tells, counted by type, in the order of [`EVENTS`]: `12 acked, 1 settled`.
pub(super) fn about(body: &str) -> String {
    #[derive(Deserialize)]
    struct Seen<'a> {
        #[serde(borrow)]
        data: SeenData<'a>,
    }
    #[derive(Deserialize)]
    struct SeenData<'a> {
        #[serde(borrow)]
        events: Vec<SeenEvent<'a>>,
    }
    #[derive(Deserialize)]
    struct SeenEvent<'a> {
        #[serde(rename = "type")]
        kind: &'a str,
    }
    let seen = serde_json::from_str::<Seen<'_>>(body).map(|seen| seen.data.events);
    let seen = seen.unwrap_or_default();
    let counted = EVENTS.iter().filter_map(|event| {
        let count = seen.iter().filter(|one| one.kind == *event).count();
        let word = event.strip_prefix("notification.").unwrap_or(event);
        (count > 0).then(|| format!("{count} {word}"))
    });
    counted.collect::<Vec<_>>().join(", ")
}

/// Puts what waits into requests; answers how many it made.
///
/// # Errors
/// Whatever the database answers; what was not put into a request waits.
pub(super) async fn compose(pool: &Pool, ids: &Ids, now: Timestamp) -> sqlx::Result<usize> {
    let mut conn = pool.acquire().await?;
    let mut made = 0;
    for webhook in store::with_events(&mut conn, MOST_WEBHOOKS).await? {
        let mut tx = conn.begin().await?;
        if store::hold(&mut tx, webhook, PATIENT, MOST_REQUESTS).await? {
            made += usize::from(one(&mut tx, ids, webhook, now).await?);
        }
        tx.commit().await?;
    }
    Ok(made)
}

async fn one(
    tx: &mut sqlx::PgConnection,
    ids: &Ids,
    webhook: Uuid,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let events = store::take(tx, webhook, MOST_EVENTS).await?;
    let about: BTreeSet<Uuid> = events.iter().map(|event| event.notification).collect();
    let about: Vec<Uuid> = about.into_iter().collect();
    let settled = store::settled(tx, webhook, &about, now).await?;
    store::look_again(tx, webhook, &about, now).await?;
    let told = tell(&events, &settled, now);
    if told.is_empty() {
        return Ok(false);
    }
    let count = i32::try_from(told.len()).unwrap_or(i32::MAX);
    let body = Body {
        kind: "notification.receipts",
        timestamp: now,
        data: Data { events: told },
    };
    let body = serde_json::to_string(&body).unwrap_or_default();
    store::put(tx, (ids.uuid(), webhook), &body, count, now).await?;
    Ok(true)
}

/// In the order in which it happened; that a notification is settled comes after all else that is known of it.
fn tell<'a>(events: &'a [Event], settled: &[Uuid], now: Timestamp) -> Vec<Told<'a>> {
    let mut told: Vec<Told<'a>> = events
        .iter()
        .filter(|event| event.wanted)
        .map(|event| Told {
            id: format!("evt_{}", event.id),
            kind: &event.event,
            timestamp: event.at,
            data: Facts {
                notification: event.notification,
                kind: event.kind.as_deref(),
                user: event.user.as_deref(),
                seq: Some(event.seq),
                on_behalf_of: event.for_user.as_deref(),
            },
        })
        .collect();
    told.extend(settled.iter().map(|id| {
        Told {
            id: format!("evt_settled_{}", id.simple()),
            kind: "notification.settled",
            timestamp: now,
            data: Facts {
                notification: *id,
                kind: events
                    .iter()
                    .find(|event| event.notification == *id)
                    .and_then(|event| event.kind.as_deref()),
                user: None,
                seq: None,
                on_behalf_of: None,
            },
        }
    }));
    told
}
