//! What is remembered of the request that opened a connection.
//!
//! Copies, never slices of the request: those would keep its whole read buffer alive. The secrets of
//! the query are left out, so that nobody can log them by accident.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Query};
use http::{HeaderName, Uri, header::USER_AGENT, request::Parts};

/// Of a query and of a client's name; what is longer is left out or cut. HTTP servers allow requests
/// of hundreds of kilobytes, and this stays as long as the connection or its reservation.
const MOST_QUERY: usize = 4 * 1024;
const MOST_NAME: usize = 256;
/// What a pair takes beside its text.
const PAIR: usize = 64;
/// Never kept.
const SECRETS: [&str; 2] = ["id", "access_token"];

#[derive(Debug, Default, Clone)]
pub(crate) struct Facts {
    query: Box<[(Box<str>, Box<str>)]>,
    headers: Box<[(HeaderName, Box<str>)]>,
    pub(crate) user_agent: Option<Box<str>>,
    pub(crate) remote: Option<SocketAddr>,
}

impl Facts {
    /// `earlier` is the query of the negotiate request; names missing in this one come from it.
    pub(crate) fn of(parts: &Parts, kept: &[HeaderName], earlier: &Facts) -> Self {
        let mut query = pairs(&parts.uri)
            .into_iter()
            .filter(|(name, _)| {
                !SECRETS
                    .iter()
                    .any(|secret| name.eq_ignore_ascii_case(secret))
            })
            .map(|(name, value)| (name.into(), value.into()))
            .collect::<Vec<(Box<str>, Box<str>)>>();
        let mut room = MOST_QUERY;
        let mut fits = |name: &str, value: &str| {
            // A pair costs memory even when it is empty.
            let left = room.checked_sub(name.len() + value.len() + PAIR);
            room = left.unwrap_or(room);
            left.is_some()
        };
        query.retain(|(name, value)| fits(name, value));
        for (name, value) in &earlier.query {
            if !query
                .iter()
                .any(|(present, _)| present.eq_ignore_ascii_case(name))
                && fits(name, value)
            {
                query.push((name.clone(), value.clone()));
            }
        }
        let text = |name: &HeaderName| {
            parts
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(Into::into)
        };
        let headers = kept
            .iter()
            .filter_map(|name| Some((name.clone(), text(name)?)));
        Self {
            query: query.into(),
            headers: headers.collect(),
            user_agent: text(&HeaderName::from_static("x-signalr-user-agent"))
                .or_else(|| text(&USER_AGENT))
                .map(|name: Box<str>| name.chars().take(MOST_NAME).collect()),
            remote: parts
                .extensions
                .get::<ConnectInfo<SocketAddr>>()
                .map(|info| info.0),
        }
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        let found = self
            .query
            .iter()
            .find(|(present, _)| present.eq_ignore_ascii_case(name));
        found.map(|(_, value)| &**value)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(kept, _)| kept.as_str().eq_ignore_ascii_case(name));
        found.map(|(_, value)| &**value)
    }
}

/// A query parameter, by a name in any case.
pub(crate) fn parameter(uri: &Uri, name: &str) -> Option<String> {
    pairs(uri)
        .into_iter()
        .find(|(present, _)| present.eq_ignore_ascii_case(name))
        .map(|(_, v)| v)
}

fn pairs(uri: &Uri) -> Vec<(String, String)> {
    Query::try_from_uri(uri)
        .map(|Query(pairs)| pairs)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_any_case_and_secrets_are_not_kept() {
        let request = http::Request::get("/?ID=s&Access_Token=t&Device=a%20b");
        let (parts, ()) = request
            .header("user-agent", "probe")
            .body(())
            .unwrap()
            .into_parts();
        let facts = Facts::of(&parts, &[], &Facts::default());
        assert_eq!(facts.query("device"), Some("a b"));
        assert_eq!(facts.query("id"), None);
        assert_eq!(facts.query("access_token"), None);
        assert_eq!(facts.user_agent.as_deref(), Some("probe"));
        assert_eq!(parameter(&parts.uri, "id").as_deref(), Some("s"));
    }
    #[test]
    fn what_is_kept_is_bounded() {
        let long = "x".repeat(MOST_QUERY);
        let request = http::Request::get(format!("/?a=1&b={long}&c=2"));
        let (parts, ()) = request
            .header("user-agent", &long)
            .body(())
            .unwrap()
            .into_parts();
        let facts = Facts::of(&parts, &[], &Facts::default());
        assert_eq!((facts.query("a"), facts.query("c")), (Some("1"), Some("2")));
        assert_eq!(facts.query("b"), None);
        assert_eq!(facts.user_agent.map(|name| name.len()), Some(MOST_NAME));
    }

    /// `?=&=&=…` of 64 KiB kept a megabyte for each reservation.
    #[test]
    fn empty_pairs_are_not_free() {
        let kept = |query: &str, earlier: &Facts| {
            let request = http::Request::get(format!("/?{query}")).body(()).unwrap();
            Facts::of(&request.into_parts().0, &[], earlier)
        };
        let first = kept(&"=&".repeat(30_000), &Facts::default());
        assert!(first.query.len() <= MOST_QUERY / PAIR);
        let names: Vec<String> = (0..1_000).map(|number| format!("a{number}=")).collect();
        let second = kept(&names.join("&"), &first);
        assert!(second.query.len() <= MOST_QUERY / PAIR, "both together");
    }
}
