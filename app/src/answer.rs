//! The status of an answer says the same as its body; nothing of this exists in the browser.

use crate::error::AppError;

/// A page that shows this error instead of itself. Signed out, the frame redirects: its status
/// must stand.
pub fn page(error: &AppError) {
    #[cfg(feature = "ssr")]
    if *error != AppError::SignedOut {
        set(error);
    }
    #[cfg(not(feature = "ssr"))]
    let _ = error;
}

/// The answer of a server function. A plain form is answered by a redirect to its page, which then
/// shows the error: its status must stand too.
#[cfg(feature = "ssr")]
pub fn call<T>(result: Result<T, AppError>) -> Result<T, AppError> {
    if let Err(error) = &result
        && !from_plain_form()
    {
        set(error);
    }
    result
}

/// A plain form was answered, and its own page is not the one to see next. With script the page itself goes on.
#[cfg(feature = "ssr")]
pub fn lead_on(path: &str) {
    if from_plain_form() {
        leptos_axum::redirect(path);
    }
}

#[cfg(feature = "ssr")]
fn from_plain_form() -> bool {
    leptos::prelude::use_context::<http::request::Parts>().is_some_and(|parts| {
        let accept = parts.headers.get(http::header::ACCEPT);
        accept
            .and_then(|it| it.to_str().ok())
            .is_some_and(|it| it.contains("text/html"))
    })
}

#[cfg(feature = "ssr")]
fn set(error: &AppError) {
    use http::StatusCode;
    let status = match error {
        AppError::SignedOut => StatusCode::UNAUTHORIZED,
        AppError::Forbidden { .. } => StatusCode::FORBIDDEN,
        AppError::NotFound { .. } => StatusCode::NOT_FOUND,
        AppError::Invalid { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        AppError::AlreadyDecided { .. } | AppError::StaleRevision { .. } => StatusCode::CONFLICT,
        AppError::BadGateway => StatusCode::BAD_GATEWAY,
        AppError::Unavailable { .. } | AppError::Unreachable => StatusCode::SERVICE_UNAVAILABLE,
        AppError::Internal { .. } => StatusCode::INTERNAL_SERVER_ERROR,
    };
    if let Some(response) = leptos::prelude::use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(status);
    }
}
