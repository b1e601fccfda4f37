//! What a webhook is written with.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::webhooks::changes::{Before, Wanted};

/// A webhook.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WebhookBody {
    /// https, a public name, without redirects.
    #[schema(example = "https://app.example.com/receipts")]
    url: String,
    /// `notification.` and one of `acked`, `reached`, `read`, `expired`, `dead`, `cancelled`, `settled`.
    #[schema(example = json!(["notification.acked", "notification.settled"]))]
    events: Vec<String>,
    /// `whsec_` and the base64 of 24 to 64 bytes. Left out: one is made, at first; after that the old one stays.
    #[serde(default)]
    secret: Option<String>,
    /// A new secret is made. The one before it signs too for 24 hours.
    #[serde(default)]
    rotate_secret: bool,
}

impl From<WebhookBody> for Wanted {
    fn from(body: WebhookBody) -> Self {
        Self {
            url: body.url,
            events: body.events,
            secret: body.secret,
            rotate: body.rotate_secret,
            before: Before::Either,
        }
    }
}
