//! One `Backlog` instead of a storm: of a class that says so, a connection that begins its replay and is owed more than
//! so many gets one invocation with their number. They stay owed; `GetBacklog` reads them, a page a call.
//!
//! Cost: nothing where no class of the tenant says so, or fewer numbers were given than it allows; else one statement
//! for all connections that begin together.

use std::sync::Arc;

use app::protocol::{BACKLOG, Backlog};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use signalr::{Call, HubError};

use super::client::Client;
use super::frames::{self, Facts, Template};
use super::line::Line;
use super::workflow::Shared;
use crate::delivery::Classes;
use crate::store::replay::{self, Owed, Question};
use crate::store::{Pool, is_transient};

/// Of one class, what one connection was told the number of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Summed {
    class: Box<str>,
    /// The highest number among them.
    through: i64,
}

impl Summed {
    pub(super) fn is_of(&self, class: &str) -> bool {
        *self.class == *class
    }

    pub(super) fn covers(&self, owed: &Owed) -> bool {
        owed.seq <= self.through && *owed.class == *self.class && !owed.is_withdrawal
    }
}

/// What a connection may be told in sum when its replay begins: classes and how many may come one by one.
fn limits(client: &Client, classes: &Classes) -> Vec<(Arc<str>, u32)> {
    let whole = match &client.line {
        // Its cursor says that everything before it was read.
        Line::Stream(_) => true,
        Line::Hub(conn) => conn
            .query("backlog")
            .is_some_and(|value| value.eq_ignore_ascii_case("all")),
    };
    if whole {
        return Vec::new();
    }
    let most = client.owed_at_most();
    let mut limits = classes.backlogs(client.tenant);
    limits.retain(|(_, limit)| i64::from(*limit) < most);
    limits
}

/// Tells those connections whose replay begins what they are owed too much of.
pub(super) async fn tell(
    pool: &Pool,
    classes: &Classes,
    clients: &[Arc<Client>],
    questions: &[Question],
    now: Timestamp,
) -> sqlx::Result<()> {
    let mut asked = Vec::new();
    for (client, question) in clients.iter().zip(questions) {
        if client.sums().is_some() {
            continue;
        }
        let limits = limits(client, classes);
        if limits.is_empty() {
            client.told_in_sum(Vec::new());
        } else {
            asked.push((client, question, limits));
        }
    }
    if asked.is_empty() {
        return Ok(());
    }
    let questions: Vec<&Question> = asked.iter().map(|(_, question, _)| *question).collect();
    let mut names: Vec<&str> = asked
        .iter()
        .flat_map(|(_, _, limits)| limits.iter().map(|(class, _)| &**class))
        .collect();
    names.sort_unstable();
    names.dedup();
    let counts = {
        let mut conn = pool.acquire().await?;
        replay::counts(&mut conn, &questions, &names, now).await?
    };
    let mut told: Vec<Vec<Summed>> = asked.iter().map(|_| Vec::new()).collect();
    for count in counts {
        let (client, _, limits) = &asked[count.index];
        let limit = limits.iter().find(|(class, _)| **class == *count.class);
        if limit.is_none_or(|(_, limit)| count.owed <= i64::from(*limit)) {
            continue;
        }
        let backlog = Backlog {
            class: count.class,
            count: count.owed,
            through: count.through,
        };
        let frame = frames::invocation(client.line.encoding(), BACKLOG, &backlog);
        // No room: then they come one by one, as room is made.
        if client.line.try_send(frame).is_ok() {
            told[count.index].push(Summed {
                class: backlog.class.into(),
                through: backlog.through,
            });
        }
    }
    for ((client, _, _), told) in asked.iter().zip(told) {
        client.told_in_sum(told);
    }
    Ok(())
}

/// The answer of `GetBacklog`.
#[derive(Serialize)]
pub(super) struct Page {
    /// As their methods would have been given them, ascending by `seq`.
    items: Vec<Box<RawValue>>,
    /// What to ask after for more; `null`: that was all.
    next: Option<i64>,
}

/// `GetBacklog(class, after)`: what a `Backlog` of this connection summed up, after a number, a page of it. It
/// acknowledges nothing.
pub(super) async fn page(
    shared: &Arc<Shared>,
    client: &Arc<Client>,
    call: &Call,
) -> Result<Page, HubError> {
    let (class, after) = call.bind::<(String, i64)>()?;
    let Some(summed) = client.summed(&class) else {
        return Err(HubError::new(format!(
            "This connection was sent no Backlog of the class \"{class}\"."
        )));
    };
    let mut question = client.question_of_start();
    question.from = question.from.max(after);
    let answers = read(shared, &question).await.map_err(|error| {
        tracing::warn!(%error, "a backlog is not read");
        HubError::new(if is_transient(&error) {
            "Not read: the database is away. Ask again."
        } else {
            "Not read. Ask again."
        })
    })?;
    let owed = answers.rows.iter().filter(|owed| summed.covers(owed));
    let items = owed
        .filter_map(|owed| {
            // As a client reads it; how it would have been invoked is not in it.
            let template = Template::new(Facts::of(owed, true));
            RawValue::from_string(template.argument(owed.seq, true)).ok()
        })
        .collect();
    let next = answers.full[0].filter(|through| *through < summed.through);
    Ok(Page { items, next })
}

async fn read(shared: &Arc<Shared>, question: &Question) -> sqlx::Result<replay::Answers> {
    let mut conn = shared.pool.acquire().await?;
    replay::pages(
        &mut conn,
        std::slice::from_ref(question),
        shared.clock.now(),
    )
    .await
}
