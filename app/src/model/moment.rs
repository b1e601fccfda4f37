//! An instant, as both ends carry it.

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z. The server renders UTC; the browser makes it local.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Moment(pub i64);

impl Moment {
    /// `2026-11-21T14:02:11Z`: what `<time datetime>` wants and a person can read.
    #[must_use]
    pub fn iso(self) -> String {
        let (year, month, day) = self.date();
        let second_of_day = self.0.div_euclid(1_000).rem_euclid(86_400);
        let (hour, minute, second) = (
            second_of_day / 3_600,
            second_of_day / 60 % 60,
            second_of_day % 60,
        );
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }

    /// `14:02`, in UTC.
    #[must_use]
    pub fn hour_minute(self) -> String {
        let minute_of_day = self.0.div_euclid(60_000).rem_euclid(1_440);
        format!("{:02}:{:02}", minute_of_day / 60, minute_of_day % 60)
    }

    /// Year, month (1-12) and day (1-31) in the Gregorian calendar, in UTC.
    ///
    /// Days are counted from 1 March, so that the leap day comes last in its year; 146,097 days
    /// make 400 years.
    #[must_use]
    pub fn date(self) -> (i64, i64, i64) {
        let days = self.0.div_euclid(86_400_000) + 719_468;
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 {
            month_from_march + 3
        } else {
            month_from_march - 9
        };
        let year = era * 400 + year_of_era + i64::from(month <= 2);
        (year, month, day)
    }

    /// Milliseconds from `earlier` to `self`; negative when it is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> i64 {
        self.0 - earlier.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_around_leap_days_and_the_epoch() {
        assert_eq!(Moment(0).iso(), "1970-01-01T00:00:00Z");
        assert_eq!(Moment(-1).iso(), "1969-12-31T23:59:59Z");
        assert_eq!(Moment(951_782_400_000).iso(), "2000-02-29T00:00:00Z");
        assert_eq!(Moment(1_795_270_931_000).iso(), "2026-11-21T14:22:11Z");
        assert_eq!(Moment(4_107_542_400_000).iso(), "2100-03-01T00:00:00Z");
        assert_eq!(Moment(1_795_270_931_000).hour_minute(), "14:22");
    }
}
