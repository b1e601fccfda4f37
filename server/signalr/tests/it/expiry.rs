//! Credentials that end, and newer ones in their place.

use std::time::Duration;

use signalr::{
    Admission, HubOptions,
    protocol::TransportKind::{LongPolling, WebSockets},
};
use tokio::time::Instant;

use crate::support::{ALL, Client, Site, User, settle};

/// A user's name is followed by how many seconds their credentials last: `ann:60`.
struct Lasting;

impl Admission<User> for Lasting {
    fn expires_in(&self, principal: &User) -> Option<Duration> {
        let (_, seconds) = principal.0.split_once(':')?;
        Some(Duration::from_secs(seconds.parse().unwrap()))
    }

    fn timestamp(&self) -> Option<String> {
        Some("2030-01-02T03:04:05Z".to_owned())
    }
}

/// Everybody here has this long.
struct ForEach(Duration);

impl Admission<User> for ForEach {
    fn expires_in(&self, _: &User) -> Option<Duration> {
        Some(self.0)
    }
}

fn refreshing() -> Site {
    let options = HubOptions {
        auth_refresh: true,
        ..HubOptions::default()
    };
    Site::admitting(options, Lasting)
}

#[tokio::test(start_paused = true)]
async fn at_their_end_the_client_is_told_to_come_back() {
    for kind in [WebSockets, ALL[1]] {
        let mut site = Site::admitting(HubOptions::default(), ForEach(Duration::from_mins(1)));
        let start = Instant::now();
        let mut client = Client::connect(&mut site, kind).await;
        assert!(site.only().expires_at().is_some());
        assert_eq!(
            client.next_said(&site).await,
            "{\"type\":7,\"allowReconnect\":true}"
        );
        assert_eq!(start.elapsed().as_secs(), 60);
        assert_eq!(client.try_next(&site).await, None);
        assert_eq!(site.disconnected().await, None);
    }
}

#[tokio::test(start_paused = true)]
async fn each_poll_brings_its_credentials() {
    let options = HubOptions {
        poll_timeout: Duration::from_secs(10),
        ..HubOptions::default()
    };
    let mut site = Site::admitting(options, ForEach(Duration::from_secs(25)));
    let client = Client::connect(&mut site, LongPolling).await;
    for _ in 0..20 {
        let poll = site.request("GET", &client.path(), "").await;
        assert_eq!((poll.status.as_u16(), poll.text()), (200, ""));
    }
    tokio::time::sleep(Duration::from_secs(14)).await;
    let poll = site.request("GET", &client.path(), "").await;
    assert_eq!(poll.text(), "", "the last poll has brought 25 s more");
}

/// Negotiates as `user`, opens a WebSocket; the token.
async fn negotiate(site: &Site, user: &str) -> (String, String) {
    let path = "/hub/negotiate?negotiateVersion=1";
    let answer = site.request_as(user, "POST", path, "").await;
    let text = answer.text().to_owned();
    let answer: signalr::protocol::NegotiateResponse =
        serde_json::from_slice(&answer.body).unwrap();
    (answer.connection_token.unwrap(), text)
}

#[tokio::test]
async fn negotiate_says_how_long_they_last_if_they_may_be_refreshed() {
    let (_, text) = negotiate(&refreshing(), "ann:60").await;
    assert!(text.contains("\"tokenLifetimeSeconds\":60"), "{text}");
    let (_, text) = negotiate(&refreshing(), "ann").await;
    assert!(!text.contains("tokenLifetimeSeconds"));
    let site = Site::admitting(HubOptions::default(), Lasting);
    let (_, text) = negotiate(&site, "ann:60").await;
    assert!(!text.contains("tokenLifetimeSeconds"));
}

#[tokio::test]
async fn refresh_has_its_own_error_forms() {
    let site = Site::admitting(HubOptions::default(), Lasting);
    let off = site.request("POST", "/hub/refresh?id=x", "").await;
    assert_eq!(
        (off.status.as_u16(), off.text()),
        (404, "{\"error\":\"refresh_disabled\"}")
    );
    let mut site = refreshing();
    let client = Client::connect(&mut site, WebSockets).await;
    let unused = site.token().await;
    for (user, path, status, error) in [
        ("", "/hub/refresh?id=x".to_owned(), 401, "invalid_token"),
        (
            "ann",
            "/hub/refresh".to_owned(),
            400,
            "missing_connection_token",
        ),
        (
            "ann",
            "/hub/refresh?id=".to_owned(),
            400,
            "missing_connection_token",
        ),
        (
            "ann",
            "/hub/refresh?id=x".to_owned(),
            404,
            "connection_not_found",
        ),
        (
            "ann",
            format!("/hub/refresh?id={unused}"),
            404,
            "connection_not_found",
        ),
        (
            "bob",
            format!("/hub/refresh?id={}", client.token),
            401,
            "invalid_token",
        ),
    ] {
        let answer = site.request_as(user, "POST", &path, "").await;
        let body = format!("{{\"error\":\"{error}\"}}");
        assert_eq!(
            (answer.status.as_u16(), answer.text()),
            (status, &*body),
            "{user} {path}"
        );
        assert_eq!(answer.headers["content-type"], "application/json");
    }
    let get = site.request("GET", "/hub/refresh?id=x", "").await;
    assert_eq!((get.status.as_u16(), get.text()), (405, ""));
}

#[tokio::test(start_paused = true)]
async fn refresh_swaps_the_principal_in_place() {
    let mut site = refreshing();
    let client = Client::connect(&mut site, WebSockets).await;
    let connection = site.only();
    let path = format!("/hub/Refresh?ID={}", client.token);
    let answer = site.request("POST", &path, "").await;
    let expected = format!(
        "{{\"connectionId\":\"{}\",\"refreshedAt\":\"2030-01-02T03:04:05Z\"}}",
        connection.id()
    );
    assert_eq!((answer.status.as_u16(), answer.text()), (200, &*expected));
    assert_eq!(*connection.principal(), User("ann".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn refreshed_credentials_move_the_end() {
    let options = HubOptions {
        auth_refresh: true,
        ..HubOptions::default()
    };
    let mut site = Site::admitting(options, ForEach(Duration::from_secs(40)));
    let start = Instant::now();
    let mut client = Client::connect(&mut site, WebSockets).await;
    let path = format!("/hub/refresh?id={}", client.token);
    tokio::time::sleep(Duration::from_secs(30)).await;
    let answer = site.request("POST", &path, "").await;
    assert!(answer.text().contains("\"tokenLifetimeSeconds\":40"));
    assert_eq!(
        client.next_said(&site).await,
        "{\"type\":7,\"allowReconnect\":true}"
    );
    assert_eq!(start.elapsed().as_secs(), 70);
    settle().await;
    assert_eq!(site.request("POST", &path, "").await.status, 404);
}
