//! Where a webhook may point. Its URL comes from whoever holds a service's key: without rules they could have this
//! server write to anything it reaches. What a name resolves to is checked where the connection is made
//! (`push::resolver`).

use url::{Host, Url};

const LONGEST: usize = 2_048;

/// Why a URL was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// It is no URL of the kind.
    #[error(
        "An https URL is needed, of at most 2,048 bytes, without user, password and fragment: \
         https://app.example.com/receipts."
    )]
    Shape,
    /// It names an address, or this machine.
    #[error(
        "The host must be a public name, not an address; an operator can allow others with \
         --webhooks-allow-private."
    )]
    Private,
}

/// Checks a URL; `private`: the settings allow http and private addresses.
///
/// # Errors
/// What is wrong with it.
pub fn check(text: &str, private: bool) -> Result<Url, TargetError> {
    let url = Url::parse(text).map_err(|_| TargetError::Shape)?;
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    let scheme = url.scheme() == "https" || private && url.scheme() == "http";
    if text.len() > LONGEST || !plain || !scheme {
        return Err(TargetError::Shape);
    }
    match url.host().ok_or(TargetError::Shape)? {
        _ if private => Ok(url),
        Host::Domain(name) => {
            let name = name.trim_end_matches('.');
            let here = name == "localhost" || name.ends_with(".localhost");
            if here || !name.contains('.') {
                return Err(TargetError::Private);
            }
            Ok(url)
        }
        Host::Ipv4(_) | Host::Ipv6(_) => Err(TargetError::Private),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_points_outside() {
        let refused = |text: &str| check(text, false).unwrap_err();
        for shape in [
            "",
            "app.example.com",
            "http://app.example.com/",
            "ftp://app.example.com/",
            "https://u:p@app.example.com/",
            "https://app.example.com/#a",
        ] {
            assert_eq!(refused(shape), TargetError::Shape, "{shape}");
        }
        for private in [
            "https://127.0.0.1/",
            "https://10.0.0.1/",
            "https://169.254.169.254/latest",
            "https://8.8.8.8/",
            "https://0x7f000001/",
            "https://2130706433/",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://localhost/",
            "https://LOCALHOST./",
            "https://a.localhost/",
            "https://metadata/",
        ] {
            assert_eq!(refused(private), TargetError::Private, "{private}");
        }
        assert!(check("https://app.example.com:8443/receipts?a=b", false).is_ok());
        assert!(check("http://10.0.0.1:8080/", true).is_ok());
        assert_eq!(check("ftp://10.0.0.1/", true), Err(TargetError::Shape));
        let long = format!("https://app.example.com/{}", "a".repeat(2_048));
        assert_eq!(refused(&long), TargetError::Shape);
    }
}
