//! The one seam between the screens and the server: server functions call this trait, the server
//! implements it. `app` never knows the server.

use std::sync::Arc;

use async_trait::async_trait;
use leptos::prelude::use_context;

use crate::error::AppError;
use crate::model::Moment;
use crate::model::admin::{
    ConnectionRow, DeadLetterRow, GroupRow, Overview, Page, PageQuery, QueuedRow, SentAgain,
};
use crate::model::approval::{ApprovalList, ApprovalTab, Decision, RequestDetail};
use crate::model::attendance::Board;
use crate::model::badges::Badges;
use crate::model::classes::Classes;
use crate::model::delivery::Class;
use crate::model::inbox::{InboxCounts, InboxPage, InboxTab, Mark};
use crate::model::person::{DemoLogin, HubToken, Me, Role};
use crate::model::webhooks::{Deed, Tested, WebhookDraft, Webhooks};
use crate::model::why;

/// Who calls, established by the server from the session cookie before any server function runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Inner id of the tenant (UUID).
    pub tenant: u128,
    /// Inner id of the user (UUID).
    pub user: u128,
    /// What they may do.
    pub roles: Vec<Role>,
    /// Inner id of the session, never its secret: hub tokens are bound to it.
    pub session: u128,
}

/// What the screens ask of the server. Each method authorises `caller` itself.
#[async_trait]
pub trait Backend: Send + Sync + 'static {
    /// The server's clock: pages are rendered as of this instant.
    fn now(&self) -> Moment;

    /// Buttons for the sign-in page; empty unless demo data is loaded on loopback.
    async fn demo_logins(&self) -> Result<Vec<DemoLogin>, AppError>;
    /// Who is signed in.
    async fn me(&self, caller: &Caller) -> Result<Me, AppError>;
    /// A token for the hub, for five minutes, bound to the session.
    async fn hub_token(&self, caller: &Caller) -> Result<HubToken, AppError>;

    /// Counts for the rail and the bell, with every page.
    async fn badges(&self, caller: &Caller) -> Result<Badges, AppError>;

    /// A page of the inbox, newest first, older than `before` when given.
    async fn inbox(
        &self,
        caller: &Caller,
        tab: InboxTab,
        before: Option<i64>,
    ) -> Result<InboxPage, AppError>;
    /// Marks items; ids that are not the caller's are passed over. Idempotent.
    async fn mark(
        &self,
        caller: &Caller,
        ids: Vec<String>,
        mark: Mark,
    ) -> Result<InboxCounts, AppError>;

    /// One of the caller's lists.
    async fn approvals(&self, caller: &Caller, tab: ApprovalTab) -> Result<ApprovalList, AppError>;
    /// A request the caller asked for or has a part in.
    async fn request(&self, caller: &Caller, id: &str) -> Result<RequestDetail, AppError>;
    /// Decides; answers the request as it stands then.
    async fn decide(&self, caller: &Caller, decision: Decision) -> Result<RequestDetail, AppError>;

    /// The board (role hr).
    async fn board(&self, caller: &Caller) -> Result<Board, AppError>;

    /// Numbers and health (role admin).
    async fn overview(&self, caller: &Caller) -> Result<Overview, AppError>;
    /// Open connections (role admin).
    async fn connections(
        &self,
        caller: &Caller,
        query: PageQuery,
    ) -> Result<Page<ConnectionRow>, AppError>;
    /// Closes connections; they may come back. Answers how many were open (role admin).
    async fn disconnect(&self, caller: &Caller, ids: Vec<String>) -> Result<u32, AppError>;
    /// Groups with somebody in them (role admin).
    async fn groups(&self, caller: &Caller, query: PageQuery) -> Result<Page<GroupRow>, AppError>;
    /// Deliveries still owed, oldest first (role admin).
    async fn queued(&self, caller: &Caller, query: PageQuery) -> Result<Page<QueuedRow>, AppError>;
    /// What ended without an ack, the latest first (role admin). The search may hold `reason:`, `kind:` and
    /// `user:`.
    async fn undelivered(
        &self,
        caller: &Caller,
        query: PageQuery,
    ) -> Result<Page<DeadLetterRow>, AppError>;
    /// Sends dead letters again, or says what that would do; ids as in [`DeadLetterRow`] (role admin).
    async fn send_again(
        &self,
        caller: &Caller,
        ids: Vec<String>,
        dry_run: bool,
    ) -> Result<SentAgain, AppError>;
    /// Says what sending all again that match would do, up to 10,000 of them; `next` of the answer is where sending
    /// begins, so that what ends meanwhile is not among them (role admin).
    async fn count_again(&self, caller: &Caller, search: &str) -> Result<SentAgain, AppError>;
    /// Sends the next 1,000 of them again; `next` of the answer is where the ones after them begin (role admin).
    async fn send_all_again(
        &self,
        caller: &Caller,
        search: &str,
        after: &str,
    ) -> Result<SentAgain, AppError>;
    /// Why somebody got a notification, or not (role admin). Either may be empty.
    async fn why(
        &self,
        caller: &Caller,
        notification: &str,
        user: &str,
    ) -> Result<why::Answer, AppError>;
    /// How hard notifications are tried (role admin).
    async fn classes(&self, caller: &Caller) -> Result<Classes, AppError>;
    /// Writes a class (role admin).
    async fn put_class(&self, caller: &Caller, key: &str, class: Class) -> Result<(), AppError>;
    /// Removes a class; a built-in one of its key is back (role admin).
    async fn remove_class(&self, caller: &Caller, key: &str) -> Result<(), AppError>;
    /// Gives a kind a class; an empty one takes it away (role admin).
    async fn set_kind(&self, caller: &Caller, kind: &str, class: &str) -> Result<(), AppError>;
    /// The class of kinds that have none (role admin).
    async fn set_default_class(&self, caller: &Caller, class: &str) -> Result<(), AppError>;
    /// Webhooks of all services; of one alone, with its tries, when its inner id is given: none, when it is none of
    /// the tenant's (role admin).
    async fn webhooks(&self, caller: &Caller, one: &str) -> Result<Webhooks, AppError>;
    /// A secret nobody has yet, for a form to suggest (role admin).
    async fn suggest_secret(&self, caller: &Caller) -> Result<String, AppError>;
    /// Makes or changes a webhook; answers its inner id (role admin).
    async fn put_webhook(&self, caller: &Caller, draft: WebhookDraft) -> Result<String, AppError>;
    /// Pauses, resumes or removes one (role admin).
    async fn do_to_webhook(&self, caller: &Caller, id: &str, deed: Deed) -> Result<(), AppError>;
    /// Gives one another secret; the one before it signs too for a day (role admin).
    async fn change_secret(&self, caller: &Caller, id: &str, secret: &str) -> Result<(), AppError>;
    /// Sends one a test, and answers what came of it, after 15 seconds at most (role admin).
    async fn test_webhook(&self, caller: &Caller, id: &str) -> Result<Tested, AppError>;
}

/// The backend as the server put it into the reactive context.
pub type SharedBackend = Arc<dyn Backend>;

/// The backend, whoever calls.
///
/// # Errors
/// [`AppError::Internal`] when the server forgot to provide it: a fault in its wiring.
pub fn backend() -> Result<SharedBackend, AppError> {
    use_context::<SharedBackend>().ok_or_else(|| AppError::Internal {
        reference: "no backend in context".to_owned(),
    })
}

/// The backend and who calls; what every server function begins with.
///
/// # Errors
/// [`AppError::SignedOut`] without a session.
pub fn signed_in() -> Result<(SharedBackend, Caller), AppError> {
    let caller = use_context::<Option<Caller>>()
        .flatten()
        .ok_or(AppError::SignedOut)?;
    Ok((backend()?, caller))
}
