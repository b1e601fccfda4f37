//! The addresses of one connection, relative to this site.

/// `POST` here to begin. `device` names this browser: its tabs share what is acknowledged.
pub fn negotiate(hub: &str, device: &str) -> String {
    format!(
        "{hub}/negotiate?device={}&negotiateVersion=1",
        escape(device)
    )
}

/// The connection itself. `secret` is the negotiated connection token. Each item comes, whatever its class says: what
/// came while the page was away makes toasts, and what it shows it acknowledges.
pub fn connect(hub: &str, device: &str, secret: &str) -> String {
    format!(
        "{hub}?device={}&backlog=all&id={}",
        escape(device),
        escape(secret)
    )
}

/// For a WebSocket or an event stream: browsers let neither carry an `Authorization` header.
pub fn with_token(url: &str, token: &str) -> String {
    format!("{url}&access_token={}", escape(token))
}

/// `path` on this site as a WebSocket address. `protocol` and `host` are those of `location`.
pub fn socket(protocol: &str, host: &str, path: &str) -> String {
    let scheme = if protocol == "http:" { "ws" } else { "wss" };
    format!("{scheme}://{host}{path}")
}

/// Is it a path of this site? A token must never travel to another one.
pub fn is_local(hub: &str) -> bool {
    hub.starts_with('/') && !hub.starts_with("//") && !hub.contains(['\\', '?', '#'])
}

fn escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push('%');
            for digit in [byte >> 4, byte & 15] {
                let digit = char::from_digit(u32::from(digit), 16).unwrap_or('0');
                escaped.push(digit.to_ascii_uppercase());
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped_and_the_device_comes_on_both() {
        assert_eq!(
            negotiate("/hubs/workflow", "a b"),
            "/hubs/workflow/negotiate?device=a%20b&negotiateVersion=1"
        );
        let url = connect("/hubs/workflow", "d1", "s+/é");
        assert_eq!(url, "/hubs/workflow?device=d1&backlog=all&id=s%2B%2F%C3%A9");
        assert_eq!(
            with_token("/h?id=1", "a.b-c&"),
            "/h?id=1&access_token=a.b-c%26"
        );
    }

    #[test]
    fn sockets_are_as_secure_as_the_page() {
        assert_eq!(
            socket("http:", "localhost:7420", "/h?id=1"),
            "ws://localhost:7420/h?id=1"
        );
        assert_eq!(socket("https:", "hub.example", "/h"), "wss://hub.example/h");
    }

    #[test]
    fn tokens_stay_on_this_site() {
        assert!(is_local("/hubs/workflow"));
        for hub in [
            "https://evil",
            "//evil/hub",
            "/\\evil",
            "hubs",
            "",
            "/hub?x",
            "/hub#x",
        ] {
            assert!(!is_local(hub), "{hub}");
        }
    }
}
