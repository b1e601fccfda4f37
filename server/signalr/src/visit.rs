//! An authenticated request to the endpoint, and what it is let in by.

use std::{borrow::Cow, sync::Arc};

use http::request::Parts;
use tokio::time::Instant;

use crate::{
    Connection, Limit,
    answer::Refusal,
    census::{Census, Seat},
    connection::{Facts, Opening, parameter},
    endpoint::Endpoint,
    protocol::TransportKind,
    server::Shared,
    slot::Slot,
};

pub(crate) struct Visit<E: Endpoint> {
    pub(crate) server: Arc<Shared<E>>,
    pub(crate) principal: E::Principal,
    pub(crate) parts: Parts,
}

/// What an open connection holds on to, so that others are counted right.
#[derive(Debug, Default)]
pub(crate) struct Seats {
    _user: Option<Seat>,
    _address: Option<Seat>,
}

impl<E: Endpoint> Visit<E> {
    /// The place that `id` names, if it is the visitor's.
    pub(crate) async fn slot(&self) -> Result<Arc<Slot<E::Principal>>, Refusal> {
        self.slot_if_named().await?.ok_or(Refusal::NoId)
    }

    /// As [`slot`](Self::slot), but the id may be missing.
    pub(crate) async fn slot_if_named(&self) -> Result<Option<Arc<Slot<E::Principal>>>, Refusal> {
        let id = parameter(&self.parts.uri, "id").filter(|id| !id.is_empty());
        let Some(id) = id else { return Ok(None) };
        let slot = match self.server.places.find(&id) {
            Some(slot) => slot,
            None => self.adopt(&id).await?,
        };
        if !E::same_identity(&slot.owner, &self.principal) {
            return Err(Refusal::OtherIdentity);
        }
        Ok(Some(slot))
    }

    /// A token that the host knows although this server does not.
    async fn adopt(&self, token: &str) -> Result<Arc<Slot<E::Principal>>, Refusal> {
        let server = &self.server;
        let known = server.admission.unknown_token(token, &self.principal).await;
        let reservation = known.ok_or(Refusal::UnknownId)?;
        // Another request may have asked the host for the same at the same time.
        if let Some(slot) = server.places.find(token) {
            return Ok(slot);
        }
        let until = Instant::now() + server.options.reservation_timeout;
        let (id, owner) = (reservation.id.into(), reservation.owner);
        let mut slot = Slot::new(token.into(), id, owner, Facts::default(), until);
        slot.resumable = reservation.stateful_reconnect && server.options.stateful_reconnect;
        server.reserve(slot)
    }

    pub(crate) fn require(&self, transport: TransportKind) -> Result<(), Refusal> {
        let enabled = self.server.options.transports.contains(&transport);
        enabled.then_some(()).ok_or(Refusal::TransportDisabled)
    }

    /// Whether one more connection of this user and from this address is within the bounds.
    pub(crate) fn seats(&self) -> Result<Seats, Refusal> {
        let (options, admission) = (&self.server.options, &self.server.admission);
        Ok(Seats {
            _user: self.seat(
                &self.server.users,
                options.max_connections_per_user,
                || E::user_key(&self.principal).map(Cow::into_owned),
                Limit::ConnectionsPerUser,
            )?,
            _address: self.seat(
                &self.server.addresses,
                options.max_connections_per_address,
                || admission.address_key(&self.parts),
                Limit::ConnectionsPerAddress,
            )?,
        })
    }

    fn seat(
        &self,
        census: &Arc<Census>,
        most: Option<usize>,
        key: impl FnOnce() -> Option<String>,
        limit: Limit,
    ) -> Result<Option<Seat>, Refusal> {
        let Some(most) = most else { return Ok(None) };
        let Some(key) = key() else { return Ok(None) };
        let seat = census.sit(&key, most).ok_or_else(|| {
            self.server.limits.hit(limit);
            Refusal::TooManyConnections
        })?;
        Ok(Some(seat))
    }

    /// The visitor's new connection. `earlier` is what is remembered of the negotiate request.
    pub(crate) fn connection(
        &self,
        id: Arc<str>,
        transport: TransportKind,
        earlier: &Facts,
        resumable: bool,
    ) -> Connection<E::Principal> {
        let options = &self.server.options;
        let opening = Opening {
            id,
            good_for: self.server.admission.expires_in(&self.principal),
            principal: self.principal.clone(),
            transport,
            facts: Facts::of(&self.parts, &options.kept_headers, earlier),
            resumable,
        };
        Connection::new(opening, options, &self.server.limits)
    }

    /// The visitor has come again, perhaps with newer credentials.
    pub(crate) fn comes_again(&self, connection: &Arc<Connection<E::Principal>>) {
        self.server.hub.seen_again(connection, &self.principal);
        let good_for = self.server.admission.expires_in(&self.principal);
        connection.lease.renew(self.principal.clone(), good_for);
        connection.touch();
    }
}

impl<E: Endpoint> Shared<E> {
    pub(crate) fn reserve(
        &self,
        slot: Slot<E::Principal>,
    ) -> Result<Arc<Slot<E::Principal>>, Refusal> {
        let most = self.options.max_reservations;
        self.places
            .reserve(slot, most, &self.tracker, &self.stopping)
            .map_err(|_| {
                self.limits.hit(Limit::Reservations);
                Refusal::TooManyReservations
            })
    }

    /// Runs a connection's session until it ends, or its credentials do.
    pub(crate) async fn serve(self: &Arc<Self>, connection: &Arc<Connection<E::Principal>>) {
        let mut session = std::pin::pin!(E::serve(self, connection));
        tokio::select! {
            () = &mut session => return,
            () = connection.lease.ended() => connection.close(None, true),
        }
        session.await;
    }
}
