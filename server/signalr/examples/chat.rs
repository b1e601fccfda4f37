//! A chat room in one page: `cargo run -p signalr --example chat`, then connect any SignalR client
//! to `http://127.0.0.1:5088/chat` and call `Say("name", "text")`; everybody's `Said` is called.

use std::sync::{Arc, OnceLock};

use axum::{Extension, Router};
use signalr::{Call, Connection, Hub, HubError, HubOptions, HubServer, Reply, protocol::Broadcast};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Everybody is welcome here.
#[derive(Clone)]
struct Guest;

#[derive(Default)]
struct Chat {
    server: OnceLock<HubServer<Chat>>,
}

impl Hub for Chat {
    type Principal = Guest;

    fn same_identity(_: &Guest, _: &Guest) -> bool {
        true
    }

    async fn connected(&self, _: &Arc<Connection<Guest>>) -> Result<(), HubError> {
        Ok(())
    }

    async fn invoke(&self, _: &Arc<Connection<Guest>>, call: Call) -> Reply {
        if !call.is("Say") {
            return HubError::unknown_method().into();
        }
        if let Err(error) = call.bind::<(String, String)>() {
            return error.into();
        }
        let said = Broadcast::call("Said", call.arguments);
        let guests = self
            .server
            .get()
            .map(HubServer::connections)
            .unwrap_or_default();
        let heard = guests
            .iter()
            .filter(|guest| guest.try_send(said.frame(guest.protocol())).is_ok());
        Reply::value(&heard.count())
    }
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let (tracker, stopping) = (TaskTracker::new(), CancellationToken::new());
    let server = HubServer::new(Chat::default(), HubOptions::default(), tracker, stopping);
    let _ = server.hub().server.set(server.clone());
    let app = Router::new()
        .nest("/chat", server.router())
        .layer(Extension(Guest));
    axum::serve(tokio::net::TcpListener::bind("127.0.0.1:5088").await?, app).await
}
