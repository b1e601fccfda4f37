//! What the console asks of the server. Each needs the role admin; the backend checks it.

#![expect(
    clippy::too_many_arguments,
    reason = "the fields of a plain form are the arguments of its server function"
)]

use leptos::prelude::*;

use crate::error::AppError;
use crate::model::admin::{
    ConnectionRow, DeadLetterRow, GroupRow, Overview, Page, QueuedRow, SentAgain,
};
use crate::model::classes::Classes;
use crate::model::why::Answer;
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

/// What ended without an ack, the latest first.
#[server(endpoint = "admin/undelivered", output = Json)]
pub async fn undelivered(search: String, page: u32) -> Result<Page<DeadLetterRow>, AppError> {
    use crate::model::admin::PageQuery;
    let (backend, caller) = crate::answer::call(crate::backend::signed_in())?;
    crate::answer::call(
        backend
            .undelivered(&caller, PageQuery { search, page })
            .await,
    )
}

/// Sends dead letters again. `ids` are joined by commas, so that a plain form can post them.
#[server(endpoint = "admin/send-again", output = Json)]
pub async fn send_again(ids: String) -> Result<SentAgain, AppError> {
    let (backend, caller) = crate::answer::call(crate::backend::signed_in())?;
    let ids = ids.split(',').map(str::to_owned).collect();
    crate::answer::call(backend.send_again(&caller, ids, false).await)
}

/// Says what sending them again would do.
#[server(endpoint = "admin/try-again", output = Json)]
pub async fn try_again(ids: String) -> Result<SentAgain, AppError> {
    let (backend, caller) = crate::answer::call(crate::backend::signed_in())?;
    let ids = ids.split(',').map(str::to_owned).collect();
    crate::answer::call(backend.send_again(&caller, ids, true).await)
}

/// Says what sending all again that match would do; `next` of the answer is where sending begins.
#[server(endpoint = "admin/count-again", output = Json)]
pub async fn count_again(#[server(default)] search: String) -> Result<SentAgain, AppError> {
    let (backend, caller) = crate::answer::call(crate::backend::signed_in())?;
    crate::answer::call(backend.count_again(&caller, &search).await)
}

/// Sends the next 1,000 of them again.
#[server(endpoint = "admin/send-all-again", output = Json)]
pub async fn send_all_again(
    #[server(default)] search: String,
    after: String,
) -> Result<SentAgain, AppError> {
    let (backend, caller) = crate::answer::call(crate::backend::signed_in())?;
    crate::answer::call(backend.send_all_again(&caller, &search, &after).await)
}

/// Why somebody got a notification, or not; either may be empty.
#[server(endpoint = "admin/why", output = Json)]
pub async fn why(notification: String, user: String) -> Result<Answer, AppError> {
    let (backend, caller) = crate::answer::call(crate::backend::signed_in())?;
    crate::answer::call(backend.why(&caller, notification.trim(), user.trim()).await)
}

/// How hard notifications are tried.
#[server(endpoint = "admin/classes", output = Json)]
pub async fn load_classes() -> Result<Classes, AppError> {
    let (backend, caller) = crate::answer::call(crate::backend::signed_in())?;
    crate::answer::call(backend.classes(&caller).await)
}

/// Writes a class, as its form has it.
#[server(endpoint = "admin/save-class", output = Json)]
pub async fn save_class(
    key: String,
    ack_by: String,
    sufficient: String,
    life: String,
    #[server(default)] ladder: String,
    title: String,
    #[server(default)] fields: String,
    #[server(default)] high: String,
    #[server(default)] away: String,
    #[server(default)] backlog: String,
) -> Result<(), AppError> {
    use crate::model::delivery::draft::Draft;
    let (backend, caller) = crate::answer::call(crate::backend::signed_in())?;
    let draft = Draft {
        ack_by,
        sufficient,
        life,
        ladder,
        title,
        fields,
        high,
        away,
        backlog,
    };
    let class = draft.read().map_err(|flaw| AppError::Invalid {
        field: flaw.field,
        problem: flaw.cure,
    });
    let class = crate::answer::call(class)?;
    crate::answer::call(backend.put_class(&caller, key.trim(), class).await)
}

/// Removes a class; a built-in one of its key is back.
#[server(endpoint = "admin/remove-class", output = Json)]
pub async fn remove_class(key: String) -> Result<(), AppError> {
    let (backend, caller) = crate::answer::call(crate::backend::signed_in())?;
    crate::answer::call(backend.remove_class(&caller, &key).await)
}

/// Gives a kind a class; an empty one takes it away.
#[server(endpoint = "admin/set-kind", output = Json)]
pub async fn set_kind(kind: String, #[server(default)] class: String) -> Result<(), AppError> {
    let (backend, caller) = crate::answer::call(crate::backend::signed_in())?;
    crate::answer::call(backend.set_kind(&caller, kind.trim(), &class).await)
}

/// The class of kinds that have none.
#[server(endpoint = "admin/set-default", output = Json)]
pub async fn set_default_class(class: String) -> Result<(), AppError> {
    let (backend, caller) = crate::answer::call(crate::backend::signed_in())?;
    crate::answer::call(backend.set_default_class(&caller, &class).await)
}
