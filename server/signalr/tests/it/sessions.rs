//! Handshake, signs of life and ends, on every transport where they are the same.

use std::time::Duration;

use signalr::{
    HubOptions,
    protocol::TransportKind::{LongPolling, ServerSentEvents, WebSockets},
};
use tokio::time::Instant;

use crate::support::{ALL, Client, Event, HANDSHAKE, Site, call};

#[tokio::test]
async fn a_bad_handshake_is_answered_in_words_and_closed() {
    let oversized = format!("{{\"protocol\":\"{}\"", "x".repeat(40_000));
    for kind in ALL {
        for (sent, error) in [
            (
                "{\"protocol\":\"dummy\",\"version\":1}\u{1e}",
                "The protocol 'dummy' is not supported.",
            ),
            (
                "{\"protocol\":\"json\",\"version\":9}\u{1e}",
                "The server does not support version 9 of the 'json' protocol.",
            ),
            (
                "{\"type\":6}\u{1e}",
                "An unexpected error occurred during connection handshake.",
            ),
            (
                &*oversized,
                "The maximum message size of 32768B was exceeded.",
            ),
        ] {
            let site = Site::new();
            let mut client = Client::connect_to(&site, kind, "").await;
            client.send(&site, sent).await;
            assert_eq!(
                client.next(&site).await,
                format!("{{\"error\":\"{error}\"}}")
            );
            assert_eq!(client.try_next(&site).await, None);
        }
    }
}

#[tokio::test]
async fn the_protocol_name_is_compared_without_case_and_version_2_is_accepted() {
    let mut site = Site::new();
    let mut client = Client::connect_to(&site, WebSockets, "").await;
    client
        .send(&site, "{\"protocol\":\"JSON\",\"version\":2}\u{1e}")
        .await;
    assert_eq!(client.next(&site).await, "{}");
    assert_eq!(site.event().await, Event::Connected);
}

#[tokio::test(start_paused = true)]
async fn no_handshake_within_15_s_ends_the_connection() {
    for kind in ALL {
        let site = Site::new();
        let start = Instant::now();
        let mut client = Client::connect_to(&site, kind, "").await;
        assert_eq!(
            client.next(&site).await,
            "{\"error\":\"Handshake was canceled.\"}"
        );
        assert_eq!(start.elapsed().as_secs(), 15);
        assert_eq!(client.try_next(&site).await, None);
    }
}

#[tokio::test]
async fn refusal_by_the_hub_closes_without_reconnect() {
    for kind in ALL {
        let mut site = Site::new();
        let mut client = Client::connect_to(&site, kind, "&refuse=1").await;
        client.send(&site, HANDSHAKE).await;
        assert_eq!(client.next(&site).await, "{}");
        let close =
            "{\"type\":7,\"error\":\"Connection closed with an error. HubException: Not today.\"}";
        assert_eq!(client.next(&site).await, close);
        assert_eq!(client.try_next(&site).await, None);
        while let Ok(event) = site.events.try_recv() {
            assert_ne!(event, Event::Disconnected(None), "never connected");
        }
    }
}

#[tokio::test]
async fn a_panic_while_connecting_closes_and_leaves_nothing_behind() {
    for kind in ALL {
        let site = Site::new();
        let mut client = Client::connect_to(&site, kind, "&panic=1").await;
        client.send(&site, HANDSHAKE).await;
        assert_eq!(client.next(&site).await, "{}");
        assert!(
            client
                .next(&site)
                .await
                .contains("Connection closed with an error.")
        );
        assert_eq!(client.try_next(&site).await, None);
        assert_eq!(site.server.count(), 0);
        assert!(site.server.connections().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn the_server_pings_every_15_s() {
    for kind in [WebSockets, ServerSentEvents] {
        let mut site = Site::new();
        let mut client = Client::connect(&mut site, kind).await;
        let start = Instant::now();
        for round in 1..4 {
            assert_eq!(client.next(&site).await, "{\"type\":6}");
            assert_eq!(start.elapsed().as_secs(), 15 * round);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn long_polls_get_no_pings_and_are_answered_empty_after_90_s() {
    let mut site = Site::new();
    let client = Client::connect(&mut site, LongPolling).await;
    let start = Instant::now();
    let poll = site.request("GET", &client.path(), "").await;
    assert_eq!((poll.status.as_u16(), poll.text()), (200, ""));
    assert_eq!(start.elapsed().as_secs(), 90);
}

#[tokio::test(start_paused = true)]
async fn the_client_timeout_is_armed_by_the_first_ping() {
    let mut site = Site::new();
    let mut client = Client::connect(&mut site, WebSockets).await;
    tokio::time::sleep(Duration::from_secs(100)).await;
    client.send(&site, "{\"type\":6}\u{1e}").await;
    let start = Instant::now();
    let reason = site.disconnected().await;
    assert!(reason.unwrap().contains("silent"));
    assert_eq!(start.elapsed().as_secs(), 30);
    assert_eq!(
        client.next_said(&site).await,
        "{\"type\":7,\"allowReconnect\":true}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_client_timeout_pauses_while_a_call_runs() {
    let mut site = Site::new();
    let mut client = Client::connect(&mut site, WebSockets).await;
    client
        .send(
            &site,
            &("{\"type\":6}\u{1e}".to_owned() + &call("0", "Wait", "[]")),
        )
        .await;
    tokio::time::sleep(Duration::from_secs(100)).await;
    site.server.hub().gate.notify_one();
    assert!(client.next_said(&site).await.contains("\"result\":null"));
}

#[tokio::test]
async fn an_oversized_or_malformed_message_closes_with_an_error_and_allows_reconnect() {
    for kind in ALL {
        for (sent, error) in [
            (
                "x".repeat(33_000),
                "The maximum message size of 32768B was exceeded.",
            ),
            ("{]\u{1e}".to_owned(), "the frame is not one JSON object"),
            (
                "{\"type\":3}\u{1e}".to_owned(),
                "missing required property 'invocationId'",
            ),
        ] {
            let mut site = Site::new();
            let mut client = Client::connect(&mut site, kind).await;
            client.send(&site, &sent).await;
            let close = format!(
                "{{\"type\":7,\"error\":\"Connection closed with an error. {error}\",\"allowReconnect\":true}}"
            );
            assert_eq!(client.next(&site).await, close);
            assert_eq!(site.disconnected().await.as_deref(), Some(error));
            assert_eq!(client.try_next(&site).await, None);
        }
    }
}

#[tokio::test]
async fn a_close_message_ends_the_session_with_its_error() {
    for kind in ALL {
        let mut site = Site::new();
        let mut client = Client::connect(&mut site, kind).await;
        client
            .send(&site, "{\"type\":7,\"error\":\"bored\"}\u{1e}")
            .await;
        assert_eq!(site.disconnected().await.as_deref(), Some("bored"));
        assert_eq!(client.try_next(&site).await, None);
    }
}

#[tokio::test]
async fn what_was_queued_before_a_close_still_arrives() {
    for kind in ALL {
        let mut site = Site::new();
        let mut client = Client::connect(&mut site, kind).await;
        let connection = site.only();
        connection.try_send("{\"type\":6}\u{1e}".into()).unwrap();
        connection.close(Some("enough".to_owned()), false);
        assert!(connection.try_send("x".into()).is_err());
        assert_eq!(client.next(&site).await, "{\"type\":6}");
        assert_eq!(
            client.next(&site).await,
            "{\"type\":7,\"error\":\"enough\"}"
        );
        assert_eq!(client.try_next(&site).await, None);
        assert_eq!(site.disconnected().await, None);
    }
}

#[tokio::test]
async fn a_hub_may_close_within_a_call_and_later_calls_are_not_started() {
    for kind in ALL {
        let mut site = Site::new();
        let mut client = Client::connect(&mut site, kind).await;
        client
            .send(
                &site,
                &(call("0", "Leave", "[]") + &call("1", "Echo", "[1]")),
            )
            .await;
        assert_eq!(client.next(&site).await, "{\"type\":7}");
        assert_eq!(client.try_next(&site).await, None);
        site.disconnected().await;
        while let Ok(event) = site.events.try_recv() {
            assert_ne!(event, Event::Called("Echo".to_owned()));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_outlives_its_connection_is_dropped_after_5_s() {
    let mut site = Site::new();
    let mut client = Client::connect(&mut site, WebSockets).await;
    client.send(&site, &call("0", "Wait", "[]")).await;
    assert_eq!(site.event().await, Event::Called("Wait".to_owned()));
    drop(client);
    let start = Instant::now();
    site.disconnected().await;
    assert_eq!(start.elapsed().as_secs(), 5);
}

#[tokio::test]
async fn stopping_tells_all_to_come_back_and_lets_nobody_in() {
    for kind in ALL {
        let mut site = Site::with(HubOptions::default());
        let mut client = Client::connect(&mut site, kind).await;
        let token = site.token().await;
        site.stopping.cancel();
        assert_eq!(
            client.next(&site).await,
            "{\"type\":7,\"allowReconnect\":true}"
        );
        assert_eq!(client.try_next(&site).await, None);
        assert_eq!(site.request("POST", "/hub/negotiate", "").await.status, 503);
        assert_eq!(
            site.request("GET", &format!("/hub?id={token}"), "")
                .await
                .status,
            503
        );
        assert_eq!(site.websocket("/hub").await.unwrap_err().status, 503);
    }
}
