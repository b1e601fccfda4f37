//! One try of one request: signed, posted, and what to make of the answer. Whatever is not 2xx is a refusal, a redirect
//! too.

use std::time::Duration;

use uuid::Uuid;

use super::{secret, target};
use crate::push::answer;
use crate::push::breaker::Health;
use crate::push::client::{Wanted, client};
use crate::support::clock::Clock;

/// How long a receiver may take: Standard Webhooks asks senders for 15 to 30 s.
const PATIENCE: Duration = Duration::from_secs(15);
/// Bytes of a failure that are kept.
const LONGEST: usize = 300;

/// What became of one try.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The receiver has it.
    pub taken: bool,
    /// What it answered.
    pub status: Option<u16>,
    /// What was wrong.
    pub failure: Option<String>,
    /// It asks for a pause.
    pub(super) retry_after: Option<Duration>,
}

/// Posts, with one client for all. Cheap to clone.
#[derive(Clone)]
pub(super) struct Poster {
    http: reqwest::Client,
    clock: Clock,
    /// Addresses of this house are allowed.
    pub(super) private: bool,
}

impl Poster {
    pub(super) fn new(clock: Clock, private: bool) -> reqwest::Result<Self> {
        let wanted = Wanted {
            patience: PATIENCE,
            strangers: !private,
            loopback: private,
            prior_knowledge: false,
        };
        Ok(Self {
            http: client(wanted)?,
            clock,
            private,
        })
    }

    /// Signs and posts.
    pub(super) async fn post<'a>(
        &self,
        id: Uuid,
        url: &str,
        secrets: impl Iterator<Item = &'a [u8]>,
        body: String,
    ) -> Answer {
        // The settings may have become stricter since it was written.
        if let Err(error) = target::check(url, self.private) {
            return failed(None, error.to_string());
        }
        let id = id.to_string();
        let timestamp = self.clock.now().as_second();
        let request = self
            .http
            .post(url)
            .header("content-type", "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", timestamp)
            .header(
                "webhook-signature",
                secret::signatures(secrets, &id, timestamp, &body),
            )
            .body(body);
        match answer::Answer::of(request).await {
            Ok(answer) if answer.status.is_success() => Answer {
                taken: true,
                status: Some(answer.status.as_u16()),
                failure: None,
                retry_after: None,
            },
            Ok(answer) => {
                let status = answer.status.as_u16();
                let more = if answer.status.is_redirection() {
                    "; redirects are not followed"
                } else {
                    ""
                };
                let asks = answer.header(http::header::RETRY_AFTER).is_some();
                Answer {
                    retry_after: asks.then(|| answer.retry_after(self.clock.now(), Duration::ZERO)),
                    ..failed(Some(status), format!("answered {status}{more}"))
                }
            }
            Err(error) => failed(None, words(error)),
        }
    }
}

fn failed(status: Option<u16>, failure: String) -> Answer {
    Answer {
        taken: false,
        status,
        failure: Some(failure),
        retry_after: None,
    }
}

/// A receiver that answers is there, whatever it says of the one request.
pub(super) fn health(answer: &Answer) -> Health {
    match (answer.taken, answer.status) {
        (true, _) => Health::Works,
        (false, Some(429 | 503)) => match answer.retry_after {
            Some(pause) => Health::Asks(pause),
            None => Health::Fails,
        },
        (false, Some(status)) if status < 500 => Health::Works,
        (false, _) => Health::Fails,
    }
}

/// Why there was no answer, without the URL, which may carry a secret: in front what it means, then the innermost cause,
/// which alone says something. Those between are the HTTP client's own names of its parts.
fn words(error: reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let lead = if error.is_connect() {
        "cannot connect"
    } else {
        "no answer"
    };
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let mut words = format!("{lead}: {}", plain(&cause.to_string()));
    let mut end = words.len().min(LONGEST);
    while !words.is_char_boundary(end) {
        end -= 1;
    }
    words.truncate(end);
    words
}

/// What the system says, without its number and without the name of what was asked of it.
fn plain(cause: &str) -> &str {
    let cause = cause
        .strip_prefix("failed to lookup address information: ")
        .unwrap_or(cause);
    cause.split(" (os error ").next().unwrap_or(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_said_plainly() {
        let name = "failed to lookup address information: Name or service not known";
        assert_eq!(plain(name), "Name or service not known");
        assert_eq!(
            plain("Connection refused (os error 111)"),
            "Connection refused"
        );
        assert_eq!(plain("bad certificate"), "bad certificate");
    }

    #[tokio::test]
    async fn who_is_not_there_cannot_be_connected_to() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let url = format!("http://127.0.0.1:{port}/?key=secret");
        let error = reqwest::Client::new().get(url).send().await.unwrap_err();
        assert_eq!(words(error), "cannot connect: Connection refused");
    }
}
