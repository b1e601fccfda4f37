//! What the board asks of the server.

use leptos::prelude::*;

use crate::error::AppError;
use crate::model::attendance::Board;

/// The whole board; filters work in the page.
#[server(endpoint = "attendance/board")]
pub async fn load_board() -> Result<Board, AppError> {
    let (backend, caller) = crate::answer::call(crate::backend::signed_in())?;
    crate::answer::call(backend.board(&caller).await)
}
