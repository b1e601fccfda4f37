//! What the inbox asks of the server.

use leptos::prelude::*;

use crate::error::AppError;
use crate::model::inbox::{InboxCounts, InboxPage, InboxTab, Mark};
use crate::wire::Json;

/// A page, newest first, older than `before`.
#[server(endpoint = "inbox/page", output = Json)]
pub async fn inbox(tab: InboxTab, before: Option<i64>) -> Result<InboxPage, AppError> {
    let (backend, caller) = crate::answer::call(crate::backend::signed_in())?;
    crate::answer::call(backend.inbox(&caller, tab, before).await)
}

/// Marks items. `ids` are joined by commas, so that a plain form with one field can post them.
#[server(endpoint = "inbox/mark", output = Json)]
pub async fn mark_items(ids: String, mark: Mark) -> Result<InboxCounts, AppError> {
    let (backend, caller) = crate::answer::call(crate::backend::signed_in())?;
    let ids = ids
        .split(',')
        .filter(|id| !id.is_empty())
        .map(str::to_owned)
        .collect();
    crate::answer::call(backend.mark(&caller, ids, mark).await)
}
