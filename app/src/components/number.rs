//! Figures as people read them.

/// `1,284`.
#[must_use]
pub fn grouped(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if value < 0 {
        out.push('−');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count that stops at 99, for the bell: `99+`.
#[must_use]
pub fn capped(value: i64) -> String {
    if value > 99 {
        "99+".to_owned()
    } else {
        value.to_string()
    }
}

/// `31 KiB`, `1.1 MiB`; nothing finer than a tenth.
#[must_use]
pub fn bytes(value: i64) -> String {
    const KIB: i64 = 1_024;
    match value {
        ..KIB => format!("{value} B"),
        KIB..1_048_576 => format!("{} KiB", value / KIB),
        _ => {
            let tenths = value * 10 / 1_048_576;
            format!("{}.{} MiB", tenths / 10, tenths % 10)
        }
    }
}

/// One thing or several: `1 person`, `3 people`.
#[must_use]
pub fn counted(value: usize, one: &str, many: &str) -> String {
    if value == 1 {
        format!("1 {one}")
    } else {
        format!("{value} {many}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_284), "1,284");
        assert_eq!(grouped(-1_000_000), "−1,000,000");
        assert_eq!(capped(99), "99");
        assert_eq!(capped(100), "99+");
        assert_eq!(bytes(12), "12 B");
        assert_eq!(bytes(18 * 1024), "18 KiB");
        assert_eq!(bytes(1_153_434), "1.1 MiB");
        assert_eq!(counted(1, "connection", "connections"), "1 connection");
        assert_eq!(counted(3, "connection", "connections"), "3 connections");
    }
}
