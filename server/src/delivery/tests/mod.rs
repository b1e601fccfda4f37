//! The rules of delivery, each named after the failure it catches (docs/guarantees.md), over the
//! real database and real sockets.

mod accept;
mod backlog;
mod commit;
mod devices;
mod events;
mod fanout;
mod leaving;
mod order;
mod phones;
mod plan;
mod polling;
mod presence;
mod publish;
mod receipts;
mod removal;
mod restore;
mod results;
mod resume;
mod rungs;
mod screens;
mod sql;
mod stream;
mod tenants;
mod withdraw;
