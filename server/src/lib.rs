//! Bellhop, the server. Read the modules in this order and you walk the way of a notification:
//! it arrives ([`api`]), is authorised ([`auth`]), stored and routed ([`delivery`]), goes to the
//! connections that are here ([`hub`]), and stays owed until acknowledged ([`outbox`]).
//!
//! Below the way stand the parts it rests on: [`workplace`] is what our own screens are about,
//! [`web`] serves them, [`store`] holds all SQL, [`run`] is the process.

pub mod api;
pub mod auth;
pub mod delivery;
pub mod hub;
pub mod outbox;
pub mod run;
pub mod store;
pub mod support;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod web;
pub mod workplace;
