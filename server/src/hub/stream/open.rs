//! A stream begins: the client becomes one of the hub's, and goes on where it says it stood.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;

use super::queue::{Facts, OnEnd, Stream};
use super::reader::Reader;
use crate::auth::Principal;
use crate::delivery::AckMode;
use crate::hub::NotWelcomed;
use crate::hub::client::Client;
use crate::hub::line::Line;
use crate::hub::workflow::Hub;
use crate::outbox::ack::{Ack, What};
use crate::outbox::passed::{self, Passed};
use crate::store::replay::{self, Question};

/// Pages of 100 that a cursor may prove at once; what lies beyond is proved by the next.
const MOST_PAGES: usize = 100;

/// Where a client stood: `epoch:seq`, as the id of the last event it read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    epoch: i64,
    seq: i64,
}

impl Cursor {
    /// Reads it; `None` for anything that is not a cursor.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (epoch, seq) = text.split_once(':')?;
        let (epoch, seq) = (epoch.parse().ok()?, seq.parse().ok()?);
        (seq >= 0).then_some(Self { epoch, seq })
    }

    /// The number, unless it was counted in another epoch: those were given out twice.
    pub(crate) fn within(self, epoch: i64) -> Option<i64> {
        (self.epoch == epoch).then_some(self.seq)
    }
}

/// What a stream is opened with.
pub struct Opening {
    /// Its public id.
    pub id: String,
    /// A user.
    pub principal: Principal,
    /// Its device, as the URL names it; the token's claim beats it.
    pub device: Option<String>,
    /// Every item is an event named `Notification`.
    pub as_notification: bool,
    /// How the device acknowledges; `None`: as its service does.
    pub ack_mode: Option<AckMode>,
    /// The last event read.
    pub cursor: Option<Cursor>,
    /// What the client calls itself.
    pub agent: Option<String>,
    /// The peer.
    pub address: Option<SocketAddr>,
    /// Called once when it is over; whether that was by the server's wish.
    pub on_end: Box<dyn FnOnce(bool) + Send>,
}

impl Hub {
    /// Opens an event stream: the body of its response. The connection lives as long as the body.
    ///
    /// # Errors
    /// When the database does not answer: nothing is open then.
    pub async fn stream(&self, opening: Opening) -> Result<Body, NotWelcomed> {
        let shared = &self.shared;
        let facts = Facts {
            id: opening.id.into(),
            principal: Arc::new(opening.principal),
            device: opening.device,
            as_notification: opening.as_notification,
            ack_mode: opening.ack_mode,
            agent: opening.agent,
            address: opening.address,
            epoch: shared.epoch.now(),
        };
        let on_end: OnEnd = opening.on_end;
        let stream = Arc::new(Stream::new(facts, on_end));
        let client = self
            .welcome(Line::Stream(stream.clone()), opening.ack_mode)
            .await;
        let client = client.inspect_err(|_| {
            stream.end();
        })?;
        // From here on whatever ends this future ends the connection too.
        let reader = Reader::new(shared.clone(), client.clone(), stream);
        shared.console.connections_changed(client.tenant);
        let question = client.question_of_start();
        let cursor = opening
            .cursor
            .and_then(|cursor| cursor.within(client.epoch))
            .map(|seq| client.known(seq));
        // There are no handlers to wait for.
        shared.starter.now(&client, cursor);
        if let Some(cursor) = cursor
            && let Err(error) = self.has_read(&client, question, cursor).await
        {
            // It comes with a cursor again.
            tracing::debug!(%error, "what a cursor proves is not noted");
        }
        Ok(reader.into_body())
    }

    /// Who names an item as the last one read has read it: evidence as good as a pong. Notes what was
    /// owed to the device up to there as reached.
    async fn has_read(
        &self,
        client: &Client,
        mut question: Question,
        cursor: i64,
    ) -> sqlx::Result<()> {
        let (start, explicit) = (question.from, question.reached_too);
        if cursor <= start {
            return Ok(());
        }
        let now = self.shared.clock.now();
        let mut reached = Vec::new();
        let mut conn = self.shared.pool.acquire().await?;
        let mut whole = false;
        for _ in 0..MOST_PAGES {
            let answers = replay::pages(&mut conn, std::slice::from_ref(&question), now).await?;
            let read = answers.rows.iter().filter(|row| row.seq <= cursor);
            // Of a device that acks for itself only what nobody acks.
            let read = read.filter(|row| !explicit || row.kind == app::protocol::WITHDRAWN);
            reached.extend(read.map(|row| row.seq));
            match answers.full.first() {
                Some(Some(through)) if *through < cursor => question.from = *through,
                _ => {
                    whole = true;
                    break;
                }
            }
        }
        drop(conn);
        if !reached.is_empty() {
            self.shared.acks.note(Ack {
                user: client.user,
                device: client.device.clone(),
                what: What::Reached(reached),
                via: "reached",
                epoch: Some(client.epoch),
                active: client.is_active(),
                at: None,
            });
        }
        // What others settled in between is in no page: the device need not have it.
        if whole
            && !explicit
            && let Some(device) = client.device.clone()
        {
            let passed = Passed {
                user: client.user,
                device,
                from: start,
                through: cursor,
                at: now,
                explicit: false,
            };
            passed::note(&self.shared.pool, &[passed]).await?;
        }
        Ok(())
    }
}

impl std::fmt::Debug for Opening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opening").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_of_its_epoch() {
        let cursor = Cursor::parse("3:42").unwrap();
        assert_eq!((cursor.within(3), cursor.within(4)), (Some(42), None));
        for text in ["", "3", "3:", ":42", "3:-1", "3:4:5", "a:b", " 3:4"] {
            assert_eq!(Cursor::parse(text), None, "{text}");
        }
    }
}
