//! What the console asks of the server. Each needs the role admin; the backend checks it.

use leptos::prelude::*;

use crate::error::AppError;
use crate::model::admin::{ConnectionRow, GroupRow, Overview, Page, QueuedRow};
use crate::wire::Json;

/// Numbers and health.
#[server(endpoint = "admin/overview", output = Json)]
pub async fn load_overview() -> Result<Overview, AppError> {
    let (backend, caller) = crate::answer::call(crate::backend::signed_in())?;
    crate::answer::call(backend.overview(&caller).await)
}

/// Open connections.
#[server(endpoint = "admin/connections", output = Json)]
pub async fn connections(search: String, page: u32) -> Result<Page<ConnectionRow>, AppError> {
    use crate::model::admin::PageQuery;
    let (backend, caller) = crate::answer::call(crate::backend::signed_in())?;
    crate::answer::call(
        backend
            .connections(&caller, PageQuery { search, page })
            .await,
    )
}

/// Closes connections. `ids` are joined by commas, so that a plain form can post them.
#[server(endpoint = "admin/disconnect", output = Json)]
pub async fn disconnect(ids: String) -> Result<u32, AppError> {
    let (backend, caller) = crate::answer::call(crate::backend::signed_in())?;
    let ids = ids
        .split(',')
        .filter(|id| !id.is_empty())
        .map(str::to_owned)
        .collect();
    crate::answer::call(backend.disconnect(&caller, ids).await)
}

/// Groups with somebody in them.
#[server(endpoint = "admin/groups", output = Json)]
pub async fn groups(search: String, page: u32) -> Result<Page<GroupRow>, AppError> {
    use crate::model::admin::PageQuery;
    let (backend, caller) = crate::answer::call(crate::backend::signed_in())?;
    crate::answer::call(backend.groups(&caller, PageQuery { search, page }).await)
}

/// Deliveries still owed, oldest first.
#[server(endpoint = "admin/queued", output = Json)]
pub async fn queued(search: String, page: u32) -> Result<Page<QueuedRow>, AppError> {
    use crate::model::admin::PageQuery;
    let (backend, caller) = crate::answer::call(crate::backend::signed_in())?;
    crate::answer::call(backend.queued(&caller, PageQuery { search, page }).await)
}
