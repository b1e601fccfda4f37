//! The rules of dispatching calls, streams and uploads, one test each.

mod any_order;
mod client_results;
mod downloads;
mod errors;
mod groups;
mod liveness;
mod methods;
mod observer;
mod order;
mod stuck;
mod uploads;

use signalr::{Hub, HubOptions, Methods, protocol::TransportKind::WebSockets};

use crate::support::{Client, Site, User};

/// A client on a WebSocket of a site that serves `hub`.
async fn on_stage<H: Hub<Principal = User>>(hub: H, options: HubOptions) -> (Site<H>, Client) {
    let site = Site::serving(hub, options);
    let client = Client::join(&site, WebSockets).await;
    (site, client)
}

fn methods() -> Methods<User> {
    Methods::new().on("Echo", |value: serde_json::Value| async move { value })
}

fn detailed() -> HubOptions {
    HubOptions {
        detailed_errors: true,
        ..HubOptions::default()
    }
}

/// A message as the server frames it, separator left out as clients of the suite do.
fn said(message: String) -> String {
    message.trim_end_matches('\u{1e}').to_owned()
}
