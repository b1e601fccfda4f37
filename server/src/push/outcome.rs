//! What became of one try.

use std::time::Duration;

/// What to do next follows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The provider took it. Nothing says that it was shown.
    Taken {
        /// The provider's name for the message.
        id: Option<String>,
    },
    /// Again, not before so long. It may have been taken (a timeout): the device replaces by the
    /// notification's id.
    RetryAfter(Duration),
    /// The device is no longer there: forget the token, unless it was registered again after this was
    /// sent.
    TokenGone,
    /// Never again with this message: it or the token is not to the provider's liking.
    Refused(String),
    /// Nothing will go until an operator acts.
    Misconfigured(String),
}

impl Outcome {
    /// For counters and rows.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Taken { .. } => "taken",
            Self::RetryAfter(_) => "retry_after",
            Self::TokenGone => "token_gone",
            Self::Refused(_) => "refused",
            Self::Misconfigured(_) => "misconfigured",
        }
    }
}

/// Whom an outcome concerns: what is true of one device must not stop the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    Device,
    /// Everything that goes the same way: the breaker listens, and the brake.
    Service,
}

/// An outcome and how it came about.
#[derive(Clone, Debug)]
pub struct Report {
    pub outcome: Outcome,
    pub extent: Extent,
    /// "fcm" or "webpush".
    pub provider: &'static str,
    /// The provider's HTTP status; `None`: it did not answer, or was not asked.
    pub status: Option<u16>,
    /// For people: the provider's own words, at most 300 characters, without control characters and
    /// without the token. Safe to store and to show to an admin.
    pub detail: String,
    pub took: Duration,
}

/// A judgement before the time is known.
#[derive(Clone, Debug)]
pub(super) struct Verdict {
    pub(super) outcome: Outcome,
    pub(super) extent: Extent,
    pub(super) status: Option<u16>,
    pub(super) detail: String,
}

impl Verdict {
    /// Of one device only, without an answer.
    pub(super) fn of_device(outcome: Outcome, detail: impl Into<String>) -> Self {
        Self {
            outcome,
            extent: Extent::Device,
            status: None,
            detail: detail.into(),
        }
    }

    /// Of all that goes this way.
    pub(super) fn of_service(outcome: Outcome, detail: impl Into<String>) -> Self {
        Self {
            extent: Extent::Service,
            ..Self::of_device(outcome, detail)
        }
    }

    pub(super) fn answered(self, status: http::StatusCode) -> Self {
        Self {
            status: Some(status.as_u16()),
            ..self
        }
    }

    /// The report; `secrets` are struck from what the provider said.
    pub(super) fn report(self, provider: &'static str, secrets: &[&str], took: Duration) -> Report {
        let strike = |text: &str| {
            let secrets = secrets
                .iter()
                .filter(|secret| secret.len() >= SHORTEST_SECRET);
            bounded(&secrets.fold(text.to_owned(), |text, secret| text.replace(secret, "…")))
        };
        let outcome = match self.outcome {
            Outcome::Refused(why) => Outcome::Refused(strike(&why)),
            Outcome::Misconfigured(why) => Outcome::Misconfigured(strike(&why)),
            Outcome::Taken { id } => Outcome::Taken {
                id: id.map(|id| strike(&id)),
            },
            other => other,
        };
        Report {
            outcome,
            extent: self.extent,
            provider,
            status: self.status,
            detail: strike(&self.detail),
            took,
        }
    }
}

const LONGEST: usize = 300;
/// Shorter parts of an endpoint (`/w/`) are no secret, and would be struck out of words.
const SHORTEST_SECRET: usize = 6;

/// One line of bounded length.
pub(super) fn bounded(text: &str) -> String {
    let words = text
        .split(|letter: char| letter.is_control() || letter.is_whitespace())
        .filter(|word| !word.is_empty());
    let mut line = String::new();
    for word in words {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.len() > 4 * LONGEST {
            break;
        }
    }
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_provider_says_is_one_bounded_line_without_the_token() {
        let said = format!("token s3cret\r\n\u{1b}[31m {}", "ä".repeat(1000));
        let verdict = Verdict::of_device(Outcome::Refused(said.clone()), said);
        let report = verdict.report("fcm", &["/w/", "s3cret"], Duration::ZERO);
        assert!(
            report.detail.starts_with("token … [31m ä"),
            "{}",
            report.detail
        );
        assert_eq!(report.detail.chars().count(), 301);
        assert_eq!(report.outcome, Outcome::Refused(report.detail));
    }
}
