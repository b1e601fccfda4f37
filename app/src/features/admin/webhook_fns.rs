//! What the page of webhooks asks of the server. Each needs the role admin; the backend checks it.

use leptos::prelude::*;

use crate::error::AppError;
use crate::model::webhooks::{Deed, Tested, Webhooks};
use crate::wire::Json;

/// Webhooks of all services; with `one`, that one with its newest tries.
#[server(endpoint = "admin/webhooks", output = Json)]
pub async fn load_webhooks(#[server(default)] one: String) -> Result<Webhooks, AppError> {
    let (backend, caller) = crate::answer::call(crate::backend::signed_in())?;
    crate::answer::call(backend.webhooks(&caller, &one).await)
}

/// A secret nobody has yet. It is in the form before it is saved, so that whoever saves it has seen it, with script or
/// without; afterwards it is told nobody.
#[server(endpoint = "admin/suggest-secret", output = Json)]
pub async fn suggest_secret() -> Result<String, AppError> {
    let (backend, caller) = crate::answer::call(crate::backend::signed_in())?;
    crate::answer::call(backend.suggest_secret(&caller).await)
}

/// Makes a webhook, or changes the address and events of one; answers its inner id.
#[server(endpoint = "admin/save-webhook", output = Json)]
pub async fn save_webhook(
    #[server(default)] id: String,
    #[server(default)] service: String,
    #[server(default)] key: String,
    url: String,
    #[server(default)] events: Vec<String>,
    #[server(default)] secret: String,
) -> Result<String, AppError> {
    use crate::model::webhooks::WebhookDraft;
    let (backend, caller) = crate::answer::call(crate::backend::signed_in())?;
    let draft = WebhookDraft {
        id,
        service,
        key,
        url,
        events,
        secret,
    };
    let id = crate::answer::call(backend.put_webhook(&caller, draft).await)?;
    crate::answer::lead_on(&super::webhooks::address(&id));
    Ok(id)
}

/// Pauses, resumes or removes one.
#[server(endpoint = "admin/webhook-deed", output = Json)]
pub async fn do_to_webhook(id: String, deed: Deed) -> Result<(), AppError> {
    let (backend, caller) = crate::answer::call(crate::backend::signed_in())?;
    crate::answer::call(backend.do_to_webhook(&caller, &id, deed).await)?;
    if deed == Deed::Remove {
        crate::answer::lead_on(super::webhooks::PATH);
    }
    Ok(())
}

/// Gives one another secret.
#[server(endpoint = "admin/webhook-secret", output = Json)]
pub async fn change_secret(id: String, secret: String) -> Result<(), AppError> {
    let (backend, caller) = crate::answer::call(crate::backend::signed_in())?;
    crate::answer::call(backend.change_secret(&caller, &id, &secret).await)?;
    crate::answer::lead_on(&super::webhooks::address(&id));
    Ok(())
}

/// Sends one a test.
#[server(endpoint = "admin/test-webhook", output = Json)]
pub async fn test_webhook(id: String) -> Result<Tested, AppError> {
    let (backend, caller) = crate::answer::call(crate::backend::signed_in())?;
    crate::answer::call(backend.test_webhook(&caller, &id).await)
}
