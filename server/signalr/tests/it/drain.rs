//! Leaving in good order.

use std::time::Duration;

use signalr::protocol::TransportKind::WebSockets;
use tokio::time::Instant;

use crate::support::{Client, Site};

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
