//! Bellhop, the server. Read the modules in this order and you walk the way of a notification:
//! it arrives ([`api`]), is authorised ([`auth`]), stored and routed ([`delivery`]), goes to the
//! connections that are here ([`hub`]), and stays owed until acknowledged ([`outbox`]). A device that
//! has no connection is written to by way of its maker ([`push`]).
//!
//! [`verify`] stands outside of it all: it publishes and receives as everybody does, and says whether what is
//! promised was kept.
//!
//! Below the way stand the parts it rests on: [`workplace`] is what our own screens are about,
//! [`web`] serves them, [`store`] holds all SQL, [`run`] is the process. [`devpush`] stands
//! in for the makers' services, in tests and at a developer's desk.

pub mod api;
pub mod auth;
pub mod delivery;
pub mod devpush;
pub mod explain;
pub mod hub;
pub mod outbox;
pub mod push;
pub mod run;
#[cfg(any(test, feature = "testing"))]
pub mod simulation;
pub mod store;
pub mod support;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod verify;
pub mod web;
pub mod webhooks;
pub mod workplace;
