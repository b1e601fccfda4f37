//! `GET /api/v1/notifications/{id}/receipts`: what becomes of it, in numbers, as it happens.
//!
//! Each event is the whole state, so nothing is lost when some are left out: at most four a second, and a
//! stream spends a tenth of its time reading. What this process moves wakes it; what other nodes moved it finds
//! by looking every five seconds.

use std::convert::Infallible;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use tokio::time::{Duration, Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;
use uuid::Uuid;

use super::own;
use crate::api::Api;
use crate::api::problem::Problem;
use crate::auth::{Principal, Scope};
use crate::hub::event;
use crate::outbox::watch::Watching;
use crate::store::Pool;
use crate::store::receipts::{self, Counts};

/// Between two events.
const LEAST: Duration = Duration::from_millis(250);
/// After a read that took long: so many times as long, that streams do not eat the database.
const SPARING: u32 = 9;
/// What nobody told of is looked for so often.
const SLOW: Duration = Duration::from_secs(5);
/// Proxies end what is silent for longer than a minute, mostly.
const SILENT: Duration = Duration::from_secs(15);
/// Then the client comes back, and shows its credential again.
const LONGEST: Duration = Duration::from_hours(1);
/// Seconds after which one who was refused may try again.
const LATER: u32 = 10;

/// Where a notification's deliveries stand.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(super) struct Receipts {
    /// Those who get it, stand-ins included.
    recipients: i64,
    /// Owed; also those who are still to be routed to.
    queued: i64,
    /// Read by a client that never acks.
    reached: i64,
    acked: i64,
    /// Opened in the inbox, whatever its delivery's state; `seen` counts those who had it on a screen.
    read: i64,
    seen: i64,
    expired: i64,
    dead: i64,
    cancelled: i64,
    /// Nothing more is done about any of them; `read` and `seen` may still grow.
    settled: bool,
}

impl From<Counts> for Receipts {
    fn from(counts: Counts) -> Self {
        Self {
            recipients: counts.recipients,
            queued: counts.queued,
            reached: counts.reached,
            acked: counts.acked,
            read: counts.read,
            seen: counts.seen,
            expired: counts.expired,
            dead: counts.dead,
            cancelled: counts.cancelled,
            settled: counts.settled,
        }
    }
}

/// Follow a notification's receipts
///
/// `text/event-stream`: an event `receipts` at once, and another whenever a number has changed, at most four a second.
/// Each is the whole state, so there is nothing to go on after: `Last-Event-ID` means nothing here. When all are settled
/// the event `end` follows, with the same numbers, and the stream is over. An `end-of-stream` before that means: come
/// again (the server leaves, or an hour is over). At most 16 streams a service.
#[utoipa::path(
    get, path = "/notifications/{id}/receipts", tag = "notifications", params(("id" = Uuid, Path)),
    responses(
        (status = 200, description = "The stream; each event's data", content_type = "text/event-stream", body = Receipts),
        (status = 403, description = "The credential lacks the scope `read`", body = Problem),
        (status = 404, description = "There is no such one for this service", body = Problem),
        (status = 429, description = "The service has too many such streams", body = Problem),
    ),
    security(("bearer" = []))
)]
pub(super) async fn follow(
    State(api): State<Api>,
    Extension(principal): Extension<Principal>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    principal.require(Scope::Read)?;
    let service = principal.require_service()?;
    let id = own(&api, (principal.tenant, service), &id).await?;
    let watching = api.watch.open((principal.tenant, service), id);
    let watching = watching.ok_or_else(|| Problem {
        retry_after: Some(LATER),
        ..Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_streams",
            "The service follows as many notifications as it may; end one, or use a webhook.",
        )
    })?;
    let ends = principal.expires_at.map(|at| {
        let left = at.duration_since(api.clock.now());
        Duration::try_from(left).unwrap_or_default()
    });
    let now = Instant::now();
    let reader = Reader {
        pool: api.pool.clone(),
        stopping: api.stopping.clone(),
        watching,
        id,
        first: Some(event::retry(&api.ids.uuid().to_string())),
        until: now + ends.unwrap_or(LONGEST).min(LONGEST),
        not_before: now,
        look: true,
        last: None,
        over: false,
    };
    let body = stream::unfold(reader, |mut reader| async move {
        let piece = reader.next().await?;
        Some((Ok::<_, Infallible>(piece), reader))
    });
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/event-stream"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // Or nginx would keep events back until its buffer is full.
        (
            HeaderName::from_static("x-accel-buffering"),
            HeaderValue::from_static("no"),
        ),
    ];
    Ok((StatusCode::OK, headers, Body::from_stream(body)).into_response())
}

/// Owned by the response's body: whoever goes away takes it along.
struct Reader {
    pool: Pool,
    stopping: CancellationToken,
    watching: Watching,
    id: Uuid,
    /// Written before anything else.
    first: Option<Bytes>,
    /// The credential's end, or the longest that a stream lasts.
    until: Instant,
    /// The next read.
    not_before: Instant,
    /// Something moved, for all one knows.
    look: bool,
    last: Option<Counts>,
    over: bool,
}

impl Reader {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        if self.over {
            return None;
        }
        if let Some(last) = self.last.filter(|last| last.settled) {
            self.over = true;
            return Some(said("end", last));
        }
        let silent = Instant::now() + SILENT;
        let mut slow = Instant::now() + SLOW;
        loop {
            // First something to look for, then the time for it.
            let wake = if self.look {
                self.not_before
            } else {
                slow.min(silent)
            };
            tokio::select! {
                biased;
                () = self.stopping.cancelled() => return Some(self.come_again()),
                () = sleep_until(self.until) => return Some(self.come_again()),
                () = self.watching.moved(), if !self.look => {
                    self.look = true;
                    continue;
                }
                () = sleep_until(wake) => {}
            }
            if !self.look && Instant::now() >= silent {
                return Some(event::KEEP_ALIVE);
            }
            self.look = false;
            let begun = Instant::now();
            slow = begun + SLOW;
            let counts = match self.read().await {
                Ok(counts) => counts,
                Err(error) => {
                    tracing::debug!(%error, "receipts not read, will look again");
                    sleep(LEAST).await;
                    continue;
                }
            };
            self.not_before = begun + LEAST.max(begun.elapsed() * (SPARING + 1));
            if self.last != Some(counts) {
                self.last = Some(counts);
                return Some(said("receipts", counts));
            }
        }
    }

    async fn read(&self) -> sqlx::Result<Counts> {
        let mut conn = self.pool.acquire().await?;
        receipts::counts(&mut conn, self.id).await
    }

    fn come_again(&mut self) -> Bytes {
        self.over = true;
        event::event(None, event::END, r#"{"reason":null,"reconnect":true}"#)
    }
}

fn said(name: &str, counts: Counts) -> Bytes {
    // Numbers are always JSON.
    let json = serde_json::to_string(&Receipts::from(counts)).unwrap_or_default();
    event::event(None, name, &json)
}
