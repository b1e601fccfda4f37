//! What the host decides about who comes in, where to, and for how long.

use std::{future::ready, net::IpAddr, net::SocketAddr, sync::Arc, time::Duration};

use axum::extract::ConnectInfo;
use futures_util::future::BoxFuture;
use http::request::Parts;

use crate::Connection;

/// The host's say, given to [`HubServer::with_admission`](crate::HubServer::with_admission). Each
/// method has a default: everybody may come, for ever, here.
pub trait Admission<P: Send + Sync>: Send + Sync + 'static {
    /// Asked by each negotiate request of the right form: stay here, go elsewhere, or not at all.
    fn negotiate<'a>(&'a self, principal: &'a P, request: &'a Parts) -> BoxFuture<'a, Negotiation> {
        let _ = (principal, request);
        Box::pin(ready(Negotiation::Here))
    }

    /// The secret token of a new connection, for instance one that names its node. `None`: 16 random
    /// bytes. It must not be guessable, and must not repeat while its connection lives.
    fn token(&self, principal: &P, id: &str) -> Option<String> {
        let _ = (principal, id);
        None
    }

    /// Asked when a request names a token that this server does not know, before the 404. A
    /// reservation made here is used at once and counts as negotiated by its owner.
    fn unknown_token<'a>(
        &'a self,
        token: &'a str,
        principal: &'a P,
    ) -> BoxFuture<'a, Option<Reservation<P>>> {
        let _ = (token, principal);
        Box::pin(ready(None))
    }

    /// How much longer the principal's credentials are good, by the host's clock. At their end the
    /// connection is closed and its client told to come back. `None`: no end.
    ///
    /// Asked when a connection begins and when a later request brings a principal.
    fn expires_in(&self, principal: &P) -> Option<Duration> {
        let _ = principal;
        None
    }

    /// The time now as RFC 3339, for `refreshedAt` in the answer of `refresh`; left out if `None`.
    fn timestamp(&self) -> Option<String> {
        None
    }

    /// What connections of one place have in common, for
    /// [`max_connections_per_address`](crate::HubOptions::max_connections_per_address). By default
    /// the peer's IP address, of version 6 the first 64 bits, if the host serves with
    /// `ConnectInfo<SocketAddr>`. Behind a proxy that is the proxy's: override this.
    fn address_key(&self, request: &Parts) -> Option<String> {
        let peer = request.extensions.get::<ConnectInfo<SocketAddr>>()?;
        Some(network(peer.0.ip()))
    }

    /// Asked before a client that lost its WebSocket continues its connection, before anything is
    /// replayed. `false` ends the connection and answers 404: the client then starts anew.
    fn may_resume<'a>(
        &'a self,
        connection: &'a Arc<Connection<P>>,
        principal: &'a P,
    ) -> BoxFuture<'a, bool> {
        let _ = (connection, principal);
        Box::pin(ready(true))
    }
}

/// What a negotiate request is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Negotiation {
    /// A connection is reserved here.
    Here,
    /// The client negotiates again there; official clients follow up to 100 times.
    Elsewhere {
        /// The hub's URL, without `negotiate`.
        url: String,
        /// Bearer token for it, in place of the client's own.
        access_token: Option<String>,
    },
    /// The client stops with this text.
    Refused(String),
}

/// A place that was negotiated elsewhere.
#[derive(Debug, Clone)]
pub struct Reservation<P> {
    /// The public id.
    pub id: String,
    /// Who negotiated it; the request must come from the same user.
    pub owner: P,
    /// The client asked for stateful reconnect and was promised it.
    pub stateful_reconnect: bool,
}

/// Lets everybody in.
pub(crate) struct OpenDoor;

impl<P: Send + Sync> Admission<P> for OpenDoor {}

fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_households_addresses_are_one() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("10.0.0.7"), "10.0.0.7");
        assert_eq!(of("::ffff:10.0.0.7"), "10.0.0.7");
        assert_eq!(of("2001:db8:1:2:3::4"), of("2001:db8:1:2:ffff::1"));
        assert_ne!(of("2001:db8:1:2::4"), of("2001:db8:1:3::4"));
    }
}
