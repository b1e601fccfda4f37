//! What a webhook is written with, and what is wrong with that.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::problem::Problem;
use crate::webhooks::{EVENTS, secret, target};

/// A webhook.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WebhookBody {
    /// https, a public name, without redirects.
    #[schema(example = "https://app.example.com/receipts")]
    pub(super) url: String,
    /// `notification.` and one of `acked`, `reached`, `read`, `expired`, `dead`, `cancelled`, `settled`.
    #[schema(example = json!(["notification.acked", "notification.settled"]))]
    pub(super) events: Vec<String>,
    /// `whsec_` and the base64 of 24 to 64 bytes. Left out: one is made, at first; after that the old one stays.
    #[serde(default)]
    pub(super) secret: Option<String>,
    /// A new secret is made. The one before it signs too for 24 hours.
    #[serde(default)]
    pub(super) rotate_secret: bool,
}

impl WebhookBody {
    /// Checks it; answers the secret it brings, and sorts the events.
    pub(super) fn check(&mut self, private: bool) -> Result<Option<Vec<u8>>, Problem> {
        target::check(&self.url, private)
            .map_err(|error| Problem::invalid("url", error.to_string()))?;
        if self.events.is_empty() {
            return Err(Problem::invalid(
                "events",
                format!("At least one of {}.", EVENTS.join(", ")),
            ));
        }
        for (index, event) in self.events.iter().enumerate() {
            if !EVENTS.contains(&event.as_str()) {
                return Err(Problem::invalid(
                    format!("events[{index}]"),
                    format!("There is no such event; there are {}.", EVENTS.join(", ")),
                ));
            }
        }
        self.events.sort_unstable();
        self.events.dedup();
        match &self.secret {
            None => Ok(None),
            Some(_) if self.rotate_secret => Err(Problem::invalid(
                "rotate_secret",
                "Bring a secret, or have one made; not both.",
            )),
            Some(text) => secret::read(text).map(Some).ok_or_else(|| {
                Problem::invalid(
                    "secret",
                    "A secret is `whsec_` and the base64 of 24 to 64 random bytes; leave it out to have one made.",
                )
            }),
        }
    }
}

/// The `{id}` of a path: short, and the same in every log.
pub(super) fn key(text: &str) -> Result<&str, Problem> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if text.is_empty() || text.len() > 64 || !text.bytes().all(fits) {
        return Err(Problem::invalid(
            "id",
            "A webhook's id has 1 to 64 letters, digits or characters of `._-`.",
        ));
    }
    Ok(text)
}
