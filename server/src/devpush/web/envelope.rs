//! The headers of a push: RFC 8030, and what single services make of it.

use http::{HeaderMap, header};

use super::super::device::Browser;
use super::refusal::{Fault, Refusal};

/// What the service reads.
pub(super) struct Envelope {
    pub(super) ttl: u64,
    pub(super) urgency: Option<String>,
    pub(super) topic: Option<String>,
}

const URGENCIES: [&str; 4] = ["very-low", "low", "normal", "high"];

impl Envelope {
    pub(super) fn read(headers: &HeaderMap, browser: Browser) -> Result<Self, Refusal> {
        let text = |name: &str| {
            headers
                .get(name)
                .map(|value| value.to_str().unwrap_or("\u{0}"))
        };
        let ttl = text("ttl").ok_or(Refusal(Fault::Ttl, "TTL is missing"))?;
        let ttl = ttl
            .parse()
            .map_err(|_| Refusal(Fault::Ttl, "TTL is not a number of seconds"))?;
        if browser == Browser::Wns && ttl == 0 && text("x-wns-cache-policy").is_none() {
            return Err(Refusal(Fault::Ttl, "TTL 0 contradicts the cache policy"));
        }
        let urgency = text("urgency").map(str::to_owned);
        if urgency
            .as_deref()
            .is_some_and(|one| !URGENCIES.contains(&one))
        {
            return Err(Refusal(Fault::Header, "Urgency is not one of the four"));
        }
        let topic = text("topic").map(str::to_owned);
        let of_topic = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if topic
            .as_deref()
            .is_some_and(|topic| !(1..=32).contains(&topic.len()) || !topic.bytes().all(of_topic))
        {
            return Err(Refusal(Fault::Topic, "Topic has 1 to 32 of [A-Za-z0-9_-]"));
        }
        if text(header::CONTENT_ENCODING.as_str()) != Some("aes128gcm") {
            return Err(Refusal(Fault::Header, "Content-Encoding is not aes128gcm"));
        }
        Ok(Self {
            ttl,
            urgency,
            topic,
        })
    }
}
