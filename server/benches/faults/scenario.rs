//! The course of a scenario: a calm while, the fault, until everybody is back, a while more; then all that is under way
//! is waited for, and judged.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use bellhop::support::clock::Clock;
use bellhop::support::dice::Dice;
use bellhop::support::lifecycle::Lifecycle;
use bellhop::verify::api::Api;
use bellhop::verify::audit::{self, Evidence, Findings, Violation};
use bellhop::verify::journal::{Fate, Journal, Pages, Sent};
use bellhop::verify::recipient::Server;
use bellhop::verify::tokens::Signer;
use bellhop::verify::traffic::{self, Plan};
use tokio::time::{Instant, sleep};

use crate::crowd::Crowd;
use crate::disk::Disk;
use crate::fault::{Fault, Reach};
use crate::house::{House, Setup};
use crate::proxy::Proxy;
use crate::sql::{self, Sql};
use crate::{Cli, dice};

/// How long a publisher asks again before it gives up, and clients may be away.
const PATIENCE: Duration = Duration::from_mins(3);
/// How long the rest may be under way once everybody is back and nothing more is published.
const DRAIN: Duration = Duration::from_mins(2);
/// Of the publications, so many go by SQL: one for each four by HTTP.
const BY_SQL: u32 = 5;
const LOOK: Duration = Duration::from_millis(200);

/// How a scenario ended.
pub(crate) struct Outcome {
    pub(crate) fault: Fault,
    /// What was done, or why nothing was.
    pub(crate) note: String,
    pub(crate) skipped: bool,
    /// The longest while in which nothing was accepted, and the longest that one publication took.
    pub(crate) outage: Duration,
    pub(crate) slowest: Duration,
    /// From the fault until the last client was connected; zero when none lost its connection.
    pub(crate) back: Duration,
    pub(crate) returned: usize,
    pub(crate) findings: Findings,
    /// By number of times.
    pub(crate) setbacks: BTreeMap<String, u64>,
    pub(crate) ends: BTreeMap<String, u64>,
    /// Everything that is wrong, in words.
    pub(crate) wrong: Vec<String>,
}

impl Outcome {
    pub(crate) fn skipped(fault: Fault, note: String) -> Self {
        Self {
            fault,
            note,
            skipped: true,
            outage: Duration::ZERO,
            slowest: Duration::ZERO,
            back: Duration::ZERO,
            returned: 0,
            findings: Findings::default(),
            setbacks: BTreeMap::new(),
            ends: BTreeMap::new(),
            wrong: Vec::new(),
        }
    }
}

/// A house with everybody in it.
pub(crate) struct Stage {
    pub(crate) house: House,
    proxy: Proxy,
    sql: Sql,
    journal: Arc<Journal>,
    crowd: Crowd,
    api: Arc<Api>,
    plan: Arc<Plan>,
    seed: u64,
    seconds: Duration,
    /// The next numbers, by HTTP and by SQL.
    next: (u64, u64),
    /// What was said before.
    known: BTreeSet<String>,
}

impl Stage {
    pub(crate) async fn set(cli: &Cli, setup: Setup, life: &Lifecycle) -> Result<Self> {
        eprintln!("starting the server on a new database");
        let house = House::open(setup).await?;
        let proxy = Proxy::lay(house.address, life).await?;
        let base = format!("http://{}", proxy.address);
        let server = Server::new(&base, "/hubs/workflow")?;
        let api = Arc::new(Api::new(server.clone(), house.ready.api_key.clone().into()));
        let names: Vec<Arc<str>> = (0..cli.clients)
            .map(|n| format!("faults-{n:04}").into())
            .collect();
        api.provision("faults", &names).await?;
        let ready = house.ready_file();
        let people = Signer::of_ready_file(&ready)?.sign(&names, 24 * 3_600, &Clock::system())?;
        let (tenant, service) = (&house.ready.tenant, &house.ready.service);
        let ready = ready.to_string_lossy();
        house.command(&[
            "db",
            "--ready",
            &ready,
            "grant",
            "bellhop",
            "--tenant",
            tenant,
            "--service",
            service,
        ])?;
        let run = format!("faults-{:x}-{}", cli.seed, house.ready.pid);
        let journal = Arc::new(Journal::new(run, 10_000_000));
        let crowd = Crowd::gather(
            &people,
            &server,
            &cli.clients_script,
            &journal,
            cli.seed,
            life,
        )
        .await?;
        eprintln!("{} clients are connected", crowd.count);
        let plan = Plan {
            users: names,
            group: Some("faults".into()),
            rate: (cli.rate - cli.rate / BY_SQL).max(1),
            expires_in: 24 * 3_600,
            patience: PATIENCE,
        };
        Ok(Self {
            sql: Sql::to(&house.ready.database_url)?,
            house,
            proxy,
            journal,
            crowd,
            api,
            plan: Arc::new(plan),
            seed: cli.seed,
            seconds: Duration::from_secs(cli.seconds),
            next: (0, sql::FIRST),
            known: BTreeSet::new(),
        })
    }

    /// One after the other; what has been played is in `outcomes` also when the next one cannot be.
    pub(crate) async fn play_all(
        &mut self,
        faults: &[Fault],
        disk: Option<&Disk>,
        outcomes: &mut Vec<Outcome>,
    ) -> Result<()> {
        for (index, fault) in faults.iter().enumerate() {
            eprintln!("{}:", fault.name());
            let mut chance = dice(self.seed, index as u64);
            let outcome = self.play(*fault, disk, &mut chance).await;
            let outcome =
                outcome.with_context(|| format!("{} could not be played", fault.name()))?;
            eprintln!("  {}, {} wrong", outcome.note, outcome.wrong.len());
            outcomes.push(outcome);
        }
        Ok(())
    }

    async fn play(
        &mut self,
        fault: Fault,
        disk: Option<&Disk>,
        chance: &mut Dice,
    ) -> Result<Outcome> {
        let before = self.journal.with(|pages| pages.clone());
        let publishers = Lifecycle::new();
        let (by_http, by_sql) = (self.start_http(&publishers), self.start_sql(&publishers));
        sleep(self.seconds / 4).await;
        let struck = self.journal.now();
        let begun = Instant::now();
        let note = fault
            .strike(Reach {
                house: &mut self.house,
                proxy: &self.proxy,
                sql: &self.sql,
                disk,
                dice: chance,
            })
            .await?;
        eprintln!("  {note}; waiting for everybody");
        let least = fault.least(self.seconds);
        sleep(least.saturating_sub(begun.elapsed())).await;
        let mut wrong: Vec<String> = Vec::new();
        if let Err(error) = self.crowd.wait(&self.journal, PATIENCE).await {
            wrong.push(error.to_string());
        }
        self.proxy.bury();
        publishers.stop();
        publishers.ended().await;
        self.next = (by_http.await?, by_sql.await?);
        self.drain().await;
        let pages = self.journal.with(|pages| pages.clone());
        self.judge(fault, note, struck, &before, &pages, wrong)
            .await
    }

    fn start_http(&self, life: &Lifecycle) -> tokio::sync::oneshot::Receiver<u64> {
        let publishing = traffic::publish(
            self.api.clone(),
            self.plan.clone(),
            self.journal.clone(),
            dice(self.seed, 100 + self.next.0),
            self.next.0,
            life.stopping(),
        );
        let (tell, told) = tokio::sync::oneshot::channel();
        life.spawn("publishers", async move {
            let _ = tell.send(publishing.await);
        });
        told
    }

    fn start_sql(&self, life: &Lifecycle) -> tokio::sync::oneshot::Receiver<u64> {
        let plan = Plan {
            rate: (self.plan.rate / (BY_SQL - 1)).max(1),
            ..(*self.plan).clone()
        };
        let publishing = self.sql.clone().publish(
            Arc::new(plan),
            self.journal.clone(),
            dice(self.seed, 100 + self.next.1),
            self.next.1,
            life.stopping(),
        );
        let (tell, told) = tokio::sync::oneshot::channel();
        life.spawn("publishers by SQL", async move {
            let _ = tell.send(publishing.await);
        });
        told
    }

    /// Until all that was accepted has been received, and no more acks come in; what is missing then is lost.
    async fn drain(&self) {
        let until = Instant::now() + DRAIN;
        let mut acks = 0;
        while Instant::now() < until {
            let run = self.journal.run();
            let (missing, now) = self
                .journal
                .with(|pages| (audit::outstanding(run, pages), pages.acked.len()));
            if missing == 0 && now == acks {
                return;
            }
            acks = now;
            sleep(5 * LOOK).await;
        }
    }

    async fn judge(
        &mut self,
        fault: Fault,
        note: String,
        struck: Duration,
        before: &Pages,
        pages: &Pages,
        mut wrong: Vec<String>,
    ) -> Result<Outcome> {
        let (ledger, states) = self.sql.audit(&self.journal, pages).await?;
        // Order and doubles are judged over all that was ever heard; each is told where it was found first.
        let all = audit::judge(&Evidence {
            run: self.journal.run(),
            pages,
            states: &states,
            alone: true,
            broken_off: false,
        });
        wrong.extend(all.violations.iter().map(Violation::to_string));
        wrong.extend(ledger);
        let new = of_this_one(before, pages);
        let findings = audit::judge(&Evidence {
            run: self.journal.run(),
            pages: &new,
            states: &states,
            alone: false,
            broken_off: true,
        });
        if findings.unanswered > 0 {
            wrong.push(format!(
                "{} publications were never answered",
                findings.unanswered
            ));
        }
        if findings.accepted == 0 {
            wrong.push("nothing was accepted".into());
        }
        let setbacks = less(&pages.setbacks, &before.setbacks);
        wrong.extend(
            setbacks
                .keys()
                .filter(|why| !is_clear(why))
                .map(|why| format!("unclear refusal: {why}")),
        );
        wrong.retain(|what| self.known.insert(what.clone()));
        let returns = pages.turns[before.turns.len()..]
            .iter()
            .filter(|turn| turn.gone.is_none() && turn.at >= struck);
        let back = returns
            .clone()
            .map(|turn| turn.at.saturating_sub(struck))
            .max()
            .unwrap_or_default();
        Ok(Outcome {
            fault,
            note,
            skipped: false,
            outage: longest_pause(&new),
            slowest: slowest(&new),
            back,
            returned: returns.map(|turn| &turn.user).collect::<HashSet<_>>().len(),
            findings,
            setbacks,
            ends: ends(before, pages),
            wrong,
        })
    }
}

/// Refused because the database is away, or not answered at all: both tell a publisher to ask again.
fn is_clear(why: &str) -> bool {
    why.starts_with("503 ") || why.starts_with("no answer") || why.starts_with("sql")
}

/// What was published in this scenario, and what was heard of that.
fn of_this_one(before: &Pages, pages: &Pages) -> Pages {
    let sent = pages.sent[before.sent.len()..].to_vec();
    let numbers: HashSet<u64> = sent.iter().map(|sent| sent.number).collect();
    let heard = pages.heard.iter().filter(|heard| {
        let mark = heard.mark.as_ref();
        mark.is_some_and(|mark| numbers.contains(&mark.number))
    });
    Pages {
        heard: heard.cloned().collect(),
        acked: pages.acked[before.acked.len()..].to_vec(),
        turns: pages.turns[before.turns.len()..].to_vec(),
        sent,
        ..Pages::default()
    }
}

fn less(after: &BTreeMap<String, u64>, before: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let more = |(why, times): (&String, &u64)| {
        let more = times - before.get(why).copied().unwrap_or(0);
        (more > 0).then(|| (why.clone(), more))
    };
    after.iter().filter_map(more).collect()
}

fn ends(before: &Pages, pages: &Pages) -> BTreeMap<String, u64> {
    let mut ends = BTreeMap::new();
    for why in pages.turns[before.turns.len()..]
        .iter()
        .filter_map(|turn| turn.gone.clone())
    {
        *ends.entry(why).or_default() += 1;
    }
    ends
}

/// Between two acceptances by HTTP: the database takes publications by SQL also while the server is away.
fn longest_pause(pages: &Pages) -> Duration {
    let by_http = pages.sent.iter().filter(|sent| sent.number < sql::FIRST);
    let mut times: Vec<Duration> = by_http.filter_map(accepted_at).collect();
    times.sort_unstable();
    let pauses = times.windows(2).map(|two| two[1].saturating_sub(two[0]));
    pauses.max().unwrap_or_default()
}

fn slowest(pages: &Pages) -> Duration {
    let took = |sent: &Sent| Some(accepted_at(sent)?.saturating_sub(sent.began));
    pages.sent.iter().filter_map(took).max().unwrap_or_default()
}

fn accepted_at(sent: &Sent) -> Option<Duration> {
    match sent.fate {
        Fate::Accepted { at, .. } => Some(at),
        _ => None,
    }
}
