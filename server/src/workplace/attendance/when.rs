//! When it was: an instant, or the digits on a clock somewhere.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::record::Refusal;

/// Clocks of devices run ahead by seconds; by more than this, they are wrong.
const AHEAD: SignedDuration = SignedDuration::from_mins(15);
/// Devices that lost their battery say 2000-01-01.
const BEHIND: SignedDuration = SignedDuration::from_hours(400 * 24);

/// The time of a punch as the caller knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// An instant.
    Instant(Timestamp),
    /// Digits without an offset. In a gap (spring) they are moved on by its length, in an overlap
    /// (autumn) they are the first of the two: what jiff and RFC 5545 call "compatible".
    Local {
        /// What the clock showed.
        digits: DateTime,
        /// IANA zone of the clock; `None`: that of the person's site.
        zone: Option<String>,
    },
}

/// The three ways a punch's time is kept, and the day it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Settled {
    /// Cut to microseconds, as the table holds it.
    pub at: Timestamp,
    /// The digits.
    pub local: DateTime,
    /// The zone that made one of the other.
    pub zone: String,
    /// The day at the person's site.
    pub work_date: Date,
}

impl When {
    /// Settles the time for somebody whose days are counted in `site`.
    pub(super) fn settle(&self, site: Option<&str>, now: Timestamp) -> Result<Settled, Refusal> {
        let home = site.unwrap_or("UTC");
        let (at, local, zone) = match self {
            Self::Instant(at) => (*at, at.to_zoned(find(home)?).datetime(), home.to_owned()),
            Self::Local { digits, zone } => {
                let name = zone.as_deref().unwrap_or(home);
                let zoned = digits
                    .to_zoned(find(name)?)
                    .map_err(|_| Refusal::OutOfRange)?;
                (zoned.timestamp(), *digits, name.to_owned())
            }
        };
        let at = Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at);
        if at.duration_since(now) > AHEAD {
            return Err(Refusal::Ahead(at));
        }
        if now.duration_since(at) > BEHIND {
            return Err(Refusal::Behind(at));
        }
        // Somebody without a site: their day is where the clock was.
        let day_zone = find(site.unwrap_or(&zone))?;
        Ok(Settled {
            at,
            local,
            zone,
            work_date: at.to_zoned(day_zone).date(),
        })
    }
}

/// A zone of the bundled data.
pub(super) fn find(name: &str) -> Result<TimeZone, Refusal> {
    TimeZone::get(name).map_err(|_| Refusal::UnknownZone(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settle(digits: &str, zone: &str, now: &str) -> Settled {
        let when = When::Local {
            digits: digits.parse().unwrap(),
            zone: Some(zone.to_owned()),
        };
        when.settle(Some(zone), now.parse().unwrap()).unwrap()
    }

    #[test]
    fn digits_in_a_gap_move_on_and_in_an_overlap_are_the_first() {
        let gap = settle("2026-03-29T01:30", "Europe/London", "2026-03-29T12:00:00Z");
        assert_eq!(
            gap.at.to_string(),
            "2026-03-29T01:30:00Z",
            "shown as 02:30 BST"
        );
        let overlap = settle("2026-10-25T01:30", "Europe/London", "2026-10-25T12:00:00Z");
        assert_eq!(
            overlap.at.to_string(),
            "2026-10-25T00:30:00Z",
            "the BST one"
        );
        assert_eq!(
            overlap.local.to_string(),
            "2026-10-25T01:30:00",
            "digits are kept as they came"
        );
    }

    #[test]
    fn the_day_is_the_sites_day() {
        let now: Timestamp = "2026-11-21T20:00:00Z".parse().unwrap();
        let when = When::Instant("2026-11-21T19:00:00Z".parse().unwrap());
        let day = |zone: &str| when.settle(Some(zone), now).unwrap().work_date.to_string();
        assert_eq!(day("Europe/London"), "2026-11-21");
        assert_eq!(day("Asia/Kolkata"), "2026-11-22");
    }

    #[test]
    fn a_clock_that_cannot_be_right_is_refused() {
        let now: Timestamp = "2026-11-21T20:00:00Z".parse().unwrap();
        let at = |text: &str| When::Instant(text.parse().unwrap()).settle(None, now);
        assert!(matches!(at("2026-11-21T21:00:00Z"), Err(Refusal::Ahead(_))));
        assert!(matches!(
            at("2000-01-01T00:00:00Z"),
            Err(Refusal::Behind(_))
        ));
        assert!(at("2026-11-21T20:10:00Z").is_ok());
        let nowhere = When::Local {
            digits: "2026-11-21T20:00".parse().unwrap(),
            zone: Some("Europe/Atlantis".to_owned()),
        };
        assert!(matches!(
            nowhere.settle(None, now),
            Err(Refusal::UnknownZone(_))
        ));
    }
}
