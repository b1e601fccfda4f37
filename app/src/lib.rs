//! Bellhop's screens and the models they speak of. Compiled twice: with `ssr` for the host, with
//! `hydrate` for the browser; never with both.

// Views are deep generic types; erasing them (debug builds) or not, the compiler needs the room.
#![recursion_limit = "512"]

pub mod answer;
#[cfg(feature = "ssr")]
pub mod backend;
pub mod browser;
pub mod components;
pub mod error;
pub mod features;
pub mod hydration;
pub mod live;
pub mod model;
pub mod protocol;
pub mod router;
pub mod shell;
pub mod wire;

pub use router::App;
pub use shell::shell;
