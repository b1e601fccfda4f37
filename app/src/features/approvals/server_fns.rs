//! What the approvals screens ask of the server.

use leptos::prelude::*;

use crate::error::AppError;
use crate::model::approval::{ApprovalList, ApprovalTab, RequestDetail, Verdict};
use crate::wire::Json;

/// One of my lists.
#[server(endpoint = "approvals/list", output = Json)]
pub async fn approvals(tab: ApprovalTab) -> Result<ApprovalList, AppError> {
    let (backend, caller) = crate::answer::call(crate::backend::signed_in())?;
    crate::answer::call(backend.approvals(&caller, tab).await)
}

/// A request in full.
#[server(endpoint = "approvals/request", output = Json)]
pub async fn request(id: String) -> Result<RequestDetail, AppError> {
    let (backend, caller) = crate::answer::call(crate::backend::signed_in())?;
    crate::answer::call(backend.request(&caller, &id).await)
}

/// Decides. The plain form of a page without script posts here too, and comes back to its page.
#[server(endpoint = "approvals/decide", output = Json)]
pub async fn decide(
    request: String,
    revision: i32,
    verdict: Verdict,
    #[server(default)] comment: String,
) -> Result<RequestDetail, AppError> {
    use crate::model::approval::Decision;
    let (backend, caller) = crate::answer::call(crate::backend::signed_in())?;
    crate::answer::call(
        backend
            .decide(
                &caller,
                Decision {
                    request,
                    revision,
                    verdict,
                    comment,
                },
            )
            .await,
    )
}
