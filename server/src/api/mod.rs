//! 1. A notification arrives: HTTP API v1, health, metrics. Thin: parse, ask `auth`, call the room
//! that does it, answer.

pub mod body;
pub mod problem;
