//! Names of devices.

use std::sync::Arc;

/// A device's name from the token's claim, else from the URL; `None` for an unnamed device.
///
/// 1 to 64 safe characters; another name counts as unnamed, which costs the client replays but
/// never an item.
pub(crate) fn name(claim: Option<&str>, url: Option<&str>) -> Option<Arc<str>> {
    let name = claim.or(url)?;
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
    ((1..=64).contains(&name.len()) && name.bytes().all(safe)).then(|| name.into())
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn the_claim_beats_the_url_and_odd_names_are_none() {
        assert_eq!(name(Some("phone"), Some("tab")).as_deref(), Some("phone"));
        assert_eq!(
            name(None, Some("tab-1:a.b_c")).as_deref(),
            Some("tab-1:a.b_c")
        );
        assert_eq!(name(None, Some("")), None);
        assert_eq!(name(None, Some("a b")), None);
        assert_eq!(name(None, Some(&"x".repeat(65))), None);
        assert_eq!(name(None, None), None);
    }
}
