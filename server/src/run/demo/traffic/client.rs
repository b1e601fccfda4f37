//! The public API, as any back end calls it.

use std::time::Duration;

use anyhow::Context;
use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

/// Longer than any answer of a healthy server takes.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Calls one server with one key.
pub(super) struct Client {
    http: reqwest::Client,
    base: String,
    key: SecretString,
}

/// What became of a call that may be tried again or forgotten.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The answer.
    Done(Value),
    /// The server said no to this one: the day goes on.
    Refused(String),
    /// No answer, or "later".
    Away(String),
}

impl Client {
    pub(super) fn new(url: &str, key: SecretString) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().timeout(TIMEOUT).build()?;
        Ok(Self {
            http,
            base: format!("{}/api/v1", url.trim_end_matches('/')),
            key,
        })
    }

    /// Posts.
    ///
    /// # Errors
    /// When trying again, or trying anything else, makes no sense.
    pub(super) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Outcome> {
        let address = format!("{}{path}", self.base);
        let sent = self
            .http
            .post(&address)
            .bearer_auth(self.key.expose_secret())
            .json(body)
            .send()
            .await;
        let response = match sent {
            Ok(response) => response,
            Err(error) => return Ok(Outcome::Away(error.without_url().to_string())),
        };
        let status = response.status();
        let text = response.text().await.unwrap_or_default();
        let problem = || {
            serde_json::from_str::<Value>(&text)
                .ok()
                .and_then(|problem| Some(problem.get("detail")?.as_str()?.to_owned()))
                .unwrap_or_else(|| status.to_string())
        };
        match status {
            status if status.is_success() => {
                let body = serde_json::from_str(&text).context("read the server's answer")?;
                Ok(Outcome::Done(body))
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                anyhow::bail!("the server refuses the key: {}", problem())
            }
            StatusCode::TOO_MANY_REQUESTS => Ok(Outcome::Away(problem())),
            status if status.is_server_error() => Ok(Outcome::Away(problem())),
            _ => Ok(Outcome::Refused(problem())),
        }
    }
}
