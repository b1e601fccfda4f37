//! Connections that the host serves by other means, such as an event stream of its own: counted among
//! those of their user and their address.

use std::sync::Arc;

use http::request::Parts;

use crate::{
    Hub, HubServer,
    answer::Refusal,
    visit::{Seats, Visit},
};

/// A place among the connections of a user and of an address; given back when dropped.
#[derive(Debug)]
pub struct Place {
    _seats: Seats,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoPlace {
    /// The server drains or stops: come back elsewhere.
    #[error("the server is leaving")]
    Leaving,
    /// The user or the address has as many connections as it may.
    #[error("too many connections are open")]
    Full,
}

impl<H: Hub> HubServer<H> {
    /// A place for a connection that the host serves itself. It counts towards
    /// [`max_connections_per_user`](crate::HubOptions::max_connections_per_user) and
    /// [`max_connections_per_address`](crate::HubOptions::max_connections_per_address), together with
    /// this server's own; nothing else of the server knows of it.
    pub fn take_place(&self, principal: &H::Principal, request: &Parts) -> Result<Place, NoPlace> {
        if !self.shared.accepts() {
            return Err(NoPlace::Leaving);
        }
        let visit = Visit {
            server: Arc::clone(&self.shared),
            principal: principal.clone(),
            parts: request.clone(),
        };
        match visit.seats() {
            Ok(seats) => Ok(Place { _seats: seats }),
            Err(Refusal::Leaving) => Err(NoPlace::Leaving),
            Err(_) => Err(NoPlace::Full),
        }
    }
}
