//! An authenticated request to the endpoint, and what it is let in by.

use std::{borrow::Cow, sync::Arc};

use http::request::Parts;
use parking_lot::Mutex;
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

/// What a connection holds on to from its negotiate on, so that others are counted right.
#[derive(Debug, Default)]
pub(crate) struct Seats {
    user: Option<Seat>,
    address: Option<Seat>,
}

impl Seats {
    /// These, and those of `others` that are missing here.
    fn and(self, others: Self) -> Self {
        Self {
            user: self.user.or(others.user),
            address: self.address.or(others.address),
        }
    }
}

/// What a reservation holds on to.
#[derive(Debug, Default)]
pub(crate) struct Claim {
    seats: Seats,
    /// Among its user's reservations.
    _reservation: Option<Seat>,
}

/// A claim out of its reservation.
pub(crate) struct Taken<'a> {
    place: &'a Mutex<Option<Claim>>,
    claim: Option<Claim>,
}

impl Taken<'_> {
    /// The seats, for a connection.
    pub(crate) fn keep(mut self) -> Seats {
        self.claim.take().unwrap_or_default().seats
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        if let Some(claim) = self.claim.take() {
            *self.place.lock() = Some(claim);
        }
    }
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
        slot.claim = Some(self.claim()?).into();
        server.reserve(slot)
    }

    pub(crate) fn require(&self, transport: TransportKind) -> Result<(), Refusal> {
        let enabled = self.server.options.transports.contains(&transport);
        enabled.then_some(()).ok_or(Refusal::TransportDisabled)
    }

    /// Whether one more connection of this user and from this address is within the bounds.
    pub(crate) fn seats(&self) -> Result<Seats, Refusal> {
        self.more_seats(&Seats::default())
    }

    /// Those that a reservation does not have: its negotiate may have come without an address.
    fn more_seats(&self, held: &Seats) -> Result<Seats, Refusal> {
        let server = &self.server;
        let options = &server.options;
        let mut more = Seats::default();
        if held.user.is_none() {
            more.user = self.seat(
                &server.users,
                options.max_connections_per_user,
                || self.user(),
                Limit::ConnectionsPerUser,
            )?;
        }
        if held.address.is_none() {
            more.address = self.seat(
                &server.addresses,
                options.max_connections_per_address,
                || server.admission.address_key(&self.parts),
                Limit::ConnectionsPerAddress,
            )?;
        }
        Ok(more)
    }

    /// Whether one more reservation is within the bounds: it has its connection's seats already.
    pub(crate) fn claim(&self) -> Result<Claim, Refusal> {
        Ok(Claim {
            seats: self.seats()?,
            _reservation: self.seat(
                &self.server.reservers,
                self.server.options.max_reservations_per_user,
                || self.user(),
                Limit::ReservationsPerUser,
            )?,
        })
    }

    /// The seats of a reservation that is about to become a connection. To be given back to it, by
    /// dropping what is answered, if it does not.
    pub(crate) fn seats_of<'a>(&self, slot: &'a Slot<E::Principal>) -> Result<Taken<'a>, Refusal> {
        let place = &slot.claim;
        let claim = place.lock().take();
        let mut taken = Taken { place, claim };
        if let Some(claim) = &mut taken.claim {
            let more = self.more_seats(&claim.seats)?;
            claim.seats = std::mem::take(&mut claim.seats).and(more);
        }
        Ok(taken)
    }

    fn user(&self) -> Option<String> {
        E::user_key(&self.principal).map(Cow::into_owned)
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
            match limit {
                Limit::ReservationsPerUser => Refusal::TooManyOfUser,
                _ => Refusal::TooManyConnections,
            }
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
