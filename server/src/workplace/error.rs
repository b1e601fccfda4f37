//! What can go wrong in a use case, and how a screen hears of it.

use app::error::AppError;
use app::model::Moment;
use jiff::Timestamp;
use thiserror::Error;

use crate::store;

/// Seconds after which a caller should try again when the database is away.
const RETRY_AFTER_S: u32 = 2;

/// Why a use case did not happen. In every case nothing was half-done.
#[derive(Debug, Error)]
pub enum WorkplaceError {
    /// It does not exist in this tenant, or the caller may not know that it does.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The caller may see it but not do this; the sentence says what would be needed.
    #[error("not allowed: {0}")]
    Forbidden(&'static str),
    /// The input was refused.
    #[error("{field}: {problem}")]
    Invalid {
        /// Name of the field, as the API spells it.
        field: &'static str,
        /// What is wrong and what to do.
        problem: String,
    },
    /// Somebody was faster.
    #[error("{by} {verdict} it at {at}")]
    AlreadyDecided {
        /// Display name.
        by: String,
        /// `approved`, `rejected`, `withdrew`.
        verdict: &'static str,
        /// When.
        at: Timestamp,
    },
    /// The request changed after the caller looked at it.
    #[error("the request is at revision {current}")]
    StaleRevision {
        /// The revision that stands now.
        current: i32,
    },
    /// The database. Whether it is worth a retry: [`store::is_transient`].
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl WorkplaceError {
    /// Shorthand for a refused field.
    pub fn invalid(field: &'static str, problem: impl Into<String>) -> Self {
        Self::Invalid {
            field,
            problem: problem.into(),
        }
    }

    /// For the screens. A fault of ours becomes [`AppError::Internal`] under `reference`; the
    /// caller logs `self` under the same one.
    #[must_use]
    pub fn into_app(self, reference: impl Into<String>) -> AppError {
        match self {
            Self::NotFound(what) => AppError::NotFound {
                what: what.to_owned(),
            },
            Self::Forbidden(need) => AppError::Forbidden {
                need: need.to_owned(),
            },
            Self::Invalid { field, problem } => AppError::Invalid {
                field: field.to_owned(),
                problem,
            },
            Self::AlreadyDecided { by, verdict, at } => AppError::AlreadyDecided {
                by,
                verdict: verdict.to_owned(),
                at: Moment(at.as_millisecond()),
            },
            Self::StaleRevision { current } => AppError::StaleRevision { current },
            Self::Database(error) if store::is_transient(&error) => AppError::Unavailable {
                retry_after_s: RETRY_AFTER_S,
            },
            Self::Database(_) => AppError::Internal {
                reference: reference.into(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_is_away_asks_for_a_retry_and_a_fault_for_the_log() {
        let away = WorkplaceError::from(sqlx::Error::PoolTimedOut).into_app("7");
        assert_eq!(away, AppError::Unavailable { retry_after_s: 2 });
        let fault = WorkplaceError::from(sqlx::Error::RowNotFound).into_app("7");
        assert_eq!(
            fault,
            AppError::Internal {
                reference: "7".to_owned()
            }
        );
    }
}
