//! What is published: notifications to one, to a few, and to the whole group, each with an idempotency key, at a
//! steady rate. Whoever gets no answer asks again under the same key, and every tenth is asked for twice although it
//! was answered: a key publishes once.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::api::{Answer, Api};
use super::journal::{Fate, Journal, MARK, Sent};
use crate::support::dice::Dice;

/// Publications that wait for an answer at once; over it the next one waits for its turn.
const MOST: usize = 512;
/// Each so many is asked for twice.
const TWICE: u64 = 10;
/// In so many of a hundred publications: to the whole group, and to a few.
const TO_ALL: i64 = 4;
const TO_A_FEW: i64 = 16;
const FEW: usize = 3;
/// Between two tries of one publication, in milliseconds.
const PAUSE: (i64, i64) = (100, 600);

/// How much, to whom, and under which name.
#[derive(Clone, Debug)]
pub struct Plan {
    pub users: Vec<Arc<str>>,
    /// Of exactly these users; without one they are named one by one.
    pub group: Option<String>,
    /// A second.
    pub rate: u32,
    /// Seconds that a notification is worth delivering.
    pub expires_in: u64,
    /// How long an answer is tried for.
    pub patience: Duration,
}

/// One notification to be published.
#[derive(Clone, Debug)]
pub struct Notice {
    pub number: u64,
    pub key: String,
    pub kind: &'static str,
    pub title: String,
    pub recipients: Vec<Arc<str>>,
    /// To the plan's group instead of the recipients by name.
    pub to_group: bool,
}

impl Notice {
    /// The one of this number; the same dice throw the same.
    pub fn make(plan: &Plan, run: &str, number: u64, dice: &mut Dice) -> Self {
        let throw = dice.between(1, 100);
        let all = throw <= TO_ALL;
        let (kind, recipients) = if all {
            ("VerifyAll", plan.users.clone())
        } else if throw <= TO_ALL + TO_A_FEW {
            let mut few: Vec<Arc<str>> = (0..FEW).map(|_| dice.pick(&plan.users).clone()).collect();
            few.sort_unstable();
            few.dedup();
            ("VerifyFew", few)
        } else {
            ("VerifyOne", vec![dice.pick(&plan.users).clone()])
        };
        Self {
            number,
            key: format!("verify:{run}:{number}"),
            kind,
            title: format!("Bellhop verify {number}"),
            recipients,
            to_group: all && plan.group.is_some(),
        }
    }

    /// The mark by which clients know it, as the notification's data.
    #[must_use]
    pub fn data(&self, run: &str) -> Value {
        json!({ MARK: {"run": run, "number": self.number} })
    }

    /// The request's body; the same each time, as the key demands.
    #[must_use]
    pub fn body(&self, plan: &Plan, run: &str) -> Value {
        let audience = match &plan.group {
            Some(group) if self.to_group => json!({ "groups": [group] }),
            _ => json!({ "users": self.recipients }),
        };
        json!({
            "kind": self.kind, "title": self.title, "audience": audience, "data": self.data(run),
            "body": "A check of delivery; nothing has to be done about it.",
            "idempotency_key": self.key, "expires_in": plan.expires_in, "class": "standard",
        })
    }

    /// With what became of it.
    #[must_use]
    pub fn sent(&self, began: Duration, tries: u32, fate: Fate) -> Sent {
        Sent {
            number: self.number,
            recipients: self.recipients.clone(),
            began,
            tries,
            fate,
        }
    }
}

/// Publishes over HTTP from number `first` on until `stop`; the next number.
pub async fn publish(
    api: Arc<Api>,
    plan: Arc<Plan>,
    journal: Arc<Journal>,
    dice: Dice,
    first: u64,
    stop: CancellationToken,
) -> u64 {
    let run = journal.run().to_owned();
    let one = {
        let plan = plan.clone();
        move |notice: Notice| {
            let pauses = Dice::new(notice.number);
            post(api.clone(), plan.clone(), journal.clone(), notice, pauses)
        }
    };
    paced((&plan, &run), dice, first, stop, one).await
}

/// Has `one` publish each notice, at the plan's rate, from number `first` on until `stop`, then waits for those that are
/// still at it; the next number. So many at once: over that the rate drops.
pub async fn paced<F: Future<Output = ()> + Send + 'static>(
    (plan, run): (&Plan, &str),
    mut dice: Dice,
    first: u64,
    stop: CancellationToken,
    one: impl Fn(Notice) -> F,
) -> u64 {
    let mut tick = interval(Duration::from_secs(1) / plan.rate.max(1));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut posts = JoinSet::new();
    let mut number = first;
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(_) = posts.join_next(), if !posts.is_empty() => {}
            _ = tick.tick(), if posts.len() < MOST => {
                posts.spawn(one(Notice::make(plan, run, number, &mut dice)));
                number += 1;
            }
        }
    }
    while posts.join_next().await.is_some() {}
    number
}

/// Asks until there is an answer, or the plan's patience is over.
async fn post(
    api: Arc<Api>,
    plan: Arc<Plan>,
    journal: Arc<Journal>,
    notice: Notice,
    mut dice: Dice,
) {
    let body = notice.body(&plan, journal.run());
    let (began, until) = (journal.now(), Instant::now() + plan.patience);
    let mut ids: Vec<Uuid> = Vec::new();
    let mut accepted = None;
    let wanted = if notice.number.is_multiple_of(TWICE) {
        2
    } else {
        1
    };
    let mut tries = 0;
    let fate = loop {
        tries += 1;
        let why = match api.publish(&body).await {
            Answer::Accepted { id, .. } => {
                let at = *accepted.get_or_insert_with(|| journal.now());
                ids.push(id);
                if ids.len() == wanted {
                    break Fate::Accepted { at, ids };
                }
                continue;
            }
            Answer::Refused(why) => {
                journal.setback(&why);
                break Fate::Refused(why);
            }
            Answer::Later(why) => why,
        };
        journal.setback(&why);
        if Instant::now() >= until {
            break match accepted {
                Some(at) => Fate::Accepted { at, ids },
                None => Fate::Unknown(why),
            };
        }
        sleep(Duration::from_millis(
            dice.between(PAUSE.0, PAUSE.1).unsigned_abs(),
        ))
        .await;
    };
    journal.sent(notice.sent(began, tries, fate));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_go_to_one_to_a_few_and_to_all_and_each_has_its_key() {
        let users: Vec<Arc<str>> = (0..9).map(|n| format!("u{n}").into()).collect();
        let plan = Plan {
            users,
            group: Some("g".into()),
            rate: 1,
            expires_in: 60,
            patience: Duration::ZERO,
        };
        let mut dice = Dice::new(1);
        let notices: Vec<Notice> = (0..200)
            .map(|n| Notice::make(&plan, "r", n, &mut dice))
            .collect();
        for (kind, most) in [("VerifyOne", 1), ("VerifyFew", 3), ("VerifyAll", 9)] {
            let of_kind = || notices.iter().filter(|notice| notice.kind == kind);
            assert!(of_kind().count() > 0, "{kind}");
            assert!(of_kind().all(|notice| (1..=most).contains(&notice.recipients.len())));
        }
        let all = notices.iter().find(|notice| notice.to_group).unwrap();
        assert_eq!(all.body(&plan, "r")["audience"], json!({"groups": ["g"]}));
        assert_eq!(notices[7].body(&plan, "r")["idempotency_key"], "verify:r:7");
        assert_eq!(
            notices[7].body(&plan, "r")["data"][MARK],
            json!({"run": "r", "number": 7})
        );
    }
}
