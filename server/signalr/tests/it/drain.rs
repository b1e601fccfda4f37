//! Leaving in good order.

use std::time::Duration;

use signalr::protocol::TransportKind::WebSockets;
use tokio::time::Instant;

use crate::support::{Client, Event, Site, call, settle};

#[tokio::test(start_paused = true)]
async fn connections_leave_in_rounds_and_the_last_is_waited_for() {
    let mut site = Site::new();
    let mut clients = Vec::new();
    for _ in 0..6 {
        clients.push(Client::connect(&mut site, WebSockets).await);
    }
    assert_eq!(site.server.count(), 6);
    let start = Instant::now();
    site.tracker
        .spawn(site.server.drain(2, Duration::from_secs(3)));
    let mut left = Vec::new();
    for client in &mut clients {
        assert_eq!(
            client.next(&site).await,
            "{\"type\":7,\"allowReconnect\":true}"
        );
        assert_eq!(client.try_next(&site).await, None);
        left.push(start.elapsed().as_secs());
    }
    left.sort_unstable();
    assert_eq!(left.last(), Some(&2));
    assert_eq!(site.request("POST", "/hub/negotiate", "").await.status, 503);
    drop(clients);
    site.tracker.close();
    site.tracker.wait().await;
    assert_eq!(site.server.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn running_calls_are_answered_before_the_close_and_no_more_are_started() {
    let mut site = Site::new();
    let mut client = Client::connect(&mut site, WebSockets).await;
    client.send(&site, &call("0", "Later", "[]")).await;
    assert_eq!(site.event().await, Event::Called("Later".to_owned()));
    site.tracker
        .spawn(site.server.drain(10, Duration::from_secs(1)));
    tokio::time::sleep(Duration::from_secs(5)).await;
    client.send(&site, &call("1", "Echo", "[1]")).await;
    settle().await;
    site.server.hub().gate.notify_one();
    assert!(
        client
            .next_said(&site)
            .await
            .contains("\"result\":\"late\"")
    );
    assert_eq!(
        client.next_said(&site).await,
        "{\"type\":7,\"allowReconnect\":true}"
    );
    assert_eq!(site.disconnected().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_never_ends_holds_up_the_drain_for_10_s() {
    let mut site = Site::new();
    let mut client = Client::connect(&mut site, WebSockets).await;
    let mut idle = Client::connect(&mut site, WebSockets).await;
    client.send(&site, &call("0", "Later", "[]")).await;
    site.event_like(|event| matches!(event, Event::Called(_)))
        .await;
    let start = Instant::now();
    site.tracker.spawn(site.server.drain(1, Duration::ZERO));
    assert!(idle.next_said(&site).await.contains("\"type\":7"));
    assert!(start.elapsed() < Duration::from_secs(1));
    assert!(client.next_said(&site).await.contains("\"type\":7"));
    assert_eq!(start.elapsed().as_secs(), 10);
}
