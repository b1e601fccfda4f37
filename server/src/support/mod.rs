//! What every room uses and none owns: time, ids, settings, what the log looks like.

pub mod clock;
pub mod config;
pub mod hub_path;
pub mod ids;
pub mod telemetry;
