//! A provider's answer, read with bounds, and its absence.

use std::error::Error as _;
use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

use super::outcome::{Outcome, Verdict};
use super::resolver::NotPublic;

/// More of an answer is not read.
const LONGEST: usize = 16 * 1024;

/// No first retry before this, and no `Retry-After` below it (Google's and Mozilla's numbers).
pub(super) const SOONEST: Duration = Duration::from_secs(10);
/// Nor after this: a provider does not decide that nothing goes out today.
const LATEST: Duration = Duration::from_hours(1);

/// Status, headers and the start of the body.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(crate) async fn of(request: reqwest::RequestBuilder) -> reqwest::Result<Self> {
        let mut response = request.send().await?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            let room = LONGEST - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if body.len() == LONGEST {
                break;
            }
        }
        Ok(Self {
            status: response.status(),
            headers: std::mem::take(response.headers_mut()),
            body,
        })
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header's text, for people.
    pub(crate) fn header(&self, name: impl header::AsHeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// `Retry-After`, as seconds or as a date, within reason; `otherwise` without one.
    pub(crate) fn retry_after(&self, now: Timestamp, otherwise: Duration) -> Duration {
        let asked = self.header(header::RETRY_AFTER).and_then(|text| {
            if let Ok(seconds) = text.trim().parse() {
                return Some(Duration::from_secs(seconds));
            }
            // An HTTP date writes GMT where RFC 2822 wants an offset.
            let text = text.trim().replace("GMT", "+0000");
            let at = DateTimeParser::new().parse_timestamp(&text).ok()?;
            let seconds = at.as_second().saturating_sub(now.as_second());
            Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
        });
        asked.unwrap_or(otherwise).clamp(SOONEST, LATEST)
    }
}

/// What to make of an exchange without an answer.
pub(super) fn no_answer(error: reqwest::Error) -> Verdict {
    let error = error.without_url();
    let mut cause: Option<&(dyn std::error::Error + 'static)> = error.source();
    let mut words = error.to_string();
    while let Some(inner) = cause {
        if let Some(refusal) = inner.downcast_ref::<NotPublic>() {
            return Verdict::of_device(
                Outcome::Refused(refusal.to_string()),
                "not written to: the name leads into a private network",
            );
        }
        words.push_str(": ");
        words.push_str(&inner.to_string());
        cause = inner.source();
    }
    if error.is_timeout() {
        words = format!("no answer in time, it may have been taken ({words})");
    }
    Verdict::of_service(Outcome::RetryAfter(SOONEST), words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(value: &'static str) -> Duration {
        let mut headers = HeaderMap::new();
        headers.insert(header::RETRY_AFTER, http::HeaderValue::from_static(value));
        let answer = Answer {
            status: StatusCode::TOO_MANY_REQUESTS,
            headers,
            body: Vec::new(),
        };
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        answer.retry_after(now, Duration::from_mins(1))
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_stays_within_reason() {
        assert_eq!(asked("120").as_secs(), 120);
        assert_eq!(asked("Sun, 22 Nov 2026 10:05:00 GMT").as_secs(), 300);
        assert_eq!(asked("Sun, 22 Nov 2026 09:00:00 GMT"), SOONEST);
        assert_eq!(asked("0"), SOONEST);
        assert_eq!(asked("999999999"), LATEST);
        assert_eq!(asked("soon").as_secs(), 60);
    }
}
