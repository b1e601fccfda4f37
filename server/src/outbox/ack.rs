//! Acks: gathered for a few milliseconds, one transaction for many connections, answered after its
//! commit. Acks are facts: late, doubled, from anywhere, they are unions.
//!
//! Bound: 8,192 waiting calls; over it the caller is told to retry. Database away: the same.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use app::model::delivery::{AckBy, Event, Rule, State};
use jiff::Timestamp;
use sqlx::Connection as _;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::acked_set;
use super::watch::Watch;
use crate::delivery::epoch::Epoch;
use crate::store::acks::{self as store, Item, Receipt};
use crate::store::line::Line;
use crate::store::{Pool, debts, webhook_events};
use crate::support::clock::Clock;
use crate::support::lifecycle::Lifecycle;
use crate::webhooks::Interest;

const MOST_WAITING: usize = 8_192;
const MOST_A_COMMIT: usize = 512;
const GATHER: Duration = Duration::from_millis(3);

/// What a device says it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// These numbers, and these notifications whose numbers are to be looked up.
    These {
        /// Numbers.
        seqs: Vec<i64>,
        /// Notifications.
        ids: Vec<Uuid>,
    },
    /// Everything up to this number: "I handled all".
    Through(i64),
    /// The transport proved that these were read; weaker than an ack, and shown so.
    Reached(Vec<i64>),
}

/// One call of one device.
#[derive(Clone, Debug)]
pub struct Ack {
    /// Whose items.
    pub user: Uuid,
    /// `None`: an unnamed device.
    pub device: Option<Arc<str>>,
    /// Which.
    pub what: What,
    /// `hub`, `http`, `push`, `tap`, `reached`.
    pub via: &'static str,
    /// Of which epoch its numbers are; `None` if it has none, only ids.
    pub epoch: Option<i64>,
    /// Somebody is at the device.
    pub active: bool,
    /// When the device had them, if it says so and that was before now.
    pub at: Option<Timestamp>,
}

/// Nothing was recorded: try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not recorded, the database is away: send the ack again")]
pub struct NotRecorded;

struct Job {
    ack: Ack,
    reply: oneshot::Sender<Result<u32, NotRecorded>>,
}

/// Told after the commit in which tenants deliveries were settled.
pub type OnSettled = Arc<dyn Fn(&BTreeSet<Uuid>) + Send + Sync>;

/// Items newly recorded since the start, by the way they came: written by the gatherer, read by
/// whoever counts.
#[derive(Debug, Default)]
pub struct Tally {
    hub: AtomicU64,
    http: AtomicU64,
    reached: AtomicU64,
}

impl Tally {
    fn add(&self, via: &str, count: u32) {
        let counter = match via {
            "http" | "push" | "tap" => &self.http,
            "reached" => &self.reached,
            _ => &self.hub,
        };
        counter.fetch_add(u64::from(count), Ordering::Relaxed);
    }

    /// `via` and how many.
    #[must_use]
    pub fn read(&self) -> [(&'static str, u64); 3] {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        [
            ("hub", of(&self.hub)),
            ("http", of(&self.http)),
            ("reached", of(&self.reached)),
        ]
    }
}

/// Handle to the gatherer. Cheap to clone.
#[derive(Clone)]
pub struct Acks {
    jobs: mpsc::Sender<Job>,
    tally: Arc<Tally>,
}

impl Acks {
    /// Starts the gathering task; on stop it records what waits, then ends. `bell` is rung when a debt
    /// became due by an ack; the others: who is told of what moved.
    #[must_use]
    pub fn start(
        pool: Pool,
        clock: Clock,
        on_settled: OnSettled,
        (bell, watch, interest): (Arc<Notify>, Arc<Watch>, Arc<Interest>),
        epoch: Epoch,
        life: &Lifecycle,
    ) -> Self {
        let (jobs, waiting) = mpsc::channel(MOST_WAITING);
        let tally = Arc::new(Tally::default());
        let told = Told {
            epoch,
            on_settled,
            bell,
            watch,
            interest,
            tally: tally.clone(),
        };
        life.spawn("acks", run(pool, clock, told, waiting, life.stopping()));
        Self { jobs, tally }
    }

    /// What was recorded so far.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Records an ack; resolves after the commit with the number newly acked by this device.
    ///
    /// # Errors
    /// [`NotRecorded`]: nothing was, send it again.
    pub async fn record(&self, ack: Ack) -> Result<u32, NotRecorded> {
        let (reply, answer) = oneshot::channel();
        self.jobs
            .try_send(Job { ack, reply })
            .map_err(|_| NotRecorded)?;
        answer.await.unwrap_or(Err(NotRecorded))
    }

    /// Records without waiting, for transport evidence: lost evidence only means a replay that the
    /// client drops.
    pub fn note(&self, ack: Ack) {
        let (reply, _) = oneshot::channel();
        let _ = self.jobs.try_send(Job { ack, reply });
    }
}

/// Who is told of what was recorded, and what is worth recording.
struct Told {
    epoch: Epoch,
    on_settled: OnSettled,
    bell: Arc<Notify>,
    watch: Arc<Watch>,
    interest: Arc<Interest>,
    tally: Arc<Tally>,
}

async fn run(
    pool: Pool,
    clock: Clock,
    told: Told,
    mut waiting: mpsc::Receiver<Job>,
    stopping: CancellationToken,
) {
    let mut line = Line::new(pool);
    let mut batch = Vec::new();
    loop {
        let received = tokio::select! {
            biased;
            count = waiting.recv_many(&mut batch, MOST_A_COMMIT) => count,
            () = stopping.cancelled() => {
                waiting.close();
                waiting.recv_many(&mut batch, MOST_A_COMMIT).await
            }
        };
        if received == 0 {
            return;
        }
        if received < MOST_A_COMMIT && !stopping.is_cancelled() {
            tokio::time::sleep(GATHER).await;
            while batch.len() < MOST_A_COMMIT
                && let Ok(job) = waiting.try_recv()
            {
                batch.push(job);
            }
        }
        let jobs = std::mem::take(&mut batch);
        let acks: Vec<&Ack> = jobs.iter().map(|job| &job.ack).collect();
        let mut result = record(&mut line, &clock, &acks, &told).await;
        // Two nodes may ack for one user in the same instant; the loser of a deadlock goes again.
        for _ in 0..2 {
            if !result.as_ref().is_err_and(crate::store::is_transient) {
                break;
            }
            line.drop_it();
            result = record(&mut line, &clock, &acks, &told).await;
        }
        match result {
            Ok(recorded) => {
                if !recorded.tenants.is_empty() {
                    (told.on_settled)(&recorded.tenants);
                }
                if recorded.withdraw {
                    told.bell.notify_one();
                }
                told.watch.moved(&recorded.moved);
                if recorded.noted {
                    told.interest.noted();
                }
                for (job, count) in jobs.into_iter().zip(recorded.counts) {
                    told.tally.add(job.ack.via, count);
                    let _ = job.reply.send(Ok(count));
                }
            }
            Err(error) => {
                line.drop_it();
                tracing::warn!(%error, count = jobs.len(), "acks not recorded");
                for job in jobs {
                    let _ = job.reply.send(Err(NotRecorded));
                }
            }
        }
    }
}

async fn record(
    line: &mut Line,
    clock: &Clock,
    acks: &[&Ack],
    told: &Told,
) -> sqlx::Result<Recorded> {
    let now = clock.now();
    let mut tx = line.open().await?.begin().await?;
    if acks.iter().all(|ack| matches!(ack.what, What::Reached(_))) {
        store::unhurried(&mut tx).await?;
    }

    // Which numbers each call means. Those of an epoch that is over, looked at when the connection was made, are
    // other items' now.
    let epoch = told.epoch.now();
    let mut meant: Vec<BTreeSet<i64>> = vec![BTreeSet::new(); acks.len()];
    let (mut id_users, mut ids) = (Vec::new(), Vec::new());
    let (mut through_users, mut through) = (Vec::new(), Vec::new());
    for (ack, meant) in acks.iter().zip(&mut meant) {
        let is_over = ack.epoch.is_some_and(|of| of != epoch);
        match &ack.what {
            What::These { seqs, ids: unknown } => {
                if !is_over {
                    meant.extend(seqs);
                }
                id_users.extend(std::iter::repeat_n(ack.user, unknown.len()));
                ids.extend_from_slice(unknown);
            }
            What::Through(seq) => {
                through_users.push(ack.user);
                through.push(if is_over { 0 } else { *seq });
            }
            What::Reached(seqs) if !is_over => meant.extend(seqs),
            What::Reached(_) => {}
        }
    }
    let mut routed: HashMap<Item, Timestamp> = HashMap::new();
    if !ids.is_empty() {
        let mut numbers = HashMap::new();
        for (user, id, seq, at) in store::numbers(&mut tx, &id_users, &ids).await? {
            numbers.insert((user, id), seq);
            routed.insert(Item { user, seq }, at);
        }
        for (ack, meant) in acks.iter().zip(&mut meant) {
            if let What::These { ids, .. } = &ack.what {
                meant.extend(ids.iter().filter_map(|id| numbers.get(&(ack.user, *id))));
            }
        }
    }
    let mut handled = vec![0_i64; acks.len()];
    if !through.is_empty() {
        let mut answers = store::handled_through(&mut tx, &through_users, &through)
            .await?
            .into_iter();
        for ((ack, meant), handled) in acks.iter().zip(&mut meant).zip(&mut handled) {
            if matches!(ack.what, What::Through(_))
                && let Some(answer) = answers.next()
            {
                meant.extend(answer.unsettled);
                *handled = answer.through;
            }
        }
    }

    // Deliveries first, then devices, then debts: the lock order.
    let mut items: BTreeMap<Item, Said> = BTreeMap::new();
    for (ack, meant) in acks.iter().zip(&meant) {
        for seq in meant {
            let item = Item {
                user: ack.user,
                seq: *seq,
            };
            let told = items.entry(item).or_default();
            match ack.what {
                What::Reached(_) => told.reached = true,
                What::These { .. } | What::Through(_) => told.acked = true,
            }
            told.active |= ack.active;
        }
    }
    let named = items.keys().map(|item| (*item, routed.get(item).copied()));
    let mut found = store::lock(&mut tx, named).await?;
    let before: Vec<i16> = found.iter().map(|one| one.state).collect();
    for one in &mut found {
        let told = items.get(&Item {
            user: one.user,
            seq: one.seq,
        });
        let told = told.copied().unwrap_or_default();
        one.state = told.applied(one).number();
    }
    let now_moved: Vec<&store::Locked> = moved(&found, &before).collect();
    if !now_moved.is_empty() {
        store::set_states(&mut tx, &now_moved, now).await?;
    }
    let facts: HashMap<(Uuid, i64), &store::Locked> =
        found.iter().map(|one| ((one.user, one.seq), one)).collect();
    let (counts, mut receipts) = devices(&mut tx, acks, &meant, &handled, &facts, now).await?;
    receipts.extend(taps(&mut tx, acks, &meant, &facts, &receipts, now).await?);
    if !receipts.is_empty() {
        store::append_receipts(&mut tx, &receipts).await?;
    }
    let last = by_every_device(&mut tx, &mut found, &items, now).await?;

    let enough: Vec<&store::Locked> = found
        .iter()
        .zip(&before)
        .filter(|(one, before)| {
            let rule = Rule::of(one.rule);
            State::of(one.state).is_enough(rule) && !State::of(**before).is_enough(rule)
        })
        .map(|(one, _)| one)
        .collect();
    if !enough.is_empty() {
        let users: Vec<Uuid> = enough.iter().map(|one| one.user).collect();
        let seqs: Vec<i64> = enough.iter().map(|one| one.seq).collect();
        let pushed: Vec<bool> = enough.iter().map(|one| one.pushed).collect();
        debts::settled(&mut tx, &users, &seqs, &pushed, now).await?;
    }
    // What was settled before by a phone's background ack is looked at again when more is said of it: until then
    // the phone keeps the card that its ack stands for.
    let more: BTreeSet<(Uuid, i64)> = receipts
        .iter()
        .filter(|receipt| !matches!(receipt.via, "push" | "reached"))
        .map(|receipt| (receipt.user, receipt.seq))
        .collect();
    let again: Vec<&store::Locked> = found
        .iter()
        .zip(&before)
        .filter(|(one, before)| {
            one.pushed
                && State::of(**before).is_enough(Rule::of(one.rule))
                && more.contains(&(one.user, one.seq))
        })
        .map(|(one, _)| one)
        .collect();
    if !again.is_empty() {
        let users: Vec<Uuid> = again.iter().map(|one| one.user).collect();
        let seqs: Vec<i64> = again.iter().map(|one| one.seq).collect();
        debts::look_again(&mut tx, &users, &seqs, now).await?;
    }
    let tenants = found.iter().map(|one| one.tenant).collect();
    let withdraw = last || !again.is_empty() || enough.iter().any(|one| one.pushed);
    let of_interest = |one: &&store::Locked| told.interest.has(one.tenant);
    let to_tell: Vec<&store::Locked> = moved(&found, &before).filter(of_interest).collect();
    let noted = !to_tell.is_empty() && webhook_events::note(&mut tx, &to_tell, now).await? > 0;
    let moved = if told.watch.is_any() {
        moved(&found, &before).map(|one| one.notification).collect()
    } else {
        Vec::new()
    };
    tx.commit().await?;
    Ok(Recorded {
        counts,
        tenants,
        moved,
        noted,
        withdraw,
    })
}

/// What came of a batch of acks.
struct Recorded {
    /// Newly acked, a call.
    counts: Vec<u32>,
    /// In which something was acked.
    tenants: BTreeSet<Uuid>,
    /// Of which a delivery moved, when somebody watches.
    moved: Vec<Uuid>,
    /// Webhooks are to be told.
    noted: bool,
    /// A phone shows something that is settled: its debt is due now.
    withdraw: bool,
}

/// What the calls of one batch say of one delivery.
#[derive(Clone, Copy, Default)]
struct Said {
    acked: bool,
    reached: bool,
    active: bool,
}

impl Said {
    /// Where it stands after that. Whether every device has it is known only once they are written.
    fn applied(self, one: &store::Locked) -> State {
        let (mut state, rule) = (State::of(one.state), Rule::of(one.rule));
        if self.reached {
            state = state.after(Event::Reached, rule);
        }
        if self.acked {
            let ack = Event::Ack {
                active: self.active,
                every: false,
            };
            state = state.after(ack, rule);
        }
        state
    }
}

fn moved<'a>(
    found: &'a [store::Locked],
    before: &'a [i16],
) -> impl Iterator<Item = &'a store::Locked> {
    found
        .iter()
        .zip(before)
        .filter(|(one, before)| one.state != **before)
        .map(|(one, _)| one)
}

/// Settles those for which every device had to say so, and now has. Their rows are locked.
async fn by_every_device(
    tx: &mut sqlx::PgConnection,
    found: &mut [store::Locked],
    items: &BTreeMap<Item, Said>,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let waiting: Vec<&store::Locked> = found
        .iter()
        .filter(|one| {
            let acked = items.get(&Item {
                user: one.user,
                seq: one.seq,
            });
            let rule = Rule::of(one.rule);
            acked.is_some_and(|told| told.acked || told.reached && rule.hidden)
                && rule.ack_by == AckBy::EveryDevice
                && !State::of(one.state).is_terminal()
        })
        .collect();
    if waiting.is_empty() {
        return Ok(false);
    }
    let had: BTreeSet<(Uuid, i64)> = store::had_by_every_device(tx, &waiting)
        .await?
        .into_iter()
        .collect();
    for one in &mut *found {
        if had.contains(&(one.user, one.seq)) {
            let every = Event::Ack {
                active: false,
                every: true,
            };
            one.state = State::of(one.state)
                .after(every, Rule::of(one.rule))
                .number();
        }
    }
    let last: Vec<&store::Locked> = found
        .iter()
        .filter(|one| had.contains(&(one.user, one.seq)))
        .collect();
    if !last.is_empty() {
        store::set_states(tx, &last, now).await?;
    }
    Ok(last.iter().any(|one| one.pushed))
}

/// Taps on what the device had acknowledged already, usually from its background: another fact, and told apart,
/// once.
async fn taps(
    tx: &mut sqlx::PgConnection,
    acks: &[&Ack],
    meant: &[BTreeSet<i64>],
    facts: &HashMap<(Uuid, i64), &store::Locked>,
    new: &[Receipt],
    now: Timestamp,
) -> sqlx::Result<Vec<Receipt>> {
    let mut noted: BTreeSet<(Uuid, i64, &str)> = new
        .iter()
        .filter(|receipt| receipt.via == "tap")
        .map(|receipt| (receipt.user, receipt.seq, receipt.device.as_str()))
        .collect();
    let mut receipts = Vec::new();
    for (ack, meant) in acks.iter().zip(meant).filter(|(ack, _)| ack.via == "tap") {
        let Some(device) = ack.device.as_deref() else {
            continue;
        };
        for seq in meant {
            if let Some(fact) = facts.get(&(ack.user, *seq))
                && noted.insert((ack.user, *seq, device))
            {
                receipts.push(Receipt {
                    user: ack.user,
                    seq: *seq,
                    tenant: fact.tenant,
                    notification: fact.notification,
                    device: device.to_owned(),
                    via: ack.via,
                    at: ack.at.map_or(now, |at| at.min(now)),
                });
            }
        }
    }
    if receipts.is_empty() {
        return Ok(receipts);
    }
    let users: Vec<Uuid> = receipts.iter().map(|receipt| receipt.user).collect();
    let seqs: Vec<i64> = receipts.iter().map(|receipt| receipt.seq).collect();
    let names: Vec<String> = receipts
        .iter()
        .map(|receipt| receipt.device.clone())
        .collect();
    let fresh: BTreeSet<usize> = store::untapped(tx, &users, &seqs, &names)
        .await?
        .into_iter()
        .collect();
    let mut index = 0;
    receipts.retain(|_| {
        index += 1;
        fresh.contains(&(index - 1))
    });
    Ok(receipts)
}

/// Notes what each device has; answers the number newly acked a call, and the receipts. `handled[i]`:
/// the device of call `i` says so of everything up to this number, also of what others had settled.
async fn devices(
    tx: &mut sqlx::PgConnection,
    acks: &[&Ack],
    meant: &[BTreeSet<i64>],
    handled: &[i64],
    facts: &HashMap<(Uuid, i64), &store::Locked>,
    now: Timestamp,
) -> sqlx::Result<(Vec<u32>, Vec<Receipt>)> {
    // Those that were only reached are locked too, in one order with the others: another transaction may
    // hold some of both.
    let mut named: BTreeMap<(Uuid, Arc<str>), bool> = BTreeMap::new();
    for ack in acks {
        if let Some(device) = &ack.device {
            let acking = named.entry((ack.user, device.clone())).or_default();
            *acking |= !matches!(ack.what, What::Reached(_));
        }
    }
    let mut devices: BTreeMap<(Uuid, Arc<str>), store::Acked> = BTreeMap::new();
    if !named.is_empty() {
        let users: Vec<Uuid> = named.keys().map(|(user, _)| *user).collect();
        let keys: Vec<String> = named.keys().map(|(_, key)| key.to_string()).collect();
        for device in store::lock_devices(tx, &users, &keys).await? {
            let name = (device.user, device.key.as_str().into());
            if named.get(&name).is_some_and(|acking| *acking) {
                devices.insert(name, device);
            }
        }
    }
    let mut counts = Vec::with_capacity(acks.len());
    let mut receipts = Vec::new();
    let (mut reached_users, mut reached_keys, mut reached_through) = (vec![], vec![], vec![]);
    for ((ack, meant), handled) in acks.iter().zip(meant).zip(handled) {
        // Numbers that do not exist for this user are passed over.
        let real: Vec<i64> = meant
            .iter()
            .copied()
            .filter(|seq| facts.contains_key(&(ack.user, *seq)))
            .collect();
        let new = match (&ack.what, &ack.device) {
            (What::Reached(_), Some(device)) => {
                reached_users.push(ack.user);
                reached_keys.push(device.to_string());
                reached_through.push(real.last().copied().unwrap_or(0));
                real
            }
            (_, Some(device)) => match devices.get_mut(&(ack.user, device.clone())) {
                Some(known) => {
                    let new = acked_set::add(&mut known.through, &mut known.ranges, &real);
                    acked_set::pass(&mut known.through, &mut known.ranges, *handled);
                    // Unknown when others settled that number: the time before it serves too.
                    let at = facts.get(&(ack.user, known.through)).map(|fact| fact.at);
                    known.beyond_since = known.beyond_since.max(at);
                    new
                }
                None => real, // evicted since it connected: counts like an unnamed one
            },
            (_, None) => real,
        };
        counts.push(u32::try_from(new.len()).unwrap_or(u32::MAX));
        receipts.extend(new.iter().filter_map(|seq| {
            let fact = facts.get(&(ack.user, *seq))?;
            Some(Receipt {
                user: ack.user,
                seq: *seq,
                tenant: fact.tenant,
                notification: fact.notification,
                device: ack.device.as_deref().unwrap_or_default().to_owned(),
                via: ack.via,
                at: ack.at.map_or(now, |at| at.min(now)),
            })
        }));
    }
    if !devices.is_empty() {
        let devices: Vec<store::Acked> = devices.into_values().collect();
        store::write_devices(tx, &devices, true).await?;
    }
    if !reached_users.is_empty() {
        store::raise_reached(tx, &reached_users, &reached_keys, &reached_through).await?;
    }
    Ok((counts, receipts))
}
