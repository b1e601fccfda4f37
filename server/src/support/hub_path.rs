//! Where the hub is mounted: a setting, because a company's clients have an address already and
//! shall change nothing but the host in it.

use std::fmt;
use std::str::FromStr;

/// Where the hub is unless the settings say otherwise.
pub const DEFAULT: &str = "/hubs/workflow";

/// What is ours already: the API, the screens and their files.
const TAKEN: [&str; 12] = [
    "api",
    "_fn",
    "pkg",
    "health",
    "metrics",
    "sign-in",
    "sign-out",
    "setup",
    "approvals",
    "attendance",
    "inbox",
    "admin",
];

/// What every hub answers below its path.
const BELOW: [&str; 2] = ["negotiate", "refresh"];

/// A path like `/hubs/workflow`: one or more segments, no slash at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubPath(String);

/// Why a path cannot be the hub's.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHubPath {
    #[error("a hub's path starts with a slash and does not end with one, as in {DEFAULT}")]
    Slashes,
    #[error("a hub's path is made of letters, digits and `-._~`, as in {DEFAULT}")]
    Characters,
    #[error(
        "a hub's path does not end in /{0}, which every hub has below its own: as in {DEFAULT}"
    )]
    Below(String),
    #[error("/{0} is Bellhop's own: choose another path, as in {DEFAULT}")]
    Taken(String),
}

impl HubPath {
    /// The path, with its leading slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for HubPath {
    fn default() -> Self {
        Self(DEFAULT.to_owned())
    }
}

impl fmt::Display for HubPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for HubPath {
    type Err = BadHubPath;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut segments = text
            .strip_prefix('/')
            .ok_or(BadHubPath::Slashes)?
            .split('/');
        if segments.clone().any(str::is_empty) {
            return Err(BadHubPath::Slashes);
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        let dots = |segment: &str| segment.chars().all(|c| c == '.');
        if segments
            .clone()
            .any(|segment| !segment.chars().all(plain) || dots(segment))
        {
            return Err(BadHubPath::Characters);
        }
        if let Some(last) = text.rsplit('/').next()
            && BELOW.iter().any(|below| below.eq_ignore_ascii_case(last))
        {
            return Err(BadHubPath::Below(last.to_owned()));
        }
        match segments.next() {
            Some(first) if TAKEN.iter().any(|taken| taken.eq_ignore_ascii_case(first)) => {
                Err(BadHubPath::Taken(first.to_owned()))
            }
            _ => Ok(Self(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Result<String, BadHubPath> {
        text.parse().map(|HubPath(path)| path)
    }

    #[test]
    fn a_path_is_segments_of_plain_letters_that_are_not_ours() {
        assert_eq!(path("/workflowHub").as_deref(), Ok("/workflowHub"));
        assert_eq!(path("/a/b-c/d.e").as_deref(), Ok("/a/b-c/d.e"));
        for slashes in ["", "/", "hub", "/hub/", "//hub"] {
            assert_eq!(path(slashes), Err(BadHubPath::Slashes), "{slashes}");
        }
        for wild in ["/{hub}", "/a b", "/hub?x", "/..", "/a/./b", "/ħub"] {
            assert_eq!(path(wild), Err(BadHubPath::Characters), "{wild}");
        }
        assert_eq!(
            path("/hub/Negotiate"),
            Err(BadHubPath::Below("Negotiate".into()))
        );
        assert_eq!(path("/api/hub"), Err(BadHubPath::Taken("api".into())));
        assert_eq!(path("/Inbox"), Err(BadHubPath::Taken("Inbox".into())));
    }
}
