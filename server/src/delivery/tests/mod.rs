//! The rules of delivery, each named after the failure it catches (docs/guarantees.md), over the
//! real database and real sockets.

mod commit;
mod devices;
mod order;
mod plan;
mod polling;
mod publish;
mod restore;
mod screens;
mod sql;
mod tenants;
