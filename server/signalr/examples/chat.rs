//! Chat rooms for any SignalR client at `http://127.0.0.1:5088/chat`: `Enter("room", "ann")`, then
//! `Say("Hello")` calls `Said("ann", "Hello")` of everybody else there. `Clock()` is a stream.

use std::{collections::HashMap, sync::Arc, time::Duration};

use axum::{Extension, Router};
use futures_util::stream;
use parking_lot::Mutex;
use signalr::{Anonymous, Caller, Clients, HubError, HubOptions, HubServer, Methods, State};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

const SECOND: Duration = Duration::from_secs(1);

/// Connection id to room and name.
type Guests = Arc<Mutex<HashMap<String, (String, String)>>>;
type Me = Caller<Anonymous>;

async fn enter(me: Me, State(guests): State<Guests>, room: String, name: String) -> Vec<String> {
    me.join(&room);
    let mut guests = guests.lock();
    guests.insert(me.id().to_owned(), (room.clone(), name));
    let here = guests.values().filter(|(there, _)| *there == room);
    here.map(|(_, name)| name.clone()).collect()
}

async fn say(
    me: Me,
    State(guests): State<Guests>,
    clients: Clients<Anonymous>,
    text: String,
) -> Result<usize, HubError> {
    let guest = guests.lock().get(me.id()).cloned();
    let (room, name) = guest.ok_or("Enter a room first.")?;
    let others = clients.group(&room).except(me.id());
    Ok(others.send("Said", (name, text))?.queued)
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let chat = Methods::with_state(Guests::default())
        .on("Enter", enter)
        .on("Say", say)
        .on_stream("Clock", || async {
            stream::unfold(tokio::time::interval(SECOND), async |mut ticks| {
                Some((ticks.tick().await.elapsed().as_millis(), ticks))
            })
        })
        .on_disconnected(|me: Me, State(guests): State<Guests>| async move {
            guests.lock().remove(me.id());
        });
    let (tracker, stopping) = (TaskTracker::new(), CancellationToken::new());
    let options = HubOptions {
        stateful_reconnect: true,
        ..HubOptions::default()
    };
    let server = HubServer::new(chat, options, tracker, stopping);
    let app = Router::new().nest("/chat", server.router());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:5088").await?;
    axum::serve(listener, app.layer(Extension(Anonymous))).await
}
