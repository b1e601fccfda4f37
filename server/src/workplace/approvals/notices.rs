//! The notifications approvals send. Data carries what a client needs to open the request and to
//! say who did it, so that no client has to ask back.

use app::model::inbox::Severity;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use uuid::Uuid;

use super::act::{link, number};
use crate::delivery::{Audience, Publication};
use crate::workplace::Desk;

/// How long a notification about a request is worth delivering.
const WORTH: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Who published, for whoever asks later.
const PUBLISHER: &str = "workplace";

/// The facts every one of them names.
#[derive(Clone, Copy, Debug)]
pub(super) struct About<'a> {
    pub tenant: Uuid,
    pub service: Uuid,
    pub request: Uuid,
    pub number: i64,
    pub submitted_at: Timestamp,
    pub kind: &'a str,
    pub subject: &'a str,
    pub amount: &'a str,
}

/// To those who can decide now.
pub(super) fn new_task(
    about: &About<'_>,
    requester: &str,
    to: Vec<Uuid>,
    desk: Desk<'_>,
    now: Timestamp,
) -> Publication {
    let mut body = format!("{requester} asks you to decide.");
    if !about.amount.is_empty() {
        body = format!("{}. {body}", about.amount);
    }
    build(
        about,
        "NewTask",
        about.subject.to_owned(),
        body,
        requester,
        to,
        desk,
        now,
    )
}

/// To the requester, when the last step said yes.
pub(super) fn approved(
    about: &About<'_>,
    actor: &str,
    comment: Option<&str>,
    to: Uuid,
    desk: Desk<'_>,
    now: Timestamp,
) -> Publication {
    let title = format!("{actor} approved: {}", about.subject);
    let body = said(comment).unwrap_or_else(|| "Your request is approved.".to_owned());
    build(
        about,
        "DocumentApproved",
        title,
        body,
        actor,
        vec![to],
        desk,
        now,
    )
}

/// To the requester, when a step said no.
pub(super) fn rejected(
    about: &About<'_>,
    actor: &str,
    comment: Option<&str>,
    to: Uuid,
    desk: Desk<'_>,
    now: Timestamp,
) -> Publication {
    let title = format!("{actor} rejected: {}", about.subject);
    let body = said(comment).unwrap_or_default();
    build(
        about,
        "DocumentRejected",
        title,
        body,
        actor,
        vec![to],
        desk,
        now,
    )
}

fn said(comment: Option<&str>) -> Option<String> {
    comment.map(|comment| format!("“{comment}”"))
}

#[expect(
    clippy::too_many_arguments,
    reason = "three callers above, each of them readable"
)]
fn build(
    about: &About<'_>,
    kind: &str,
    title: String,
    body: String,
    actor: &str,
    to: Vec<Uuid>,
    desk: Desk<'_>,
    now: Timestamp,
) -> Publication {
    let data = json!({
        "requestId": about.request,
        "number": number(about.number, about.submitted_at),
        "requestKind": about.kind,
        "subject": about.subject,
        "amount": about.amount,
        "actor": actor,
        "link": link(about.request),
    });
    // What asks for a decision is tried harder than what tells of one.
    let fallback = if kind == "NewTask" {
        "decision"
    } else {
        "standard"
    };
    let chosen = desk.classes.choose_or(about.tenant, kind, fallback);
    Publication {
        id: desk.ids.uuid(),
        tenant: about.tenant,
        service: about.service,
        kind: kind.to_owned(),
        title,
        body,
        data: data.to_string(),
        thread_key: Some(format!("request:{}", about.request)),
        severity: Severity::Info,
        class: chosen.key,
        rule: chosen.rule,
        publisher: PUBLISHER.into(),
        audience: Audience {
            users: to,
            ..Audience::default()
        },
        expires_at: now.checked_add(WORTH).unwrap_or(Timestamp::MAX),
        deliver_at: None,
        supersedes: None,
        collapse_key: None,
        idempotency: None,
    }
}
