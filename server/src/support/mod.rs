//! What every room uses and none owns: time, ids, settings.

pub mod clock;
pub mod ids;
