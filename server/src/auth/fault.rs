//! Why a proof was refused: always 401, with a code of its own, so that a client knows whether to
//! fetch a new token, sign in again or ask its administrator.

use crate::api::problem::Problem;

/// A refused proof. The texts name what to do and never repeat any of the proof.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("Send a token: `Authorization: Bearer …`.")]
    MissingToken,
    #[error("The token cannot be read: {0}.")]
    MalformedToken(&'static str),
    #[error("The token has expired. Fetch a new one and try again.")]
    ExpiredToken,
    #[error("The token is not valid yet: its `nbf` is in the future. Compare the clocks.")]
    NotYetValidToken,
    #[error("No verification key is configured for the token's issuer (`iss`).")]
    UnknownIssuer,
    #[error("The token is meant for another audience (`aud`).")]
    WrongAudience,
    #[error("The signature does not match any key configured for this issuer.")]
    BadSignature,
    #[error("The token names a tenant that does not exist or that its key may not name.")]
    UnknownTenant,
    #[error("The token names a service that does not exist or that its key may not name.")]
    UnknownService,
    #[error(
        "The token names a user that does not exist; users are not created on first sight here."
    )]
    UnknownUser,
    #[error("This user was deactivated.")]
    InactiveUser,
    #[error("The session this token belongs to has ended. Sign in again.")]
    SessionEnded,
    #[error("There is no such API key.")]
    UnknownKey,
    #[error("This API key was revoked.")]
    RevokedKey,
}

impl Fault {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::MissingToken => "missing_token",
            Self::MalformedToken(_) => "malformed_token",
            Self::ExpiredToken => "expired_token",
            Self::NotYetValidToken => "not_yet_valid_token",
            Self::UnknownIssuer => "unknown_issuer",
            Self::WrongAudience => "wrong_audience",
            Self::BadSignature => "bad_signature",
            Self::UnknownTenant => "unknown_tenant",
            Self::UnknownService => "unknown_service",
            Self::UnknownUser => "unknown_user",
            Self::InactiveUser => "inactive_user",
            Self::SessionEnded => "session_ended",
            Self::UnknownKey => "unknown_key",
            Self::RevokedKey => "revoked_key",
        }
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        Self::unauthorized(fault.code(), fault.to_string())
    }
}
