//! What outlives the page, in `localStorage`. Where that is forbidden, nothing does: the device is
//! then a new one on each page, and the server replays what no device acknowledged.

use web_sys::Storage;

const DEVICE: &str = "bellhop.device";

/// The random name of this browser. Its tabs share it, and with it what is acknowledged.
#[must_use]
pub fn device() -> String {
    let storage = storage();
    let known = storage
        .as_ref()
        .and_then(|storage| storage.get_item(DEVICE).ok().flatten());
    known.filter(|name| is_safe(name)).unwrap_or_else(|| {
        let name = random_name();
        if let Some(storage) = storage {
            let _ = storage.set_item(DEVICE, &name);
        }
        name
    })
}

/// The replay cursor kept for this user.
pub(super) fn cursor(scope: &str) -> Option<String> {
    storage()?.get_item(&cursor_key(scope)).ok().flatten()
}

/// Keeps it. Losing it costs a replay.
pub(super) fn save_cursor(scope: &str, cursor: &str) {
    if let Some(storage) = storage() {
        let _ = storage.set_item(&cursor_key(scope), cursor);
    }
}

fn cursor_key(scope: &str) -> String {
    format!("bellhop.cursor.{scope}")
}

fn storage() -> Option<Storage> {
    web_sys::window()?.local_storage().ok().flatten()
}

fn is_safe(name: &str) -> bool {
    (8..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn random_name() -> String {
    let mut bytes = [0_u8; 16];
    let crypto = web_sys::window().and_then(|window| window.crypto().ok());
    let filled = crypto.is_some_and(|c| c.get_random_values_with_u8_array(&mut bytes).is_ok());
    let digits = if filled {
        format!("{:032x}", u128::from_le_bytes(bytes))
    } else {
        js_sys::Math::random().to_string().replace('.', "")
    };
    format!("web-{digits}")
}
