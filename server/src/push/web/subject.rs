//! Who answers for our pushes: a push service that has trouble with them writes there. Apple refuses
//! what cannot be anybody's (403 BadJwtToken), the others accept all; so it is checked at start.

use std::fmt;
use std::str::FromStr;

use url::{Host, Url};

/// A `mailto:` or `https:` URL that can be somebody's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject(String);

/// Not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no address that Apple accepts: write mailto:push@example.com with a domain of yours, or \
     https://… (no localhost, no IP address, no .local, .invalid, .test or .example)"
)]
pub struct NotASubject(String);

/// Domains that are nobody's (RFC 6761, RFC 6762), and what companies use inside.
const NOBODYS: [&str; 9] = [
    "localhost",
    "local",
    "invalid",
    "test",
    "example",
    "internal",
    "lan",
    "home",
    "corp",
];

impl FromStr for Subject {
    type Err = NotASubject;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || NotASubject(text.to_owned());
        let domain = if let Some(address) = text.strip_prefix("mailto:") {
            let (name, domain) = address.rsplit_once('@').ok_or_else(refused)?;
            let plain = |letter: char| {
                letter.is_ascii_alphanumeric() || ".!#$%&'*+/=?^_`{|}~-".contains(letter)
            };
            if name.is_empty() || !name.chars().all(plain) {
                return Err(refused());
            }
            Host::parse(domain).map_err(|_| refused())?
        } else {
            let url = Url::parse(text).map_err(|_| refused())?;
            if url.scheme() != "https" || text.contains(char::is_whitespace) {
                return Err(refused());
            }
            url.host().ok_or_else(refused)?.to_owned()
        };
        let Host::Domain(domain) = domain else {
            return Err(refused());
        };
        let top = domain.rsplit('.').next().unwrap_or_default();
        if !domain.contains('.') || NOBODYS.contains(&top) {
            return Err(refused());
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_apple_refuses_is_refused_at_start() {
        for good in [
            "mailto:push@acme.com",
            "https://hr.acme.com",
            "https://acme.co.uk/contact",
        ] {
            assert_eq!(good.parse::<Subject>().unwrap().to_string(), good);
        }
        for wrong in [
            "",
            "push@acme.com",
            "mailto:",
            "mailto:acme.com",
            "mailto:push@localhost",
            "mailto: push@acme.com",
            "mailto:<push@acme.com>",
            "mailto:push@acme",
            "mailto:push@10.0.0.1",
            "mailto:push@mail.invalid",
            "http://acme.com",
            "https://localhost",
            "https://127.0.0.1",
            "https://hr.acme.local",
            "https://[::1]/",
            "https://push.example",
            "mailto:push@acme.com\n",
        ] {
            assert!(wrong.parse::<Subject>().is_err(), "{wrong:?}");
        }
    }
}
