//! Extension -1, a point in time, as an RFC 3339 string in UTC.

use std::fmt::Write;

/// The number of the extension.
const KIND: i8 = -1;

const SECONDS_A_DAY: i64 = 86_400;

/// `None` for other extensions and for what is no timestamp.
///
/// Years outside of 0 to 9999 get a sign and as many digits as they need, as in ISO 8601's expanded
/// form.
pub(super) fn rfc_3339(kind: i8, data: &[u8]) -> Option<String> {
    if kind != KIND {
        return None;
    }
    let (seconds, nanos) = if let Ok(seconds) = <[u8; 4]>::try_from(data) {
        (u32::from_be_bytes(seconds).into(), 0)
    } else if let Ok(both) = <[u8; 8]>::try_from(data) {
        // 30 bits of nanoseconds, then 34 bits of seconds.
        let both = u64::from_be_bytes(both);
        let nanos = u32::try_from(both >> 34).ok()?;
        (i64::try_from(both & 0x3_ffff_ffff).ok()?, nanos)
    } else {
        let (nanos, seconds) = data.split_first_chunk::<4>()?;
        let seconds = <[u8; 8]>::try_from(seconds).ok()?;
        (i64::from_be_bytes(seconds), u32::from_be_bytes(*nanos))
    };
    (nanos < 1_000_000_000).then(|| format(seconds, nanos))
}

fn format(seconds: i64, nanos: u32) -> String {
    let (year, month, day) = date(seconds.div_euclid(SECONDS_A_DAY));
    let clock = seconds.rem_euclid(SECONDS_A_DAY);
    let mut text = String::with_capacity(30);
    // Writing into a string does not fail.
    let _ = match year {
        0..=9999 => write!(text, "{year:04}"),
        _ => write!(text, "{year:+07}"),
    };
    let (hour, minute, second) = (clock / 3600, clock / 60 % 60, clock % 60);
    let _ = write!(
        text,
        "-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
    );
    let _ = match nanos {
        0 => Ok(()),
        _ if nanos.is_multiple_of(1_000_000) => write!(text, ".{:03}", nanos / 1_000_000),
        _ if nanos.is_multiple_of(1_000) => write!(text, ".{:06}", nanos / 1_000),
        _ => write!(text, ".{nanos:09}"),
    };
    text.push('Z');
    text
}

/// Year, month and day in the Gregorian calendar of a day counted from 1970-01-01.
///
/// Years are counted from March, so that the leap day is a year's last, and in eras of 400 years,
/// which are all alike.
fn date(day: i64) -> (i64, i64, i64) {
    const ERA: i64 = 146_097;
    /// From 0000-03-01 to 1970-01-01.
    const EPOCH: i64 = 719_468;
    let day = day + EPOCH;
    let (era, of_era) = (day.div_euclid(ERA), day.rem_euclid(ERA));
    // Each 4 years have a day more than 4 times 365, each 100 years one less, each 400 one more.
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / (ERA - 1)) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    // From March on, months have 31, 30, 31, 30, 31 days, over and over.
    let month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month + 2) / 5;
    let january_or_later = i64::from(month >= 10);
    (
        era * 400 + year + january_or_later,
        (month + 2) % 12 + 1,
        of_month + 1,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_dates() {
        for (seconds, nanos, text) in [
            (0, 0, "1970-01-01T00:00:00Z"),
            (-1, 0, "1969-12-31T23:59:59Z"),
            (951_782_400, 0, "2000-02-29T00:00:00Z"),
            (951_868_800, 1, "2000-03-01T00:00:00.000000001Z"),
            (1_709_164_799, 999_000_000, "2024-02-28T23:59:59.999Z"),
            (1_735_689_600, 120_000, "2025-01-01T00:00:00.000120Z"),
            (4_107_542_400, 0, "2100-03-01T00:00:00Z"),
            (253_402_300_799, 0, "9999-12-31T23:59:59Z"),
            (253_402_300_800, 0, "+010000-01-01T00:00:00Z"),
            (-62_167_219_200, 0, "0000-01-01T00:00:00Z"),
            (-62_167_219_201, 0, "-000001-12-31T23:59:59Z"),
            (i64::MAX, 0, "+292277026596-12-04T15:30:07Z"),
            (i64::MIN, 0, "-292277022657-01-27T08:29:52Z"),
        ] {
            assert_eq!(format(seconds, nanos), text);
        }
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut last = date(-800_000);
        for day in -799_999..800_000 {
            let next = date(day);
            let (year, month, day) = last;
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let days = match month {
                2 => 28 + i64::from(leap),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            let expected = match (month, day) {
                (12, 31) => (year + 1, 1, 1),
                _ if day == days => (year, month + 1, 1),
                _ => (year, month, day + 1),
            };
            assert_eq!(next, expected);
            last = next;
        }
    }

    #[test]
    fn three_lengths_are_timestamps_and_nothing_else() {
        assert_eq!(rfc_3339(-1, &[0, 0, 0, 1]).unwrap(), "1970-01-01T00:00:01Z");
        // 1 ns in the upper 30 bits, 2^32 s in the lower 34.
        let both = (1_u64 << 34 | 1 << 32).to_be_bytes();
        assert_eq!(
            rfc_3339(-1, &both).unwrap(),
            "2106-02-07T06:28:16.000000001Z"
        );
        let mut long = [0; 12];
        long[4..].copy_from_slice(&(-1_i64).to_be_bytes());
        assert_eq!(rfc_3339(-1, &long).unwrap(), "1969-12-31T23:59:59Z");
        long[..4].copy_from_slice(&1_000_000_000_u32.to_be_bytes());
        assert_eq!(rfc_3339(-1, &long), None, "a second is not that long");
        for length in [0, 1, 3, 5, 7, 9, 11, 13] {
            assert_eq!(rfc_3339(-1, &vec![0; length]), None);
        }
        assert_eq!(rfc_3339(1, &[0; 4]), None);
    }
}
