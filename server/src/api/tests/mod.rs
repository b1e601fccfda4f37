//! The API over its real routes and a real database.

mod acks;
mod away;
mod bodies;
mod browsers;
mod classes;
mod dead_letters;
mod docs;
mod erase;
mod events;
mod explain;
mod hub_paths;
mod operators;
mod publish;
mod punches;
mod requests;
mod scopes;
mod secrets;
mod site;
mod stream;
mod tenants;
mod webhooks;
