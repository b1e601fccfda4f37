//! Second step of the way: may they? Tokens, API keys and sessions become a [`Principal`], and
//! every later question is asked of that.
//!
//! Guarantees: nothing here trusts a word of a token before its signature, by the algorithm of the
//! configured key; a tenant outside the key's list and a tenant that does not exist answer alike;
//! no secret reaches a log or an error text. Callers: the API and the hub through [`extract`], the
//! screens through `web::session`. What it reads is cached for seconds ([`directory`]), so that a
//! storm of reconnects is not a storm of queries.

pub mod api_key;
pub mod device_key;
pub mod directory;
pub mod extract;
pub mod fault;
pub mod jwt;
pub mod limiter;
pub mod origins;
pub mod password;
pub mod principal;
mod resolve;
pub mod state;

pub use extract::Surface;
pub use fault::Fault;
pub use jwt::keys::VerificationKeys;
pub use origins::Origins;
pub use principal::{Principal, Scope, Scopes, Who};
pub use state::{AuthSettings, AuthState, Hooks, hub_token};

#[cfg(test)]
mod tests;
