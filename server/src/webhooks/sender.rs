//! Sends requests until they are taken.
//!
//! A request is claimed, the claim committed, and only then sent: no connection to the database is held meanwhile. Who
//! dies with a claim leaves it to come back in a minute; the receiver then gets the same `webhook-id` twice, which is
//! what it is for. 410 says that nothing is wanted any more.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use sqlx::Connection as _;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::compose::{about, compose, test_body};
use super::post::{Answer, Poster, health};
use super::{Interest, retry};
use crate::push::breaker::Breaker;
use crate::store::webhook_events::{self as store, Claim, Failure};
use crate::store::webhook_tries::{self as tries, Try};
use crate::store::{Pool, is_transient, webhooks};
use crate::support::clock::Clock;
use crate::support::ids::Ids;
use crate::support::lifecycle::Lifecycle;

/// A claim nobody finished comes back after this.
const LEASE: SignedDuration = SignedDuration::from_secs(60);
/// Requests under way.
const AT_ONCE: usize = 16;
/// Tests under way; the next waits for one of them.
const TESTS_AT_ONCE: usize = 4;
/// What others noted is looked for so often.
const PATROL: Duration = Duration::from_secs(1);
/// Why one is disabled whose receiver has taken nothing for as long as a request lives.
pub(super) const FAILING: &str = "nothing was taken for a day";
/// Why one is disabled whose receiver says so.
pub(super) const GONE: &str = "the receiver answered 410: it wants nothing any more";

/// Webhooks, as the rest of the product sees them. Cheap to clone.
#[derive(Clone)]
pub struct Webhooks {
    pub(super) pool: Pool,
    pub(super) clock: Clock,
    pub(super) ids: Ids,
    interest: Arc<Interest>,
    poster: Poster,
    /// What shows of each receiver, since a webhook was changed last.
    breakers: Arc<Mutex<HashMap<Uuid, Arc<Breaker>>>>,
    places: Arc<Semaphore>,
    /// Of tests, which must not hold up what is to be told.
    test_places: Arc<Semaphore>,
}

impl Webhooks {
    /// With one client for all.
    ///
    /// # Errors
    /// When the client cannot be made.
    pub fn new(
        pool: Pool,
        clock: Clock,
        ids: Ids,
        interest: Arc<Interest>,
        private: bool,
    ) -> reqwest::Result<Self> {
        Ok(Self {
            poster: Poster::new(clock.clone(), private)?,
            pool,
            clock,
            ids,
            interest,
            breakers: Arc::default(),
            places: Arc::new(Semaphore::new(AT_ONCE)),
            test_places: Arc::new(Semaphore::new(TESTS_AT_ONCE)),
        })
    }

    /// Starts the task; it stops when the process does, after what is under way.
    pub fn start(&self, life: &Lifecycle) {
        let (this, stopping, tracker) = (self.clone(), life.stopping(), life.tracker());
        life.spawn("webhooks", async move {
            loop {
                let pause = match this.round(Some(&tracker)).await {
                    Ok(true) => Duration::ZERO,
                    Ok(false) => PATROL,
                    Err(error) => {
                        if is_transient(&error) {
                            tracing::debug!(%error, "webhooks wait");
                        } else {
                            tracing::error!(%error, "webhooks wait");
                        }
                        PATROL
                    }
                };
                tokio::select! {
                    () = stopping.cancelled() => return,
                    () = this.interest.bell.notified() => {}
                    () = tokio::time::sleep(pause) => {}
                }
            }
        });
    }

    /// Whether the settings allow addresses of this house.
    #[must_use]
    pub fn allows_private(&self) -> bool {
        self.poster.private
    }

    /// A webhook was made, changed or removed here: known at once.
    ///
    /// # Errors
    /// Whatever the database answers.
    pub async fn changed(&self) -> sqlx::Result<()> {
        // Whoever mends a receiver and says so is not to wait for a breaker's pause.
        self.breakers.lock().clear();
        self.interest.reload(&self.pool).await?;
        self.interest.noted();
        Ok(())
    }

    /// Puts what waits into requests and sends what is due: each as a task of the tracker, or, without one, before
    /// this returns. Answers whether there was something.
    pub(super) async fn round(&self, tracker: Option<&TaskTracker>) -> sqlx::Result<bool> {
        if !self.interest.is_any() {
            return Ok(false);
        }
        let now = self.clock.now();
        let made = compose(&self.pool, &self.ids, now).await?;
        let free = i64::try_from(self.places.available_permits()).unwrap_or(0);
        let mut conn = self.pool.acquire().await?;
        let claims = store::claim(&mut conn, now, now + LEASE, free).await?;
        drop(conn);
        let some = made > 0 || !claims.is_empty();
        for claim in claims {
            let this = self.clone();
            let place = self.places.clone().acquire_owned().await;
            let sending = async move {
                if let Err(error) = this.deliver(&claim).await {
                    tracing::warn!(%error, "what became of a webhook is not noted, it comes again");
                }
                drop(place);
                // The next one of this webhook waits for it.
                this.interest.noted();
            };
            match tracker {
                Some(tracker) => drop(tracker.spawn(sending)),
                None => sending.await,
            }
        }
        Ok(some)
    }

    /// One try of one request, and what is written of it.
    pub(super) async fn deliver(&self, claim: &Claim) -> sqlx::Result<()> {
        let breaker = self.breaker(claim.webhook);
        if let Err(wait) = breaker.admit(self.clock.now()) {
            let wait = SignedDuration::try_from(wait).unwrap_or(LEASE);
            let mut conn = self.pool.acquire().await?;
            return store::put_off(&mut conn, claim, self.clock.now() + wait).await;
        }
        let answer = self.send(claim).await;
        let now = self.clock.now();
        breaker.record(health(&answer), now);
        self.note(claim, &answer, now).await
    }

    async fn note(&self, claim: &Claim, answer: &Answer, now: Timestamp) -> sqlx::Result<()> {
        let mut conn = self.pool.acquire().await?;
        let tries = claim.tries.saturating_add(1);
        let line = Try {
            message: claim.id,
            nth: tries,
            about: about(&claim.body),
            at: now,
            status: answer.status.and_then(|status| i16::try_from(status).ok()),
            failure: answer.failure.clone(),
            next_at: None,
        };
        if answer.taken {
            store::taken(&mut conn, claim, now).await?;
            return tries::note(&mut conn, claim.webhook, &line).await;
        }
        let failure = Failure {
            status: line.status,
            text: answer.failure.clone().unwrap_or_default(),
        };
        let spread = f64::from(u32::from_be_bytes(self.ids.bytes())) / f64::from(u32::MAX);
        let next = retry::next(claim.made_at, tries, answer.retry_after, spread, now);
        let mut tx = conn.begin().await?;
        let counts = store::failed(&mut tx, claim, &failure, next, now).await?;
        let line = Try {
            next_at: next,
            ..line
        };
        tries::note(&mut tx, claim.webhook, &line).await?;
        let mut disabled = None;
        if counts && answer.status == Some(410) {
            disabled = Some(GONE);
        } else if counts
            && next.is_none()
            && !store::took_since(&mut tx, claim.webhook, claim.made_at).await?
        {
            disabled = Some(FAILING);
        }
        if let Some(reason) = disabled {
            webhooks::disable(&mut tx, claim.webhook, reason, now).await?;
        }
        tx.commit().await?;
        if let Some(reason) = disabled {
            tracing::warn!(webhook = %claim.webhook, reason, "webhook disabled");
            self.interest.reload(&self.pool).await?;
        }
        Ok(())
    }

    /// Sends one request to see whether it arrives: nothing is tried again.
    /// `secrets`: the ones that sign, the new one first.
    pub(super) async fn test<'a>(
        &self,
        id: Uuid,
        url: &str,
        secrets: impl Iterator<Item = &'a [u8]>,
    ) -> Answer {
        // Never closed.
        let _place = self.test_places.acquire().await;
        let body = test_body(self.clock.now());
        self.poster.post(id, url, secrets, body).await
    }

    async fn send(&self, claim: &Claim) -> Answer {
        let secrets = std::iter::once(&claim.secret[..]).chain(claim.old_secret.as_deref());
        let body = claim.body.clone();
        self.poster.post(claim.id, &claim.url, secrets, body).await
    }

    fn breaker(&self, webhook: Uuid) -> Arc<Breaker> {
        self.breakers.lock().entry(webhook).or_default().clone()
    }
}
