//! `POST /api/v1/dead-letters/send-again`.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::{Extension, Json as Answer};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Which;
use crate::api::Api;
use crate::api::body::Json;
use crate::api::problem::Problem;
use crate::auth::{Principal, Scope};
use crate::delivery::dead_letters::{MOST, Outcome, Sender, step};
use crate::store::dead_letters::{self as store, Letter};

/// Exactly one of `ids` and `filter`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SendAgain {
    /// These, at most 1,000.
    #[serde(default)]
    ids: Option<Vec<LetterId>>,
    /// Those that match and were not sent again; at most 1,000 in one call, `next` says where to go on.
    #[serde(default)]
    filter: Option<Which>,
    /// Only say what would happen.
    #[serde(default)]
    dry_run: bool,
}

/// One dead letter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LetterId {
    /// Your id of the user.
    #[schema(example = "u-1042")]
    user: String,
    /// The user's number of it.
    seq: i64,
}

/// What became of them.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SentAgain {
    /// Nothing was sent: `count` would be.
    dry_run: bool,
    /// How many were sent, or would be.
    count: usize,
    /// How many had been sent again before.
    before: usize,
    /// How many cannot be sent.
    refused: usize,
    /// One each.
    results: Vec<LetterResult>,
    /// More match: ask again with this as the filter's `after`.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// What became of one.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LetterResult {
    /// Your id of the user; absent when the user was removed.
    user: Option<String>,
    /// The user's number of it.
    seq: i64,
    /// `sent`, `would_be_sent`, `sent_before`, `refused`.
    status: &'static str,
    /// The notification that carries it now.
    #[serde(skip_serializing_if = "Option::is_none")]
    notification: Option<Uuid>,
    /// Of a refused one: `not_found`, `user_inactive`, `user_removed`, `content_gone`, `refused`, `unavailable`.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    /// In words.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'static str>,
}

impl LetterResult {
    fn new(user: Option<String>, seq: i64, outcome: &Outcome) -> Self {
        let (status, notification, refusal) = match outcome {
            Outcome::Would => ("would_be_sent", None, None),
            Outcome::Sent(by) => ("sent", Some(*by), None),
            Outcome::Before(by) => ("sent_before", Some(*by), None),
            Outcome::Refused(code, detail) => ("refused", None, Some((*code, *detail))),
        };
        Self {
            user,
            seq,
            status,
            notification,
            code: refusal.map(|(code, _)| code),
            detail: refusal.map(|(_, detail)| detail),
        }
    }
}

/// Send dead letters again
///
/// Their content is published once more, to those users, as new notifications of the same class: one for those that
/// came from one notification. Each is sent again once, however often this is asked; a second time answers which
/// notification carries it. `refused` ones say why, and hold up no others.
#[utoipa::path(
    post, path = "/dead-letters/send-again", tag = "dead letters", request_body = SendAgain,
    responses(
        (status = 200, description = "Each has its own result; what was sent is committed", body = SentAgain),
        (status = 403, description = "The credential lacks the scope `publish`", body = Problem),
        (status = 422, description = "Neither ids nor a filter, or both, or more than 1,000 ids", body = Problem),
    ),
    security(("bearer" = []))
)]
pub(super) async fn send_again(
    State(api): State<Api>,
    Extension(principal): Extension<Principal>,
    Json(request): Json<SendAgain>,
) -> Result<Answer<SentAgain>, Problem> {
    principal.require(Scope::Publish)?;
    let service = principal.require_service()?;
    let tenant = principal.tenant;
    let mut conn = api.pool.acquire().await?;
    let (letters, missing, next) = match (request.ids, request.filter) {
        (Some(ids), None) => {
            let ids: BTreeSet<LetterId> = ids.into_iter().collect();
            if ids.is_empty() || ids.len() > MOST {
                return Err(Problem::invalid(
                    "ids",
                    format!("{} of them; give 1 to {MOST}.", ids.len()),
                ));
            }
            let users: Vec<String> = ids.iter().map(|one| one.user.clone()).collect();
            let seqs: Vec<i64> = ids.iter().map(|one| one.seq).collect();
            let letters = store::named(&mut conn, tenant, Some(service), &users, &seqs).await?;
            let mut missing = ids;
            for letter in &letters {
                missing.remove(&LetterId {
                    user: letter.key.clone().unwrap_or_default(),
                    seq: letter.seq,
                });
            }
            (letters, missing, None)
        }
        (None, Some(which)) => {
            let filter = which.filter(service, true);
            let step = step(&mut conn, tenant, &filter, which.after()?).await?;
            let next = step.next.map(|next| next.to_string());
            (step.letters, BTreeSet::new(), next)
        }
        _ => {
            return Err(Problem::invalid(
                "ids",
                "Say which: either ids, or a filter ({} for all of your service).",
            ));
        }
    };
    drop(conn);
    let publisher = principal.publisher();
    let sender = Sender {
        pool: &api.pool,
        committer: &api.committer,
        classes: &api.workplace.classes,
        ids: &api.ids,
        clock: &api.clock,
        tenant,
        publisher: &publisher,
    };
    let outcomes = if request.dry_run {
        sender.dry_run(&letters).await?
    } else {
        sender.send(&letters).await?
    };
    Ok(Answer(answer(
        request.dry_run,
        letters,
        &outcomes,
        missing,
        next,
    )))
}

fn answer(
    dry_run: bool,
    letters: Vec<Letter>,
    outcomes: &[Outcome],
    missing: BTreeSet<LetterId>,
    next: Option<String>,
) -> SentAgain {
    let mut results: Vec<LetterResult> = letters
        .into_iter()
        .zip(outcomes)
        .map(|(letter, outcome)| LetterResult::new(letter.key, letter.seq, outcome))
        .collect();
    let not_found = Outcome::Refused("not_found", "There is no such dead letter of this service.");
    results.extend(
        missing
            .into_iter()
            .map(|id| LetterResult::new(Some(id.user), id.seq, &not_found)),
    );
    let count = |statuses: &[&str]| {
        let of = |one: &&LetterResult| statuses.contains(&one.status);
        results.iter().filter(of).count()
    };
    SentAgain {
        dry_run,
        count: count(&["sent", "would_be_sent"]),
        before: count(&["sent_before"]),
        refused: count(&["refused"]),
        results,
        next,
    }
}
