//! One run from its first connection to its verdict. Every step has its bound: connecting 20 s, the traffic as long as
//! was asked for, answers and the drain as long as the patience, reading back and cleaning up a minute each.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use futures_util::StreamExt as _;
use secrecy::SecretString;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::api::Api;
use super::audit::{self, Evidence, States};
use super::journal::{Fate, Journal, Pages};
use super::recipient::{Recipient, Server, Way, attend};
use super::report::{self, Latency, Report};
use super::traffic::{self, Plan};
use crate::support::dice::Dice;
use crate::support::lifecycle::Lifecycle;

const CONNECT: Duration = Duration::from_secs(20);
const READ: Duration = Duration::from_mins(1);
const CLEAN: Duration = Duration::from_mins(1);
const LOOK: Duration = Duration::from_millis(200);
/// Between two connections that are dropped on purpose.
const RESTLESS: Duration = Duration::from_millis(500);
/// Notifications whose deliveries are read back, and how many at once.
const MOST_READ: usize = 2_000;
const READERS: usize = 8;
/// Items that a run may expect: some 200 MB.
const MOST_ITEMS: usize = 1_000_000;
/// Publications refused in a row, before anything was accepted, that end the run.
const REFUSED: usize = 3;

/// What is wished for.
pub struct Wish {
    pub run: String,
    pub server: Server,
    pub api: Arc<Api>,
    pub users: Vec<(Arc<str>, SecretString)>,
    /// Of exactly these users.
    pub group: Option<String>,
    /// Publications a second.
    pub rate: u32,
    pub seconds: u64,
    pub patience: Duration,
    /// Of a hundred clients, how many are cut off and come back all the time.
    pub restless: usize,
    pub seed: u64,
    /// The users are ours: take them out again.
    pub dismiss: bool,
}

impl Wish {
    fn plan(&self) -> Plan {
        Plan {
            users: self.users.iter().map(|(user, _)| user.clone()).collect(),
            group: self.group.clone(),
            rate: self.rate,
            expires_in: (self.seconds + 2 * self.patience.as_secs() + 240).max(300),
            patience: self.patience,
        }
    }

    /// Items that are to be heard, about: of a hundred publications four go to everybody.
    fn expected(&self) -> usize {
        let each = 2 + self.users.len() / 25;
        let seconds = usize::try_from(self.seconds).unwrap_or(usize::MAX);
        let rate = usize::try_from(self.rate).unwrap_or(usize::MAX);
        seconds.saturating_mul(rate).saturating_mul(each)
    }
}

/// Who behaves how: six of ten acknowledge over the hub, two never do, one acknowledges over HTTP what it gets by the
/// event stream, one only reads that.
fn recipient(index: usize, user: &Arc<str>, token: &SecretString) -> Recipient {
    let (way, acks) = match index % 10 {
        6 | 7 => (Way::Hub, false),
        8 => (Way::Stream, true),
        9 => (Way::Stream, false),
        _ => (Way::Hub, true),
    };
    Recipient {
        user: user.clone(),
        token: token.clone(),
        // Few names, the same in each run: a user has at most 20 devices.
        device: format!("verify-{}", if acks { "acks" } else { "reads" }),
        way,
        acks,
    }
}

/// Runs; `stop` breaks it off, with the report so far.
///
/// # Errors
/// When it could not be run: the clients do not get in, or nothing is accepted.
pub async fn run(wish: Wish, stop: CancellationToken) -> anyhow::Result<Report> {
    let begun = Instant::now();
    let expected = wish.expected();
    if expected > MOST_ITEMS {
        bail!(
            "some {expected} items would have to be kept until the audit, and {MOST_ITEMS} are the most: take fewer \
             users, seconds, or publications a second"
        );
    }
    let journal = Arc::new(Journal::new(wish.run.clone(), 4 * expected + 10_000));
    let life = Lifecycle::new();
    let clients = Clients::start(&wish, &journal, &life);
    let played = play(&wish, &journal, &clients, &stop).await;
    life.stop();
    let _ = timeout(CLEAN, life.ended()).await;
    life.kill();
    let pages = journal.with(std::mem::take);
    let judged = match played {
        Ok(()) => judge(&wish, &pages, stop.is_cancelled()).await,
        Err(error) => Err(error),
    };
    let left = clean(&wish, &pages).await;
    let findings = judged?;
    Ok(Report {
        run: wish.run,
        seed: wish.seed,
        url: wish.server.base,
        users: wish.users.len(),
        seconds: begun.elapsed().as_secs_f64(),
        whole: findings.violations.is_empty(),
        broken_off: stop.is_cancelled(),
        latency: Latency::of(&findings),
        next: report::next(&findings.violations),
        findings,
        ends: ends(&pages),
        setbacks: pages.setbacks,
        left,
    })
}

/// The clients, and how the restless ones are cut.
struct Clients {
    count: usize,
    restless: Vec<watch::Sender<u32>>,
    /// Kept, so that their clients are not told that the run is over.
    _steady: Vec<watch::Sender<u32>>,
}

impl Clients {
    fn start(wish: &Wish, journal: &Arc<Journal>, life: &Lifecycle) -> Self {
        let count = wish.users.len();
        let wanted = count * wish.restless.min(100) / 100;
        let (mut restless, mut steady) = (Vec::new(), Vec::new());
        for (index, (user, token)) in wish.users.iter().enumerate() {
            let (cut, told) = watch::channel(0);
            // Every so many-th, so that each manner has some.
            let chosen = index * wanted / count.max(1) != (index + 1) * wanted / count.max(1);
            if chosen {
                restless.push(cut);
            } else {
                steady.push(cut);
            }
            let client = attend(
                recipient(index, user, token),
                wish.server.clone(),
                journal.clone(),
                life.stopping(),
                told,
                Dice::new(wish.seed.wrapping_add(index as u64)),
            );
            life.spawn("client", client);
        }
        Self {
            count,
            restless,
            _steady: steady,
        }
    }
}

/// Connects, publishes, cuts, and waits until all has arrived.
async fn play(
    wish: &Wish,
    journal: &Arc<Journal>,
    clients: &Clients,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    connected(journal, clients.count, stop).await?;
    let over = stop.child_token();
    let publishers = traffic::publish(
        wish.api.clone(),
        Arc::new(wish.plan()),
        journal.clone(),
        Dice::new(wish.seed),
        0,
        over.clone(),
    );
    tokio::pin!(publishers);
    let until = Instant::now() + Duration::from_secs(wish.seconds);
    let mut dice = Dice::new(!wish.seed);
    let mut next_cut = Instant::now() + RESTLESS;
    loop {
        tokio::select! {
            _ = &mut publishers => break,
            () = sleep(LOOK) => {}
        }
        if Instant::now() >= until {
            over.cancel();
        } else if Instant::now() >= next_cut && !clients.restless.is_empty() {
            dice.pick(&clients.restless)
                .send_modify(|times| *times += 1);
            next_cut = Instant::now() + RESTLESS;
        }
        nothing_but_refusals(journal)?;
    }
    let until = Instant::now() + wish.patience;
    while Instant::now() < until && !stop.is_cancelled() {
        if journal.with(|pages| audit::outstanding(&wish.run, pages)) == 0 {
            break;
        }
        sleep(LOOK).await;
    }
    // The last acks are answered within a few milliseconds of their items; over HTTP they are gathered.
    if !stop.is_cancelled() {
        sleep(Duration::from_secs(1)).await;
    }
    Ok(())
}

async fn connected(
    journal: &Journal,
    count: usize,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let until = Instant::now() + CONNECT;
    loop {
        let here = journal.with(|pages| pages.connected());
        if here == count {
            return Ok(());
        }
        if stop.is_cancelled() {
            bail!("told to stop before all clients were connected");
        }
        if Instant::now() >= until {
            let why = journal.with(|pages| ends(pages).into_iter().max_by_key(|(_, times)| *times));
            let why = why.map_or_else(|| "no answer".to_owned(), |(why, _)| why);
            bail!(
                "only {here} of {count} clients could connect within {} s: {why}. Are the tokens good for this \
                 server, and does the proxy in front pass WebSockets through?",
                CONNECT.as_secs()
            );
        }
        sleep(LOOK).await;
    }
}

fn nothing_but_refusals(journal: &Journal) -> anyhow::Result<()> {
    let refused = journal.with(|pages| {
        let mut refusals = pages.sent.iter().filter_map(|sent| match &sent.fate {
            Fate::Refused(why) => Some(why.clone()),
            _ => None,
        });
        let why = refused_only(pages).then(|| refusals.next()).flatten();
        why
    });
    match refused {
        Some(why) => bail!(
            "the server refuses to publish: {why}. The key needs the scopes publish and read, and has to be of a \
             service whose tenant has these users"
        ),
        None => Ok(()),
    }
}

fn refused_only(pages: &Pages) -> bool {
    let refused = |fate: &Fate| matches!(fate, Fate::Refused(_));
    pages.sent.len() >= REFUSED && pages.sent.iter().all(|sent| refused(&sent.fate))
}

/// Reads back what was acknowledged, and judges.
async fn judge(wish: &Wish, pages: &Pages, broken_off: bool) -> anyhow::Result<audit::Findings> {
    if !broken_off
        && !pages
            .sent
            .iter()
            .any(|sent| matches!(sent.fate, Fate::Accepted { .. }))
    {
        let why = pages
            .setbacks
            .keys()
            .next()
            .map_or("no answer", String::as_str);
        bail!("nothing was accepted: {why}. Is the database of the server there?");
    }
    let states = match timeout(READ, read(wish, pages)).await {
        Ok(states) => states?,
        Err(_) => bail!(
            "the deliveries could not be read back within {} s",
            READ.as_secs()
        ),
    };
    Ok(audit::judge(&Evidence {
        run: &wish.run,
        pages,
        states: &states,
        alone: false,
        broken_off,
    }))
}

/// What the API says of some of the accepted, evenly chosen.
async fn read(wish: &Wish, pages: &Pages) -> anyhow::Result<States> {
    let accepted: Vec<Uuid> = pages
        .sent
        .iter()
        .filter_map(|sent| match &sent.fate {
            Fate::Accepted { ids, .. } => ids.first().copied(),
            _ => None,
        })
        .collect();
    let step = accepted.len().div_ceil(MOST_READ).max(1);
    let answers = futures_util::stream::iter(accepted.into_iter().step_by(step))
        .map(|id| async move { Ok::<_, anyhow::Error>((id, wish.api.states(id).await?)) })
        .buffer_unordered(READERS)
        .collect::<Vec<_>>()
        .await;
    answers.into_iter().collect()
}

/// Leaves nothing owed and nobody behind; what could not be done, in words.
async fn clean(wish: &Wish, pages: &Pages) -> Vec<String> {
    let mut left = Vec::new();
    let done = timeout(CLEAN, async {
        if settle(wish, pages).await > 0 {
            left.push(
                "some notifications could not be acknowledged for their users; they expire by themselves".to_owned(),
            );
        }
        if wish.dismiss
            && let Some(group) = &wish.group
        {
            let users: Vec<Arc<str>> = wish.users.iter().map(|(user, _)| user.clone()).collect();
            if let Err(error) = wish.api.dismiss(group, &users).await {
                left.push(format!(
                    "the users {group}-… stay active ({error}); the next run uses them again"
                ));
            }
        }
    });
    if done.await.is_err() {
        left.push(format!(
            "cleaning up took more than {} s and was left; run it again",
            CLEAN.as_secs()
        ));
    }
    left
}

/// Acknowledges what is owed to each user; how many requests failed.
async fn settle(wish: &Wish, pages: &Pages) -> usize {
    let mut owed: BTreeMap<&str, Vec<Uuid>> = BTreeMap::new();
    for sent in &pages.sent {
        if let Fate::Accepted { ids, .. } = &sent.fate {
            for user in &sent.recipients {
                owed.entry(user).or_default().extend(ids);
            }
        }
    }
    // Also what an earlier run left.
    for heard in pages.heard.iter().filter(|heard| heard.mark.is_some()) {
        owed.entry(&heard.user).or_default().push(heard.id);
    }
    let mut failed = 0;
    for (user, token) in &wish.users {
        let mut ids = owed.remove(&**user).unwrap_or_default();
        ids.sort_unstable();
        ids.dedup();
        for some in ids.chunks(1_000) {
            failed += usize::from(!wish.api.acknowledge(token, some).await);
        }
    }
    failed
}

/// Why connections ended, other than as told.
fn ends(pages: &Pages) -> BTreeMap<String, u64> {
    let mut ends = BTreeMap::new();
    for why in pages.turns.iter().filter_map(|turn| turn.gone.as_deref()) {
        if why != super::recipient::AS_TOLD {
            *ends.entry(why.to_owned()).or_default() += 1;
        }
    }
    ends
}
