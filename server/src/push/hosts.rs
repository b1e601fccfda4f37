//! Which hosts a browser's subscription may name. Endpoints come from clients: without a list, a
//! client could have the server write to any address it reaches.

use std::str::FromStr;
use std::sync::Arc;

use url::{Host, Url};

use super::service::Service;

/// The push services of the browsers there are. Chrome's test channels use a host of google.com.
pub const DEFAULT: &str = "fcm.googleapis.com,android.googleapis.com,jmt17.google.com,\
    *.push.services.mozilla.com,*.notify.windows.com,*.push.apple.com";

/// A host, or all hosts beneath one (`*.push.apple.com`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPattern(String);

/// Not a host and no pattern of one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither a host (push.example.com) nor all beneath one (*.push.example.com)")]
pub struct NotAPattern(String);

impl FromStr for HostPattern {
    type Err = NotAPattern;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim().to_ascii_lowercase();
        let name = text.strip_prefix("*.").unwrap_or(&text);
        // One label beneath `*.` would be a whole top-level domain.
        let wild = name.len() != text.len();
        let labels = name.split('.').collect::<Vec<_>>();
        let fits = |label: &&str| {
            !label.is_empty()
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let numeric = Host::parse(name).is_ok_and(|host| !matches!(host, Host::Domain(_)));
        if name.len() > 253 || !labels.iter().all(fits) || (wild && labels.len() < 2) || numeric {
            return Err(NotAPattern(text));
        }
        Ok(Self(text))
    }
}

impl HostPattern {
    fn matches(&self, host: &str) -> bool {
        match self.0.strip_prefix("*.") {
            None => self.0 == host,
            Some(parent) => host
                .strip_suffix(parent)
                .is_some_and(|before| before.len() > 1 && before.ends_with('.')),
        }
    }
}

/// The list, from the settings. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AllowedHosts {
    patterns: Arc<[HostPattern]>,
    loopback: bool,
}

/// Why an endpoint was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    #[error(
        "endpoint: an https URL is needed, without user, password and fragment and of at most 2048 \
         bytes; send what the browser's subscription says, unchanged"
    )]
    Shape,
    #[error(
        "endpoint: {0} is not among the push services this server writes to; an operator can add \
         it to --push-hosts"
    )]
    Unlisted(String),
}

const LONGEST: usize = 2048;

impl Default for AllowedHosts {
    fn default() -> Self {
        let patterns = DEFAULT.split(',').map(|name| HostPattern(name.to_owned()));
        Self {
            patterns: patterns.collect(),
            loopback: false,
        }
    }
}

impl AllowedHosts {
    /// `loopback`: for development, allow http to this machine as well: `127.0.0.1`, `localhost`, and
    /// `HOST.localhost` as the stand-in of a listed HOST.
    #[must_use]
    pub fn new(patterns: &[HostPattern], loopback: bool) -> Self {
        Self {
            patterns: patterns.into(),
            loopback,
        }
    }

    /// May this machine's stand-ins be written to?
    #[must_use]
    pub fn loopback(&self) -> bool {
        self.loopback
    }

    /// Reads an endpoint and says whose it is.
    pub fn endpoint(&self, text: &str) -> Result<(Url, Service), HostError> {
        let url = Url::parse(text).map_err(|_| HostError::Shape)?;
        let plain =
            url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        if text.len() > LONGEST || !plain {
            return Err(HostError::Shape);
        }
        let service = self.service(&url)?;
        Ok((url, service))
    }

    fn service(&self, url: &Url) -> Result<Service, HostError> {
        let unlisted = |host: &dyn std::fmt::Display| HostError::Unlisted(host.to_string());
        let here = self.loopback && matches!(url.scheme(), "http" | "https");
        if url.scheme() != "https" && !here {
            return Err(HostError::Shape);
        }
        let host = match url.host().ok_or(HostError::Shape)? {
            Host::Ipv4(address) if here && address.is_loopback() => return Ok(Service::Other),
            Host::Ipv6(address) if here && address.is_loopback() => return Ok(Service::Other),
            Host::Domain("localhost") if here => return Ok(Service::Other),
            Host::Domain(name) => name.trim_end_matches('.'),
            literal => return Err(unlisted(&literal)),
        };
        let stands_for = host.strip_suffix(".localhost").filter(|_| here);
        let listed = stands_for.unwrap_or(host);
        if !self.patterns.iter().any(|pattern| pattern.matches(listed)) {
            return Err(unlisted(&host));
        }
        if url.scheme() != "https" && stands_for.is_none() {
            return Err(HostError::Shape);
        }
        Ok(Service::of(listed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_what_is_beneath_and_not_for_more() {
        let pattern: HostPattern = "*.Push.apple.com".parse().unwrap();
        assert!(pattern.matches("web.push.apple.com"));
        assert!(pattern.matches("a.b.push.apple.com"));
        assert!(!pattern.matches("push.apple.com"));
        assert!(!pattern.matches("xpush.apple.com"));
        for wrong in [
            "",
            "*",
            "*.",
            "*.com",
            "a..b",
            "a b",
            "https://a.com",
            "10.0.0.1",
            "a.*.com",
        ] {
            assert!(wrong.parse::<HostPattern>().is_err(), "{wrong}");
        }
        let defaults: Result<Vec<_>, _> = DEFAULT.split(',').map(HostPattern::from_str).collect();
        assert_eq!(&defaults.unwrap()[..], &*AllowedHosts::default().patterns);
    }

    #[test]
    fn stand_ins_are_written_to_only_when_allowed() {
        let hosts = AllowedHosts::new(&AllowedHosts::default().patterns, true);
        let service = |url: &str| hosts.endpoint(url).map(|(_, service)| service);
        assert_eq!(service("http://127.0.0.1:9/a"), Ok(Service::Other));
        assert_eq!(
            service("http://web.push.apple.com.localhost:9/a"),
            Ok(Service::Apple)
        );
        assert_eq!(service("https://web.push.apple.com/a"), Ok(Service::Apple));
        assert!(
            service("http://web.push.apple.com/a").is_err(),
            "http stays on this machine"
        );
        assert!(service("http://example.com.localhost/a").is_err());
        assert!(service("http://10.0.0.1/a").is_err());
    }
}
