//! The rung that pushes: to each registered phone and browser that has not got it, once; and the withdrawal of what
//! they show, once somebody has settled it.
//!
//! Whether a delivery is still owed is looked up right before it is sent, and noted in the same commit that it is
//! about to be: what a crash leaves on a phone is taken back like the rest. A provider that takes nothing is asked
//! again after what it asks for, while the ladder goes on; what a phone shows is named by the notification's
//! id, so that a push sent twice is one card.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use app::model::delivery::{Class, Plan, PushField};
use futures_util::StreamExt as _;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use sqlx::Connection as _;
use tokio::time::Instant;
use uuid::Uuid;

use crate::push::{
    AllowedHosts, Extent, Message, Outcome, Platform, Purpose, Pusher, Report, Target,
};
use crate::store::Pool;
use crate::store::debts::{self, Claim, Left};
use crate::store::push as store;
use crate::support::clock::Clock;

/// Sends of one batch under way at once; the pusher has its own bounds for each provider.
const AT_ONCE: usize = 64;
/// A provider that waits for the operator is asked again so often.
const MISCONFIGURED: SignedDuration = SignedDuration::from_mins(5);
/// A send that began longer ago is over, whatever came of it: a provider has 10 s, and a place at it may be waited
/// for.
const LONGEST_SEND: SignedDuration = SignedDuration::from_secs(60);
/// So long after it was noted nothing is sent any more; a provider may take its 10 s and more after that.
const LATEST: Duration = Duration::from_secs(30);
/// A withdrawal that waits for a send looks again after this.
const SOON: SignedDuration = SignedDuration::from_secs(2);
/// A withdrawal nobody takes is given up after so many tries: the phone clears it when the app opens.
const MOST_WITHDRAWALS: i16 = 5;

/// Pushes.
pub struct Phones {
    /// Where the tokens are.
    pub pool: Pool,
    /// When it is.
    pub clock: Clock,
    /// Who sends.
    pub pusher: Arc<Pusher>,
}

/// A claimed debt whose rung pushes.
pub struct Job {
    /// The claim.
    pub claim: Claim,
    /// What is left of it if all goes well.
    pub plan: Plan,
    /// What may leave the premises.
    pub class: Arc<Class>,
    /// When it stops being worth delivering.
    pub expires_at: Timestamp,
}

/// A send and what came of it.
struct Sent {
    index: usize,
    phone: store::Phone,
    report: Report,
}

impl Phones {
    /// Pushes and writes what is left of the debts.
    ///
    /// # Errors
    /// Whatever the database answers; the claims come back by themselves, and a phone that has it
    /// replaces its card.
    pub async fn notify(&self, jobs: Vec<Job>) -> sqlx::Result<()> {
        let begun = Instant::now();
        let sends = self.begin(&jobs).await?;
        let sent_at = self.clock.now();
        let sent = self.send(sends, begun).await;
        let now = self.clock.now();
        let left: Vec<Left> = jobs
            .iter()
            .enumerate()
            .map(|(index, job)| {
                let own = sent.iter().filter(|one| one.index == index);
                left(job, own.map(|one| &one.report.outcome), now)
            })
            .collect();
        let claims: Vec<&Claim> = jobs.iter().map(|job| &job.claim).collect();
        self.write(&claims, &sent, "notify", sent_at, &left).await
    }

    /// What is still owed, to whom, noted as under way before any of it is sent: a crash after the send leaves a card
    /// that an ack takes back all the same.
    async fn begin(&self, jobs: &[Job]) -> sqlx::Result<Vec<(store::Phone, Message)>> {
        let now = self.clock.now();
        let users: Vec<Uuid> = jobs.iter().map(|job| job.claim.user).collect();
        let seqs: Vec<i64> = jobs.iter().map(|job| job.claim.seq).collect();
        let at: Vec<i64> = jobs
            .iter()
            .map(|job| job.claim.at.as_microsecond())
            .collect();
        let mut conn = self.pool.acquire().await?;
        let mut tx = conn.begin().await?;
        let contents: HashMap<usize, store::Content> = store::contents(&mut tx, &users, &seqs, &at)
            .await?
            .into_iter()
            .filter(|content| content.owed)
            .map(|content| (content.index, content))
            .collect();
        let phones = store::phones(&mut tx, &users, &seqs, false).await?;
        let counted = phones.iter().map(|phone| &jobs[phone.index]);
        let counted = counted.map(|job| (job.claim.user, &*job.class));
        let badges = badges(&mut tx, counted, now).await?;
        let sends: Vec<(store::Phone, Message)> = phones
            .into_iter()
            .filter_map(|phone| {
                let job = &jobs[phone.index];
                let message = Message {
                    badge: badges.get(&job.claim.user, &job.class),
                    ..message(job, contents.get(&phone.index)?)
                };
                Some((phone, message))
            })
            .collect();
        let sending: Vec<store::Attempt> = sends
            .iter()
            .map(|(phone, _)| attempt(&jobs[phone.index].claim, phone, "notify"))
            .collect();
        if !sending.is_empty() {
            store::begin(&mut tx, &sending, now).await?;
        }
        tx.commit().await?;
        Ok(sends)
    }

    /// Takes back what phones show of settled deliveries, and pays their debts. One that is being pushed right
    /// now waits until that is over: its card would come after the withdrawal.
    ///
    /// # Errors
    /// Whatever the database answers; the claims come back by themselves.
    pub async fn withdraw(&self, claimed: Vec<(Claim, Arc<Class>)>) -> sqlx::Result<()> {
        let sent_at = self.clock.now();
        let (claims, classes): (Vec<Claim>, Vec<Arc<Class>>) = claimed.into_iter().unzip();
        let users: Vec<Uuid> = claims.iter().map(|claim| claim.user).collect();
        let seqs: Vec<i64> = claims.iter().map(|claim| claim.seq).collect();
        let (under_way, phones, badges) = {
            let mut conn = self.pool.acquire().await?;
            let since = sent_at - LONGEST_SEND;
            let under_way = store::under_way(&mut conn, &users, &seqs, since).await?;
            let phones = store::phones(&mut conn, &users, &seqs, true).await?;
            let counted = phones.iter().map(|phone| phone.index);
            let counted = counted.map(|index| (claims[index].user, &*classes[index]));
            let badges = badges(&mut conn, counted, sent_at).await?;
            (under_way, phones, badges)
        };
        let waits = |claim: &Claim| under_way.contains(&(claim.user, claim.seq));
        let sends = phones
            .into_iter()
            .filter(|phone| !waits(&claims[phone.index]))
            .map(|phone| {
                let claim = &claims[phone.index];
                let message = Message {
                    badge: badges.get(&claim.user, &classes[phone.index]),
                    ..withdrawal(claim, sent_at)
                };
                (phone, message)
            });
        let sent = self.send(sends.collect(), Instant::now()).await;
        let now = self.clock.now();
        let mut left = Vec::new();
        let mut paid: Vec<&Claim> = Vec::new();
        for (index, claim) in claims.iter().enumerate() {
            if waits(claim) {
                left.push(Left {
                    user: claim.user,
                    seq: claim.seq,
                    fence: claim.fence,
                    rung: claim.rung,
                    tries: claim.tries,
                    push_at: None,
                    next_at: now + SOON,
                });
                continue;
            }
            let again = sent
                .iter()
                .filter(|one| one.index == index)
                .filter_map(|one| pause(&one.report.outcome))
                .max();
            match again {
                Some(pause) if claim.tries < MOST_WITHDRAWALS => left.push(Left {
                    user: claim.user,
                    seq: claim.seq,
                    fence: claim.fence,
                    rung: claim.rung,
                    tries: claim.tries + 1,
                    push_at: None,
                    next_at: now + pause,
                }),
                _ => paid.push(claim),
            }
        }
        let all: Vec<&Claim> = claims.iter().collect();
        self.write(&all, &sent, "withdraw", sent_at, &left).await?;
        if !paid.is_empty() {
            let mut conn = self.pool.acquire().await?;
            let users: Vec<Uuid> = paid.iter().map(|claim| claim.user).collect();
            let seqs: Vec<i64> = paid.iter().map(|claim| claim.seq).collect();
            let fences: Vec<i64> = paid.iter().map(|claim| claim.fence).collect();
            debts::pay(&mut conn, &users, &seqs, &fences).await?;
        }
        Ok(())
    }

    async fn send(&self, sends: Vec<(store::Phone, Message)>, begun: Instant) -> Vec<Sent> {
        let pusher = &self.pusher;
        futures_util::stream::iter(sends)
            .map(|(phone, message)| async move {
                let report = match target(&phone, pusher.hosts()) {
                    // A process that was stopped meanwhile: the withdrawal may be out already.
                    Ok(_) if begun.elapsed() > LATEST => held_back(&phone),
                    Ok(target) => pusher.send(&target, &message).await,
                    Err(report) => report,
                };
                Sent {
                    index: phone.index,
                    phone,
                    report,
                }
            })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await
    }

    async fn write(
        &self,
        claims: &[&Claim],
        sent: &[Sent],
        purpose: &'static str,
        sent_at: Timestamp,
        left: &[Left],
    ) -> sqlx::Result<()> {
        let attempts: Vec<store::Attempt> = sent
            .iter()
            .map(|one| store::Attempt {
                outcome: one.report.outcome.name(),
                status: one.report.status.and_then(|code| i16::try_from(code).ok()),
                detail: one.report.detail.clone(),
                ..attempt(claims[one.index], &one.phone, purpose)
            })
            .collect();
        let mut conn = self.pool.acquire().await?;
        let mut tx = conn.begin().await?;
        if !attempts.is_empty() {
            store::record(&mut tx, &attempts, sent_at, self.clock.now()).await?;
        }
        if !left.is_empty() {
            debts::put_back(&mut tx, left, self.clock.now()).await?;
        }
        tx.commit().await
    }
}

/// The numbers on the apps' icons, of those whose class lets the number leave.
struct Badges(HashMap<Uuid, i64>);

impl Badges {
    fn get(&self, user: &Uuid, class: &Class) -> Option<u32> {
        let may = class.push.fields.contains(&PushField::Badge);
        let unseen = self.0.get(user).copied().unwrap_or(0);
        may.then(|| u32::try_from(unseen).unwrap_or(u32::MAX))
    }
}

/// Counts what these have not seen; only of those whose class asks for it.
async fn badges(
    conn: &mut sqlx::PgConnection,
    wanted: impl Iterator<Item = (Uuid, &Class)>,
    now: Timestamp,
) -> sqlx::Result<Badges> {
    let wanted = wanted.filter(|(_, class)| class.push.fields.contains(&PushField::Badge));
    let users: BTreeSet<Uuid> = wanted.map(|(user, _)| user).collect();
    if users.is_empty() {
        return Ok(Badges(HashMap::new()));
    }
    let users: Vec<Uuid> = users.into_iter().collect();
    let counts = crate::store::inbox::unseen(conn, &users, now).await?;
    Ok(Badges(counts.into_iter().collect()))
}

/// Where it goes. A registration of before the rules became stricter is refused: its app registers anew.
fn target(phone: &store::Phone, hosts: &AllowedHosts) -> Result<Target, Report> {
    Target::parse(&phone.platform, &phone.token, hosts).map_err(|error| Report {
        outcome: Outcome::Refused(error.to_string()),
        extent: Extent::Device,
        provider: word(&phone.platform),
        status: None,
        detail: error.to_string(),
        took: Duration::ZERO,
    })
}

fn held_back(phone: &store::Phone) -> Report {
    Report {
        outcome: Outcome::RetryAfter(Duration::from_secs(1)),
        extent: Extent::Device,
        provider: word(&phone.platform),
        status: None,
        detail: "not sent: it took too long until its turn came".to_owned(),
        took: Duration::ZERO,
    }
}

fn word(platform: &str) -> &'static str {
    Platform::named(platform).map_or("unknown", Platform::as_str)
}

/// A try that has not been made.
fn attempt(claim: &Claim, phone: &store::Phone, purpose: &'static str) -> store::Attempt {
    store::Attempt {
        user: claim.user,
        seq: claim.seq,
        routed_at: claim.at,
        tenant: claim.tenant,
        device: phone.device.clone(),
        token_hash: phone.token_hash.clone(),
        provider: word(&phone.platform),
        purpose,
        outcome: "sending",
        status: None,
        detail: String::new(),
    }
}

/// What is left of a debt after its phones were tried.
fn left<'a>(job: &Job, outcomes: impl Iterator<Item = &'a Outcome>, now: Timestamp) -> Left {
    let again = outcomes.filter_map(pause).max();
    let at = now.as_millisecond();
    let mut plan = job.plan.clone();
    match again {
        Some(wait) => {
            let asked = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
            plan = plan.push_again(Some(asked), at);
        }
        None => plan.left.tries = 0,
    }
    let claim = &job.claim;
    let time = |milliseconds: i64| Timestamp::from_millisecond(milliseconds).ok();
    Left {
        user: claim.user,
        seq: claim.seq,
        fence: claim.fence,
        rung: i16::try_from(plan.left.rung).unwrap_or(i16::MAX),
        tries: i16::try_from(plan.left.tries).unwrap_or(i16::MAX),
        push_at: plan.left.push_at.and_then(time),
        next_at: time(plan.next_at).unwrap_or(now),
    }
}

/// How long to wait before the same device is tried again; `None`: not again.
fn pause(outcome: &Outcome) -> Option<SignedDuration> {
    match outcome {
        Outcome::RetryAfter(wait) => SignedDuration::try_from(*wait).ok(),
        Outcome::Misconfigured(_) => Some(MISCONFIGURED),
        Outcome::Taken { .. } | Outcome::TokenGone | Outcome::Refused(_) => None,
    }
}

/// What the class lets leave, and nothing else.
fn message(job: &Job, content: &store::Content) -> Message {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Linked {
        link: Option<String>,
    }
    let rules = &job.class.push;
    let may = |field| rules.fields.contains(&field);
    let link = || {
        let linked: Linked = serde_json::from_str(&content.data).unwrap_or_default();
        linked.link
    };
    Message {
        id: job.claim.notification,
        class: job
            .claim
            .delivery
            .as_ref()
            .map(|delivery| delivery.class.clone())
            .unwrap_or_default(),
        kind: content.kind.clone(),
        title: if may(PushField::Title) {
            content.title.clone()
        } else {
            rules.title.clone()
        },
        body: (may(PushField::Body) && !content.body.is_empty()).then(|| content.body.clone()),
        link: if may(PushField::Link) { link() } else { None },
        data: may(PushField::Data).then(|| content.data.clone()),
        badge: None,
        high: rules.high,
        deadline: job.expires_at,
        purpose: Purpose::Notify,
    }
}

fn withdrawal(claim: &Claim, now: Timestamp) -> Message {
    let delivery = claim.delivery.as_ref();
    Message {
        id: claim.notification,
        class: delivery
            .map(|delivery| delivery.class.clone())
            .unwrap_or_default(),
        kind: app::protocol::WITHDRAWN.to_owned(),
        title: "Handled elsewhere".to_owned(),
        body: None,
        link: None,
        data: None,
        badge: None,
        high: false,
        deadline: delivery.map_or(now, |delivery| delivery.expires_at),
        purpose: Purpose::Withdraw,
    }
}
