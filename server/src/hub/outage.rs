//! Tells the screens when the database is away: their connections live on, and would go on saying "live" for what
//! nobody can know.
//!
//! Looked at every two seconds. Three failures in a row are an absence: a pool whose connections are all taken for a
//! moment is none. Whoever follows a topic is told by a patch of the topic [`DATABASE`], at most one to a connection in
//! its queue; other clients learn nothing by it that their next call does not tell them.

use std::sync::Arc;
use std::time::Duration;

use app::model::Moment;
use app::protocol::topic::DATABASE;
use app::protocol::{Away, PATCH, Patch};
use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::time::timeout;

use super::client::Client;
use super::frames;
use super::workflow::Shared;
use crate::store;
use crate::support::lifecycle::Lifecycle;

const EVERY: Duration = Duration::from_secs(2);
/// It must answer within.
const PATIENCE: Duration = Duration::from_secs(1);
/// So many failures in a row.
const ABSENCE: u32 = 3;

/// Since when the database is away; `None`: it is there.
#[derive(Debug, Default)]
pub(crate) struct Outage(Mutex<Option<Timestamp>>);

/// Looks after it.
pub(crate) struct Lookout {
    shared: Arc<Shared>,
    failures: u32,
    /// When it last answered.
    answered: Timestamp,
}

impl Lookout {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self {
            failures: 0,
            answered: shared.clock.now(),
            shared,
        }
    }

    /// Starts the task; it stops when the process does.
    pub(crate) fn start(mut self, life: &Lifecycle) {
        let stopping = life.stopping();
        life.spawn("outage", async move {
            loop {
                tokio::select! {
                    () = stopping.cancelled() => return,
                    () = tokio::time::sleep(EVERY) => {}
                }
                self.look().await;
            }
        });
    }

    /// Asks the database once; tells the screens if that is news.
    pub(crate) async fn look(&mut self) {
        let asked = self.shared.clock.now();
        let answer = timeout(PATIENCE, store::ping(&self.shared.pool)).await;
        if matches!(answer, Ok(Ok(()))) {
            self.failures = 0;
            self.answered = asked;
            // Let go of before it is told, which locks it.
            let was_away = self.shared.outage.0.lock().take().is_some();
            if was_away {
                tracing::info!("the database is back");
                self.tell();
            }
            return;
        }
        self.failures = self.failures.saturating_add(1);
        if self.failures == ABSENCE {
            tracing::warn!(since = %self.answered, "the database is away: the screens say so");
            *self.shared.outage.0.lock() = Some(self.answered);
            self.tell();
        }
    }

    fn tell(&self) {
        for client in self.shared.registry.all() {
            if client.is_screen() {
                self.shared.tell_outage(&client);
            }
        }
    }
}

impl Shared {
    /// Nobody can be looked up now.
    pub(super) fn is_away(&self) -> bool {
        self.outage.0.lock().is_some()
    }

    /// Has just begun to follow a topic: is told if what it shows is old.
    pub(super) fn tell_if_away(&self, client: &Client) {
        if self.is_away() {
            self.tell_outage(client);
        }
    }

    fn tell_outage(&self, client: &Client) {
        // Held until it is queued: else what was read before the database came back could be queued after that was told.
        let since = self.outage.0.lock();
        let away = Away {
            since: since.map(|since| Moment(since.as_millisecond())),
        };
        let patch = Patch {
            topic: DATABASE.to_owned(),
            from: 0,
            rev: 0,
            upsert: Vec::new(),
            remove: Vec::new(),
            counts: serde_json::to_value(away).ok(),
            resync: false,
        };
        let frame = frames::invocation(client.line.encoding(), PATCH, &patch);
        let _ = client.line.send_latest(&DATABASE.into(), frame);
        drop(since);
    }
}

#[cfg(test)]
mod tests {
    use app::protocol::topic::{APPROVALS, DATABASE};
    use app::protocol::{Away, PATCH, Patch};
    use serde_json::{Value, json};

    use super::Lookout;
    use crate::testing;
    use crate::testing::house::House;
    use crate::testing::poll::Poller;

    fn away(message: &Value) -> Away {
        assert_eq!(message["target"], PATCH, "{message}");
        let patch: Patch = serde_json::from_value(message["arguments"][0].clone()).unwrap();
        assert_eq!((patch.topic.as_str(), patch.resync), (DATABASE, false));
        serde_json::from_value(patch.counts.unwrap()).unwrap()
    }

    /// PostgreSQL died, and every page went on saying "live" until somebody clicked.
    #[tokio::test]
    async fn screens_learn_that_the_database_is_away_and_that_it_is_back() {
        let house = House::open().await;
        let mut page = Poller::open(house.address, &house.user("a", "u1"), "device=desk").await;
        page.call("JoinGroup", json!([APPROVALS])).await;
        let mut phone = Poller::open(house.address, &house.user("a", "u1"), "device=phone").await;
        let began = house.product.parts.clock.now().as_millisecond();
        let mut lookout = Lookout::new(house.product.hub.shared.clone());
        testing::shut(&house.pool, false).await;
        for _ in 0..3 {
            lookout.look().await;
        }
        let since = away(&page.next().await).since.unwrap();
        assert!(since.0 >= began - 3_000, "{since:?}");
        testing::shut(&house.pool, true).await;
        lookout.look().await;
        assert_eq!(away(&page.next().await).since, None);
        // Nobody else is bothered: the next a phone hears is a notification.
        house.publish("a", "news").await;
        assert_ne!(phone.next().await["target"], PATCH);
    }
}
