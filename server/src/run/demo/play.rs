//! Plays the week's requests and news through the use cases, each at its own past instant, in the
//! order in which they would have happened: a user's numbers follow it.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context;
use app::model::approval::{Decision, Verdict};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::news::{Item, NEWS, To};
use super::requests::{Ask, Fate, asks, comment};
use super::seed::Company;
use crate::delivery::{Audience, Classes, Publication, ledger};
use crate::support::clock::Clock;
use crate::support::dice::Dice;
use crate::support::ids::Ids;
use crate::workplace::approvals::{NewRequest, NewStep, decide_in, submit_in};
use crate::workplace::{Actor, Desk};

/// Who agrees to spending, whoever of them comes first.
const BUDGET: &[&str] = &["amara", "tom"];

/// One thing that happened.
enum Act<'a> {
    Submit(usize, &'a Ask),
    /// The ask, the step from 0, the verdict.
    Decide(usize, usize, Verdict, String),
    Tell(&'a Item),
}

pub(super) async fn play(
    conn: &mut PgConnection,
    company: &Company,
    now: Timestamp,
    dice: &mut Dice,
) -> anyhow::Result<()> {
    let asks = asks(&company.people, dice);
    let plans: Vec<Vec<NewStep>> = asks.iter().map(|ask| plan(company, ask)).collect();
    let mut script: BTreeMap<(Timestamp, usize), Act<'_>> = BTreeMap::new();
    let mut put = |minutes: i64, act| {
        // A few seconds apart, so that nothing happens twice in one instant.
        let seconds = dice_free_jitter(script.len());
        let at = now - SignedDuration::from_mins(minutes) + SignedDuration::from_secs(seconds);
        script.insert((at.min(now), script.len()), act);
    };
    for (index, ask) in asks.iter().enumerate() {
        put(ask.sent, Act::Submit(index, ask));
        for (step, minutes, verdict) in verdicts(ask, plans[index].len()) {
            let fate = if verdict == Verdict::Reject {
                Fate::Rejected
            } else {
                Fate::Approved
            };
            put(
                minutes,
                Act::Decide(index, step, verdict, comment(fate, dice)),
            );
        }
    }
    for item in NEWS {
        put(item.hours * 60, Act::Tell(item));
    }

    // Its story lies in the past: nobody is woken for what waits since last week.
    let classes = Classes::standard_only();
    let mut requests: Vec<Option<Uuid>> = vec![None; asks.len()];
    for ((at, _), act) in script {
        let ids = Ids::new(Clock::manual(at));
        let desk = Desk {
            ids: &ids,
            classes: &classes,
        };
        match act {
            Act::Submit(index, ask) => {
                let new = request(company, ask, plans[index].clone(), now, at);
                let (submitted, _unsent) = submit_in(&mut *conn, new, desk, at)
                    .await
                    .context("submit")?;
                requests[index] = Some(submitted.id);
            }
            Act::Decide(index, step, verdict, comment) => {
                let by = decider(&plans[index][step], index);
                let (Some(request), Some(user)) = (requests[index], company.id_of(by)) else {
                    anyhow::bail!("{by} decides a request that was never submitted")
                };
                let actor = Actor {
                    tenant: company.tenant,
                    user,
                    roles: Vec::new(),
                };
                let decision = Decision {
                    request: request.to_string(),
                    revision: 1,
                    verdict,
                    comment,
                };
                let _unsent = decide_in(&mut *conn, &actor, &decision, desk, at)
                    .await
                    .with_context(|| format!("{by} decides {}", asks[index].subject))?;
            }
            Act::Tell(item) => tell(&mut *conn, company, item, desk, at).await?,
        }
    }
    Ok(())
}

/// Up to 50 seconds, the same for the same place in the script.
fn dice_free_jitter(place: usize) -> i64 {
    i64::try_from(place * 17 % 51).unwrap_or(0)
}

/// Manager first, then the budget; nobody twice, nobody for themselves.
fn plan(company: &Company, ask: &Ask) -> Vec<NewStep> {
    let requester = &company.people[ask.requester];
    let manager = requester
        .manager
        .clone()
        .unwrap_or_else(|| "oluwaseun".to_owned());
    let budget: Vec<String> = BUDGET
        .iter()
        .filter(|key| **key != requester.key && **key != manager)
        .map(|key| (*key).to_owned())
        .collect();
    let mut steps = vec![NewStep {
        name: "Line manager".to_owned(),
        approvers: vec![manager],
    }];
    if ask.budget && !budget.is_empty() {
        steps.push(NewStep {
            name: "Budget, any one".to_owned(),
            approvers: budget,
        });
    }
    steps
}

/// Which of a step's approvers decides.
fn decider(step: &NewStep, index: usize) -> &str {
    step.approvers[index % step.approvers.len()].as_str()
}

/// The decisions an ask has behind it: step, minutes before now, verdict.
fn verdicts(ask: &Ask, steps: usize) -> Vec<(usize, i64, Verdict)> {
    let (early, late) = (ask.sent * 2 / 3, ask.sent / 3);
    match ask.fate {
        Fate::Fresh => Vec::new(),
        Fate::Halfway if steps < 2 => Vec::new(),
        Fate::Halfway => vec![(0, early, Verdict::Approve)],
        Fate::Rejected => vec![(0, early, Verdict::Reject)],
        Fate::Approved if steps < 2 => vec![(0, early, Verdict::Approve)],
        Fate::Approved => vec![(0, early, Verdict::Approve), (1, late, Verdict::Approve)],
    }
}

fn request(
    company: &Company,
    ask: &Ask,
    steps: Vec<NewStep>,
    now: Timestamp,
    at: Timestamp,
) -> NewRequest {
    // Nobody asks for something that is overdue already.
    let due = |minutes| {
        (now + SignedDuration::from_mins(minutes)).max(at + SignedDuration::from_mins(90))
    };
    NewRequest {
        tenant: company.tenant,
        service: company.workplace,
        requester: company.people[ask.requester].key.clone(),
        kind: ask.kind.to_owned(),
        subject: ask.subject.clone(),
        amount: ask.amount.clone(),
        fields: ask.fields.clone(),
        steps,
        due_at: ask.due.map(due),
        source_id: None,
    }
}

async fn tell(
    conn: &mut PgConnection,
    company: &Company,
    item: &Item,
    desk: Desk<'_>,
    at: Timestamp,
) -> anyhow::Result<()> {
    let list = |id: Option<Uuid>| id.into_iter().collect();
    let audience = match item.to {
        To::Everybody => Audience {
            service: true,
            ..Audience::default()
        },
        To::Department(key) => Audience {
            departments: list(company.departments.get(key).copied()),
            ..Audience::default()
        },
        To::Group(key) => Audience {
            groups: list(company.groups.get(key).copied()),
            ..Audience::default()
        },
        To::One(key) => Audience {
            users: list(company.id_of(key)),
            ..Audience::default()
        },
    };
    let chosen = desk
        .classes
        .choose_or(company.tenant, item.kind, "standard");
    let publication = Publication {
        id: desk.ids.uuid(),
        tenant: company.tenant,
        service: if item.service == "payroll" {
            company.payroll
        } else {
            company.workplace
        },
        kind: item.kind.to_owned(),
        title: item.title.to_owned(),
        body: item.body.to_owned(),
        data: json!({ "actor": item.actor }).to_string(),
        thread_key: None,
        severity: item.severity,
        class: chosen.key,
        rule: chosen.rule,
        publisher: "demo".into(),
        audience,
        expires_at: at + SignedDuration::from_hours(14 * 24),
        deliver_at: None,
        supersedes: None,
        collapse_key: None,
        idempotency: None,
    };
    ledger::append(conn, vec![Arc::new(publication)], at).await?;
    Ok(())
}
