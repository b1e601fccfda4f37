//! What the sign-in page asks before anybody is signed in.

use leptos::prelude::*;

use crate::error::AppError;
use crate::model::person::DemoLogin;
use crate::wire::Json;

/// The demo logins; empty unless demo data is loaded and the server listens on loopback.
#[server(endpoint = "demo-logins", output = Json)]
pub async fn demo_logins() -> Result<Vec<DemoLogin>, AppError> {
    crate::answer::call(crate::backend::backend()?.demo_logins().await)
}
