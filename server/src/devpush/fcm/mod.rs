//! Google's token endpoint and FCM v1.

mod body;
mod send;
mod token;

use std::sync::Arc;

use axum::Router;
use axum::routing::post;

use super::state::State;

pub(super) fn routes() -> Router<Arc<State>> {
    Router::new()
        .route("/token", post(token::token))
        .route("/v1/projects/{project}/{call}", post(send::send))
}
