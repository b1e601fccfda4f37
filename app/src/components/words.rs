//! Instants and spans in words. Pure: the instant, now, and the zone's offset come in.

use crate::model::Moment;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// An instant and how to read it: `zone` is what to add to UTC.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// The instant.
    pub at: Moment,
    /// Now.
    pub now: Moment,
    /// Milliseconds to add to UTC.
    pub zone: i64,
}

impl Reading {
    fn local(self) -> Moment {
        Moment(self.at.0 + self.zone)
    }

    /// Days from now, in the reader's zone: 0 is today, -1 yesterday.
    fn days_ahead(self) -> i64 {
        self.local().0.div_euclid(DAY) - (self.now.0 + self.zone).div_euclid(DAY)
    }

    /// `14:02`.
    #[must_use]
    pub fn clock(self) -> String {
        self.local().hour_minute()
    }

    /// `14:02:11`.
    #[must_use]
    pub fn clock_seconds(self) -> String {
        let second = self.local().0.div_euclid(1_000).rem_euclid(60);
        format!("{}:{second:02}", self.clock())
    }

    /// `18 Nov`, with the year when it is another one.
    #[must_use]
    pub fn date(self) -> String {
        let (year, month, day) = self.local().date();
        let (this_year, ..) = Moment(self.now.0 + self.zone).date();
        let month = usize::try_from(month - 1)
            .ok()
            .and_then(|it| MONTHS.get(it))
            .unwrap_or(&"");
        if year == this_year {
            format!("{day} {month}")
        } else {
            format!("{day} {month} {year}")
        }
    }

    /// `Fri 20 Nov`.
    #[must_use]
    pub fn weekday_date(self) -> String {
        let weekday = self.local().0.div_euclid(DAY).rem_euclid(7);
        let weekday = usize::try_from(weekday)
            .ok()
            .and_then(|it| DAYS.get(it))
            .unwrap_or(&"");
        format!("{weekday} {}", self.date())
    }

    /// `Today`, `Yesterday`, `Fri 20 Nov`: heading of a day.
    #[must_use]
    pub fn day(self) -> String {
        match self.days_ahead() {
            0 => "Today".to_owned(),
            -1 => "Yesterday".to_owned(),
            1 => "Tomorrow".to_owned(),
            _ => self.weekday_date(),
        }
    }

    /// `today 08:41`, `yesterday 17:20`, `18 Nov, 08:41`.
    #[must_use]
    pub fn stamp(self) -> String {
        match self.days_ahead() {
            0 => format!("today {}", self.clock()),
            -1 => format!("yesterday {}", self.clock()),
            1 => format!("tomorrow {}", self.clock()),
            _ => format!("{}, {}", self.date(), self.clock()),
        }
    }

    /// `now`, `3 min`, `2 h`; from yesterday on the time of day, before that the date.
    #[must_use]
    pub fn ago(self) -> String {
        let age = self.now.since(self.at);
        match (self.days_ahead(), age) {
            (_, ..MINUTE) => "now".to_owned(),
            (0, _) | (_, ..HOUR) => span(age),
            (-1, _) => self.clock(),
            _ => self.date(),
        }
    }

    /// When it is due, as far ahead as it is.
    #[must_use]
    pub fn due(self) -> Due {
        let left = self.at.since(self.now);
        if left < 0 {
            return Due::Over(format!("Overdue {}", span(-left)));
        }
        if left < HOUR {
            return Due::Soon(format!("Due in {}", span(left)));
        }
        Due::Later(match self.days_ahead() {
            0 => format!("Today {}", self.clock()),
            1 => "Tomorrow".to_owned(),
            _ => self.weekday_date(),
        })
    }
}

/// A due time in words, and how much it presses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Due {
    /// Past.
    Over(String),
    /// Within the hour.
    Soon(String),
    /// Later.
    Later(String),
}

/// A span in its largest unit: `now`, `42 min`, `7 h`, `2 d`.
#[must_use]
pub fn span(milliseconds: i64) -> String {
    match milliseconds {
        ..MINUTE => "under 1 min".to_owned(),
        MINUTE..HOUR => format!("{} min", milliseconds / MINUTE),
        HOUR..DAY => format!("{} h", milliseconds / HOUR),
        _ => format!("{} d", milliseconds / DAY),
    }
}

/// A short span with seconds and tenths: `0.4 s`, `38 s`, `2 min`.
#[must_use]
pub fn short_span(milliseconds: i64) -> String {
    match milliseconds.max(0) {
        milliseconds @ ..10_000 => {
            format!("{}.{} s", milliseconds / 1_000, milliseconds % 1_000 / 100)
        }
        milliseconds @ ..MINUTE => format!("{} s", milliseconds / 1_000),
        milliseconds => span(milliseconds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Thursday 19 November 2026, 14:02:11 UTC.
    const NOW: Moment = Moment(1_795_096_931_000);

    fn read(at: i64) -> Reading {
        Reading {
            at: Moment(NOW.0 + at),
            now: NOW,
            zone: 0,
        }
    }

    #[test]
    fn ages() {
        assert_eq!(read(-20_000).ago(), "now");
        assert_eq!(read(-3 * MINUTE).ago(), "3 min");
        assert_eq!(read(-2 * HOUR).ago(), "2 h");
        assert_eq!(read(-22 * HOUR).ago(), "16:02");
        assert_eq!(read(-3 * DAY).ago(), "16 Nov");
    }

    #[test]
    fn due_times() {
        assert_eq!(read(-2 * HOUR).due(), Due::Over("Overdue 2 h".to_owned()));
        assert_eq!(
            read(42 * MINUTE).due(),
            Due::Soon("Due in 42 min".to_owned())
        );
        assert_eq!(read(3 * HOUR).due(), Due::Later("Today 17:02".to_owned()));
        assert_eq!(read(DAY).due(), Due::Later("Tomorrow".to_owned()));
        assert_eq!(read(4 * DAY).due(), Due::Later("Mon 23 Nov".to_owned()));
    }

    #[test]
    fn the_day_is_the_readers() {
        let late = Reading {
            at: Moment(NOW.0 - 15 * HOUR),
            now: NOW,
            zone: 0,
        };
        assert_eq!(late.day(), "Yesterday");
        assert_eq!(
            Reading {
                zone: 330 * MINUTE,
                ..late
            }
            .day(),
            "Today"
        );
        assert_eq!(
            Reading {
                zone: 330 * MINUTE,
                ..late
            }
            .clock(),
            "04:32"
        );
    }

    #[test]
    fn spans() {
        assert_eq!(short_span(400), "0.4 s");
        assert_eq!(short_span(38_000), "38 s");
        assert_eq!(short_span(120_000), "2 min");
        assert_eq!(read(0).clock_seconds(), "14:02:11");
        assert_eq!(read(-400 * DAY).date(), "15 Oct 2025");
    }
}
