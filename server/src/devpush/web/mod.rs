//! The push services of four browsers: `POST /push/{id}` under each one's name.

mod envelope;
mod open;
mod push;
mod refusal;
mod vapid;

use std::sync::Arc;

use axum::Router;
use axum::routing::post;

use super::state::State;

pub(super) fn routes() -> Router<Arc<State>> {
    Router::new().route("/push/{id}", post(push::push))
}
