//! "Notifications on this device": whether this browser is pushed to, and the switch for it.
//!
//! The worker that receives pushes is the server's (`server/src/web/push/worker.js`); it registers this browser
//! and keeps the credential. Here the person is asked, the browser subscribes, and the state is told.

#[cfg(feature = "hydrate")]
mod browser;
pub mod control;
#[cfg(feature = "hydrate")]
mod js;
#[cfg(feature = "hydrate")]
mod page;
pub mod state;

/// Address of the worker, at the root of the site.
pub const WORKER: &str = "/push-worker.js";
