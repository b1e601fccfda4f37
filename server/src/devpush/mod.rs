//! Stand-ins for the makers' services: FCM with Google's token endpoint, and the push services of four
//! browsers, with phones and browsers behind them that draw what arrives.
//!
//! For tests, the demo and an app's developers: nothing here reaches anybody. They are strict where the
//! real ones are, and stricter where the real ones are lenient today: what passes here is well-formed.
//! What they cannot show is how the real ones behave under load or change tomorrow.
//!
//! One port for all. The services are told apart by path (FCM) and by name
//! (`web.push.apple.com.localhost`). Stops with the [`Lifecycle`] it was served under.

mod account;
mod admin;
mod app;
mod bucket;
mod card;
mod device;
mod fcm;
mod handle;
mod keys;
mod listen;
mod page;
mod script;
mod state;
mod web;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use tokio::net::TcpListener;
use tower_http::csrf::CsrfLayer;

pub use self::account::Account;
pub use self::app::App;
pub use self::device::Browser;
pub use self::handle::Registered;
pub use self::keys::KeyFiles;
pub use self::listen::Wire;
use self::state::State;
use crate::support::clock::Clock;
use crate::support::ids::Ids;
use crate::support::lifecycle::Lifecycle;

/// The stand-ins and the devices behind them. Cheap to clone.
#[derive(Clone)]
pub struct DevPush(Arc<State>);

impl DevPush {
    /// As it will be reached under `address`.
    #[must_use]
    pub fn new(address: SocketAddr, account: Account, clock: Clock, ids: Ids) -> Self {
        Self(Arc::new(State::new(address, account, clock, ids)))
    }

    /// The file for `--fcm-key`: a service account whose tokens come from here.
    #[must_use]
    pub fn key_file(&self) -> String {
        self.0.account.key_file(&self.0.token_uri())
    }

    /// Everything, to be mounted at the root of a port of its own.
    pub fn router(&self) -> Router {
        Router::new()
            .merge(fcm::routes())
            .merge(web::routes())
            .merge(admin::routes())
            .merge(page::routes().merge(app::routes()).layer(CsrfLayer::new()))
            .layer(DefaultBodyLimit::max(2 << 20))
            .with_state(self.0.clone())
    }

    /// Serves until the process stops.
    pub async fn serve(self, listener: TcpListener, life: Lifecycle) {
        let state = self.0.clone();
        listen::listen(listener, self.router(), life, state).await;
    }
}

#[cfg(test)]
mod tests;
