//! What the board asks of the server.

use leptos::prelude::*;

use crate::error::AppError;
use crate::model::attendance::Board;
use crate::wire::Json;

/// The whole board; filters work in the page.
#[server(endpoint = "attendance/board", output = Json)]
pub async fn load_board() -> Result<Board, AppError> {
    let (backend, caller) = crate::answer::call(crate::backend::signed_in())?;
    crate::answer::call(backend.board(&caller).await)
}
