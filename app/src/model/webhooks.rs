//! A tenant's webhooks, as the admin page shows and edits them.

use serde::{Deserialize, Serialize};

use super::Moment;

/// All of them, and what the forms need.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhooks {
    /// By service and id; one alone when one was asked about.
    pub rows: Vec<WebhookRow>,
    /// Outer ids of the services a new one can be for.
    pub services: Vec<String>,
    /// What can be told, by name.
    pub events: Vec<String>,
    /// Of the one that was asked about: its newest tries, the latest first.
    pub tries: Vec<Try>,
}

/// How a webhook is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nothing was sent to it yet.
    New,
    /// It took what it was sent last.
    Healthy,
    /// It did not; that is sent again.
    Failing,
    /// Nothing is sent any more: it took nothing for a day, or said that it wants nothing.
    GivenUp,
    /// Nothing is sent, because somebody said so.
    Paused,
}

/// A webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookRow {
    /// Inner id.
    pub id: String,
    /// Outer id of the service.
    pub service: String,
    /// The service's own id of it.
    pub key: String,
    /// Where requests go.
    pub url: String,
    /// What it is told.
    pub events: Vec<String>,
    /// How it is doing.
    pub state: State,
    /// Why nothing is sent any more, in the API's words.
    pub disabled: String,
    /// Since when.
    pub disabled_at: Option<Moment>,
    /// What was wrong with the last request; empty when it was taken.
    pub failure: String,
    /// Something was taken last.
    pub taken_at: Option<Moment>,
    /// Something was not taken last.
    pub failed_at: Option<Moment>,
    /// The secret before this one signs too until then.
    pub old_secret_until: Option<Moment>,
    /// Events in no request yet, counted up to 10,000.
    pub waiting_events: i64,
    /// Requests not taken yet.
    pub waiting_requests: i64,
    /// Since when the oldest of them waits.
    pub waiting_since: Option<Moment>,
    /// Requests that were given up.
    pub dead_requests: i64,
}

/// One try of one request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Try {
    /// Header `webhook-id`.
    pub message: String,
    /// 1 for a request's first; 0: a test.
    pub nth: i16,
    /// What it told, counted: `12 acked, 1 settled`.
    pub about: String,
    /// When.
    pub at: Moment,
    /// What the receiver answered, if it did.
    pub status: Option<i16>,
    /// What was wrong; empty: it was taken.
    pub failure: String,
    /// When it is tried again.
    pub next_at: Option<Moment>,
}

/// What a form says a webhook is to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookDraft {
    /// Inner id; empty: a new one.
    pub id: String,
    /// Outer id of the service of a new one.
    pub service: String,
    /// The service's own id of a new one.
    pub key: String,
    /// Where requests go.
    pub url: String,
    /// What it is told.
    pub events: Vec<String>,
    /// Of a new one: its secret; empty: one is made and told nobody.
    pub secret: String,
}

/// What is done to a webhook as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// Nothing is sent to it.
    Pause,
    /// It is sent to again.
    Resume,
    /// It goes, with all that waits for it.
    Remove,
}

/// What came of a test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tested {
    /// What the receiver answered, if it did.
    pub status: Option<u16>,
    /// What was wrong; empty: it was taken.
    pub failure: String,
}
