//! Bellhop's screens and models, compiled twice: `ssr` for the host, `hydrate` for the browser.

pub mod router;
pub mod shell;

pub use router::App;
pub use shell::shell;
