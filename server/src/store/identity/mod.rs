//! Tenants, services, users, departments, groups, sites and who belongs where.
//!
//! Outer ids (`key`) are looked up inside one tenant, always: a function without a tenant in its
//! arguments cannot be written here by accident, only [`tenants`] has some.

pub mod members;
pub mod named;
pub mod pins;
pub mod services;
pub mod sites;
pub mod tenants;
pub mod users;

/// What a write that may be repeated did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Created,
    Changed,
    Unchanged,
}

/// Two people cannot have one login, whatever their tenants.
pub const LOGIN_TAKEN: &str = "user_account_login_key";

/// The name of the constraint a write ran into, when it was one.
#[must_use]
pub fn violated(error: &sqlx::Error) -> Option<&str> {
    match error {
        sqlx::Error::Database(error) => error.constraint(),
        _ => None,
    }
}
