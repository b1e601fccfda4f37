//! What the host decides when somebody negotiates, or comes with a token it gave out elsewhere.

use std::future::ready;

use futures_util::future::BoxFuture;
use http::request::Parts;
use signalr::{Admission, HubOptions, Negotiation, Reservation};

use crate::support::{Event, Site, Stateful, User};

struct Nodes;

impl Admission<User> for Nodes {
    fn negotiate<'a>(&'a self, _: &'a User, request: &'a Parts) -> BoxFuture<'a, Negotiation> {
        let query = request.uri.query().unwrap_or_default();
        let answer = if query.contains("away") {
            Negotiation::Elsewhere {
                url: "https://b.example/hub".to_owned(),
                access_token: Some("pass".to_owned()),
            }
        } else if query.contains("no") {
            Negotiation::Refused("Not on Sundays.".to_owned())
        } else {
            Negotiation::Here
        };
        Box::pin(ready(answer))
    }

    fn token(&self, principal: &User, id: &str) -> Option<String> {
        Some(format!("node-a.{}.{id}", principal.0))
    }

    fn unknown_token<'a>(
        &'a self,
        token: &'a str,
        _: &'a User,
    ) -> BoxFuture<'a, Option<Reservation<User>>> {
        let known = token.strip_prefix("node-b.").map(|owner| Reservation {
            id: "public".to_owned(),
            owner: User(owner.to_owned()),
            stateful_reconnect: false,
        });
        Box::pin(ready(known))
    }
}

fn site() -> Site {
    Site::admitting(HubOptions::default(), Nodes)
}

#[tokio::test]
async fn the_host_may_send_a_client_elsewhere() {
    let site = site();
    let answer = site
        .request("POST", "/hub/negotiate?negotiateVersion=1&away=1", "")
        .await;
    assert_eq!(
        (answer.status.as_u16(), answer.text()),
        (
            200,
            "{\"url\":\"https://b.example/hub\",\"accessToken\":\"pass\"}"
        )
    );
}

#[tokio::test]
async fn the_host_may_refuse_with_a_text() {
    let answer = site()
        .request("POST", "/hub/negotiate?negotiateVersion=1&no=1", "")
        .await;
    assert_eq!(
        (answer.status.as_u16(), answer.text()),
        (200, "{\"error\":\"Not on Sundays.\"}")
    );
}

#[tokio::test]
async fn tokens_are_the_hosts_in_both_versions() {
    let site = site();
    let answer = site.negotiate().await;
    let (id, token) = (
        answer.connection_id.unwrap(),
        answer.connection_token.unwrap(),
    );
    assert_eq!(token, format!("node-a.ann.{id}"));
    assert!(site.websocket(&format!("/hub?id={token}")).await.is_ok());
    let answer = site.request("POST", "/hub/negotiate", "").await;
    let answer: signalr::protocol::NegotiateResponse =
        serde_json::from_slice(&answer.body).unwrap();
    let id = answer.connection_id.unwrap();
    assert!(id.starts_with("node-a.ann."), "{id}");
    assert!(site.websocket(&format!("/hub?id={id}")).await.is_ok());
}

#[tokio::test]
async fn a_token_that_the_host_knows_opens_a_connection() {
    let mut site = site();
    let mut socket = site.websocket("/hub?id=node-b.ann").await.unwrap();
    let handshake = tokio_tungstenite::tungstenite::Message::text(crate::support::HANDSHAKE);
    futures_util::SinkExt::send(&mut socket, handshake)
        .await
        .unwrap();
    assert_eq!(site.event().await, Event::Connected);
    assert_eq!(site.only().id(), "public");
    let taken = site.websocket("/hub?id=node-b.ann").await;
    assert_eq!(taken.unwrap_err().status, 409);
    let other = site.websocket("/hub?id=node-b.bob").await;
    assert_eq!(other.unwrap_err().status, 403);
    let unknown = site.websocket("/hub?id=node-c.ann").await;
    assert_eq!(unknown.unwrap_err().status, 404);
}

#[tokio::test]
async fn stateful_reconnect_goes_by_the_hosts_token_too() {
    let mut site = Site::admitting(
        HubOptions {
            stateful_reconnect: true,
            ..HubOptions::default()
        },
        Nodes,
    );
    let mut client = Stateful::start(&mut site, 2).await;
    assert!(client.token.starts_with("node-a."));
    client.resume(&site).await.unwrap();
    assert_eq!(site.event().await, Event::SeenAgain);
    assert_eq!(site.event().await, Event::Resumed(0));
}
