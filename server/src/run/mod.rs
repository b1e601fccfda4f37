//! The process: commands, start and stop, the embedded database.

pub mod lifecycle;
