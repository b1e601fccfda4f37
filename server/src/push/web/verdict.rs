//! What a push service's answer means. A subscription is gone on 404 and 410 and on nothing else.

use std::time::Duration;

use http::{StatusCode, header};
use jiff::Timestamp;

use super::super::answer::{Answer, SOONEST};
use super::super::outcome::{Outcome, Verdict};

/// A service that throttles and does not say for how long.
const THROTTLED: Duration = Duration::from_mins(1);

pub(super) fn of(answer: &Answer, now: Timestamp) -> Verdict {
    let said = words(answer);
    match answer.status {
        status if status.is_success() => {
            let id = answer.header(header::LOCATION).map(str::to_owned);
            Verdict::of_device(Outcome::Taken { id }, said)
        }
        StatusCode::NOT_FOUND | StatusCode::GONE => Verdict::of_device(Outcome::TokenGone, said),
        // Our signature, or a subscription bound to another key. Neither says that the browser is
        // gone.
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            let why = format!("the push service refuses our VAPID signature: {said}");
            Verdict::of_service(Outcome::Misconfigured(why), said)
        }
        // 406 is how Windows throttles.
        StatusCode::TOO_MANY_REQUESTS | StatusCode::NOT_ACCEPTABLE => Verdict::of_device(
            Outcome::RetryAfter(answer.retry_after(now, THROTTLED)),
            said,
        ),
        status if status.is_server_error() => {
            let wait = answer.retry_after(now, SOONEST);
            Verdict::of_service(Outcome::RetryAfter(wait), said)
        }
        status if status.is_redirection() => {
            let why = "the push service redirects, which is not followed".to_owned();
            Verdict::of_device(Outcome::Refused(why), said)
        }
        _ => Verdict::of_device(Outcome::Refused(said.clone()), said),
    }
}

/// The body, and what Windows says in headers only.
fn words(answer: &Answer) -> String {
    let mut words = answer.text();
    for (name, value) in &answer.headers {
        if name.as_str().starts_with("x-wns-")
            && let Ok(value) = value.to_str()
        {
            words = format!("{words} {name}: {value}");
        }
    }
    let words = words.trim();
    if words.is_empty() {
        return answer.status.to_string();
    }
    words.to_owned()
}
