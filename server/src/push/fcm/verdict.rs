//! What FCM's answer means. By status and `errorCode`, never by words: those are Google's to change.
//! (One exception: whether a 429 is about one device. Being wrong there costs a minute.)

use std::time::Duration;

use http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::super::answer::{Answer, SOONEST};
use super::super::outcome::{Outcome, Verdict, bounded};
use super::mismatch::{Mismatches, Suspect};

/// Google's own number for a 429 without `Retry-After`.
const THROTTLED: Duration = Duration::from_mins(1);

/// What of an answer counts.
pub(super) struct Said {
    status: StatusCode,
    /// `errorCode` of the detail of type FcmError.
    code: Option<String>,
    /// Fields that were named as wrong.
    violations: bool,
    words: String,
    /// The message's name, on success.
    name: Option<String>,
}

#[derive(Default, Deserialize)]
struct Written {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    error: Option<WrittenError>,
}

#[derive(Deserialize)]
struct WrittenError {
    #[serde(default)]
    message: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    details: Vec<Value>,
}

impl Said {
    pub(super) fn read(answer: &Answer) -> Self {
        let written: Written = serde_json::from_slice(&answer.body).unwrap_or_default();
        let Some(error) = written.error else {
            return Self {
                status: answer.status,
                code: None,
                violations: false,
                words: format!("{} {}", answer.status, answer.text()),
                name: written.name,
            };
        };
        let of_type = |detail: &&Value, name: &str| {
            let kind = detail.get("@type").and_then(Value::as_str);
            kind.is_some_and(|kind| kind.ends_with(name))
        };
        let code = error
            .details
            .iter()
            .find(|detail| of_type(detail, ".FcmError"))
            .and_then(|detail| detail.get("errorCode")?.as_str())
            .map(str::to_owned);
        let bad = error
            .details
            .iter()
            .find(|detail| of_type(detail, ".BadRequest"));
        let mut words = format!(
            "{} {} {}",
            answer.status.as_u16(),
            error.status,
            error.message
        );
        if let Some(code) = &code {
            words = format!("{words} [{code}]");
        }
        if let Some(violations) = bad.and_then(|bad| bad.get("fieldViolations")) {
            words = format!("{words} {violations}");
        }
        Self {
            status: answer.status,
            violations: bad.is_some(),
            words: bounded(&words),
            name: None,
            code,
        }
    }

    /// Our access token is old or wrong, and that is all we know.
    pub(super) fn bearer_refused(&self) -> bool {
        self.status == StatusCode::UNAUTHORIZED && self.code.is_none()
    }
}

pub(super) fn of(answer: &Answer, said: &Said, seen: &Mismatches, now: Timestamp) -> Verdict {
    let words = said.words.clone();
    let refused = |why: &str| {
        let why = format!("{why}: {words}");
        Verdict::of_device(Outcome::Refused(why), words.clone())
    };
    let misconfigured = |why: &str| Outcome::Misconfigured(format!("{why}: {words}"));
    match (said.status.as_u16(), said.code.as_deref()) {
        (200, _) => {
            seen.taken();
            let id = said.name.clone();
            Verdict::of_device(Outcome::Taken { id }, "")
        }
        (404, Some("UNREGISTERED")) => Verdict::of_device(Outcome::TokenGone, words),
        (403, Some("SENDER_ID_MISMATCH")) => match seen.another() {
            Suspect::Token => Verdict::of_device(Outcome::TokenGone, words),
            Suspect::Unknown => Verdict::of_device(
                misconfigured(
                    "the token is of another Firebase project, or --fcm-key is; no token is forgotten \
                     before a message was taken",
                ),
                words,
            ),
            Suspect::Key => Verdict::of_service(
                misconfigured(
                    "many tokens in a row are of another Firebase project: is --fcm-key of the app's?",
                ),
                words,
            ),
        },
        (400, _) if said.violations => refused("FCM does not take the message as we wrote it"),
        (400, Some("INVALID_ARGUMENT")) => refused("the token is malformed, or the message"),
        // Of one platform only: the phones of the other go on.
        (_, Some("THIRD_PARTY_AUTH_ERROR")) => Verdict::of_device(
            misconfigured("the APNs key of the Firebase project is missing or wrong"),
            words,
        ),
        (401, _) => Verdict::of_service(
            misconfigured("a fresh access token is refused: is the key of this project?"),
            words,
        ),
        (403, _) => Verdict::of_service(
            misconfigured(
                "the service account may not send: is the Firebase Cloud Messaging API on, and has it \
                 cloudmessaging.messages.create?",
            ),
            words,
        ),
        (404, _) => Verdict::of_service(
            misconfigured("FCM does not know the project of --fcm-key"),
            words,
        ),
        (429, _) => {
            let wait = Outcome::RetryAfter(answer.retry_after(now, THROTTLED));
            if names_device(&words) {
                Verdict::of_device(wait, words)
            } else {
                Verdict::of_service(wait, words)
            }
        }
        (500.., _) => {
            let wait = answer.retry_after(now, SOONEST);
            Verdict::of_service(Outcome::RetryAfter(wait), words)
        }
        _ => refused("FCM refuses the message"),
    }
}

fn names_device(words: &str) -> bool {
    let words = words.to_ascii_lowercase();
    words.contains("device") || words.contains("registration token")
}
