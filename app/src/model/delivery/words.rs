//! What the ladder does, in words. The API, the console and its form say the same.

use super::class::{AckBy, Class, Sufficient};
use super::ladder::{Due, End};

/// `45 s`, `1 min 30 s`, `2 h`, `14 days`: the two largest parts.
#[must_use]
pub fn span(seconds: u32) -> String {
    let parts = [
        (seconds / 86_400, "days"),
        (seconds / 3_600 % 24, "h"),
        (seconds / 60 % 60, "min"),
        (seconds % 60, "s"),
    ];
    let words: Vec<String> = parts
        .into_iter()
        .skip_while(|(count, _)| *count == 0)
        .take(2)
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| match (count, unit) {
            (1, "days") => "1 day".to_owned(),
            _ => format!("{count} {unit}"),
        })
        .collect();
    if words.is_empty() {
        "0 s".to_owned()
    } else {
        words.join(" ")
    }
}

/// What settles a delivery of the class.
#[must_use]
pub const fn settled_by(ack_by: AckBy, sufficient: Sufficient) -> &'static str {
    match (ack_by, sufficient) {
        (AckBy::AnyDevice, Sufficient::Acked) => "settled by the first device that acks",
        (AckBy::AnyDevice, Sufficient::Reached) => {
            "settled by an ack, or by reading where a client never acks"
        }
        (AckBy::EveryDevice, _) => {
            "settled when every device that was seen within 30 days has acked"
        }
        (AckBy::ActiveDevice, _) => "settled by the ack of a device with somebody at it",
    }
}

/// What is done. `phones`: how many phones and browsers can be pushed to.
#[must_use]
pub fn due(class: &Class, due: Due, phones: usize) -> String {
    match due {
        Due::Again { last: false } => {
            "again to connections that do not have it; those that hold it unconfirmed are asked whether they live"
                .to_owned()
        }
        Due::Again { last: true } => {
            "again to connections that do not have it, for the last time; silent ones are cut".to_owned()
        }
        Due::Push if phones == 0 => "push: no phone or browser is registered for it".to_owned(),
        Due::Push => {
            let phones = match phones {
                1 => "1 phone or browser".to_owned(),
                many => format!("{many} phones and browsers"),
            };
            let wakes = if class.push.high { ", waking it" } else { "" };
            format!("push to {phones}{wakes}")
        }
        Due::Deputy => "to the deputy, or the manager, as a delivery of their own".to_owned(),
        Due::Withdraw => "what phones show is taken back".to_owned(),
    }
}

/// How it ends.
#[must_use]
pub const fn end(end: End) -> &'static str {
    match end {
        End::Paid => "settled: nothing more is done",
        End::Expire => "it expires and is kept as a dead letter",
        End::GiveUp => "given up: it is kept as a dead letter",
        End::Remove => "its user was removed: it is kept as a dead letter",
    }
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn spans_have_two_parts() {
        for (seconds, words) in [
            (0, "0 s"),
            (45, "45 s"),
            (90, "1 min 30 s"),
            (600, "10 min"),
            (3_601, "1 h"),
            (86_400, "1 day"),
            (14 * 86_400, "14 days"),
        ] {
            assert_eq!(span(seconds), words);
        }
    }
}
