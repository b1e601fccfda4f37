//! What every room uses and none owns: time, ids, settings, tasks and their end, what the log looks like.

pub mod address;
pub mod clock;
pub mod config;
pub mod dice;
pub mod hub_path;
pub mod ids;
pub mod lifecycle;
pub mod telemetry;
