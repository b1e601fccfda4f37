//! What a use case refuses, as the caller of the API sees it. Said once, for every handler.

use http::StatusCode;

use super::problem::Problem;
use crate::workplace::WorkplaceError;

impl From<WorkplaceError> for Problem {
    fn from(error: WorkplaceError) -> Self {
        match error {
            WorkplaceError::NotFound(what) => Self::not_found(what),
            WorkplaceError::Forbidden(need) => Self::forbidden(need),
            WorkplaceError::Invalid { field, problem } => Self::invalid(field, problem),
            WorkplaceError::AlreadyDecided { by, verdict, at } => Self::new(
                StatusCode::CONFLICT,
                "already_decided",
                format!("{by} {verdict} it at {at}. Read the request to see how it stands."),
            ),
            WorkplaceError::StaleRevision { current } => Self::new(
                StatusCode::CONFLICT,
                "stale_revision",
                format!(
                    "The request is at revision {current} now. Read it again and decide on that."
                ),
            )
            .at("revision"),
            WorkplaceError::Database(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conflict_says_who_was_faster_and_when() {
        let at = "2026-11-21T09:02:00Z".parse().unwrap();
        let problem = Problem::from(WorkplaceError::AlreadyDecided {
            by: "Ada Lovelace".to_owned(),
            verdict: "approved",
            at,
        });
        assert_eq!(
            (problem.status.as_u16(), problem.code),
            (409, "already_decided")
        );
        assert!(
            problem
                .detail
                .starts_with("Ada Lovelace approved it at 2026-11-21T09:02:00Z"),
            "{}",
            problem.detail
        );
        let away = Problem::from(WorkplaceError::from(sqlx::Error::PoolTimedOut));
        assert_eq!(
            (away.status.as_u16(), away.retry_after),
            (503, Some(2)),
            "worth a retry"
        );
    }
}
