//! The one public shape of an error: `application/problem+json` (RFC 9457) with a stable code, the
//! field that was wrong and what to do. Internal text goes to the log, once, under a reference.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

/// A refusal or failure as the caller sees it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Problem {
    /// HTTP status, repeated for those who lost the head.
    #[serde(serialize_with = "status_number")]
    #[schema(value_type = u16, example = 422)]
    pub status: StatusCode,
    /// Stable, for programs: `unknown_recipient`.
    #[schema(example = "unknown_recipient")]
    pub code: &'static str,
    /// For people: what was wrong and what to do.
    pub detail: String,
    /// Where in the body or query, `audience.users[2]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Finds the line in the server's log; only on 5xx.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Seconds, also as `Retry-After`.
    #[serde(skip)]
    pub retry_after: Option<u32>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature serde asks for"
)]
fn status_number<S: serde::Serializer>(status: &StatusCode, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_u16(status.as_u16())
}

impl Problem {
    /// A problem with just status, code and text.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            field: None,
            reference: None,
            retry_after: None,
        }
    }

    /// 422 on a field.
    #[must_use]
    pub fn invalid(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail).at(field)
    }

    /// 404; also for what belongs to another tenant.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            format!("There is no such {what}."),
        )
    }

    /// 401 with a distinct code (`missing_token`, `expired_token`, `invalid_token`, …).
    #[must_use]
    pub fn unauthorized(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code, detail)
    }

    /// 403: known, but may not.
    #[must_use]
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// 503: the database is away, nothing was half-done, try again. It says no more: where the connection broke between a
    /// commit and its answer, it was done.
    #[must_use]
    pub fn unavailable() -> Self {
        Self {
            retry_after: Some(2),
            ..Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "database_unavailable",
                "The database cannot be reached. Try again: under the same id or key nothing is done twice.",
            )
        }
    }

    /// 500: logs `error` under a reference and shows only the reference.
    #[must_use]
    pub fn internal(error: &dyn std::fmt::Display) -> Self {
        // Random is enough here: the reference only has to be found again in the log.
        let mut bytes = [0_u8; 6];
        let _ = aws_lc_rs::rand::fill(&mut bytes);
        let reference = crate::support::ids::hex(&bytes);
        tracing::error!(reference, %error, "request failed");
        Self {
            reference: Some(reference),
            ..Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "The server failed; its log has the details under this reference.",
            )
        }
    }

    /// Names the field.
    #[must_use]
    pub fn at(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }
}

/// Answers a path under `/api` that does not exist.
pub async fn no_such_path() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "no_such_path",
        "There is nothing under this path; `/api/v1/docs` lists what there is.",
    )
}

/// Answers a path that exists to a method that it does not have.
pub async fn method_not_allowed() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "This path does not have that method; the header `Allow` lists those it has.",
    )
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        if crate::store::is_transient(&error) {
            tracing::warn!(%error, "database unavailable");
            Self::unavailable()
        } else {
            Self::internal(&error)
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, retry_after) = (self.status, self.retry_after);
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
