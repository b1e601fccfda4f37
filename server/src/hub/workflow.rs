//! Our hub: connections come and go here, calls are in [`super::calls`].

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use app::protocol::{GREETING, Greeting};
use jiff::{SignedDuration, Timestamp};
use signalr::protocol::Outcome;
use signalr::{Call, Connection, HubError, Reply, WriteMark};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::client::{Client, Start, Visitor};
use super::console::{self, Console};
use super::line::{Line, Transport};
use super::outage::{Lookout, Outage};
use super::pager::Pager;
use super::prod::Prod;
use super::reception::{Asked, NotWelcomed, Reception};
use super::record::Recorder;
use super::registry::Registry;
use super::results::Results;
use super::revoked::Revoked;
use super::starter::Starter;
use super::{calls, device, expiry, frames};
use crate::auth::{Principal, Who};
use crate::delivery::epoch::Epoch;
use crate::delivery::{AckMode, Classes};
use crate::outbox::ack::{Ack, Acks, What};
use crate::outbox::attempts::Attempts;
use crate::outbox::watch::Watch;
use crate::push::Pusher;
use crate::store::Pool;
use crate::support::clock::Clock;
use crate::support::ids::Ids;
use crate::support::lifecycle::Lifecycle;
use crate::webhooks::Interest;

const SIGNED_OUT: &str = "You signed out.";

/// Version of what our hub says, in the greeting.
const VERSION: u32 = 1;

/// By how much the time of a delivery may lie before that of one with a lower number: a transaction may
/// wait for the stream's lock after it looked at the clock, and clocks are set back, by a whole zone's
/// offset where one ran on local time. Two partitions more to look at, at most.
const OUT_OF_STEP: SignedDuration = SignedDuration::from_hours(26);

/// The workplace hub. Cheap to clone.
#[derive(Clone)]
pub struct Hub {
    pub(super) shared: Arc<Shared>,
}

/// What its parts share.
pub(crate) struct Shared {
    pub(crate) pool: Pool,
    pub(crate) clock: Clock,
    pub(crate) registry: Registry,
    pub(crate) pager: Pager,
    pub(crate) starter: Starter,
    pub(crate) recorder: Recorder,
    pub(crate) prod: Prod,
    reception: Reception,
    pub(crate) acks: Acks,
    results: Results,
    pub(crate) console: Arc<Console>,
    pub(crate) pusher: Arc<Pusher>,
    pub(crate) ids: Ids,
    pub(crate) watch: Arc<Watch>,
    /// Whose threads are told what was read, and which kinds are methods of their own.
    pub(crate) classes: Arc<Classes>,
    /// Whose connections were closed lately.
    revoked: Revoked,
    /// Whether the database is away.
    pub(super) outage: Outage,
    /// The process stops: event streams end.
    pub(crate) stopping: CancellationToken,
    /// Goes up when numbers may have been turned back.
    pub(crate) epoch: Epoch,
}

/// What the hub is made of.
pub struct Needs {
    /// Where backlogs and devices are read.
    pub pool: Pool,
    /// When it is.
    pub clock: Clock,
    /// The stream epoch.
    pub epoch: Epoch,
    /// Rung when a debt became due by an ack.
    pub bell: Arc<Notify>,
    /// What registrations for pushes are held against.
    pub pusher: Arc<Pusher>,
    /// Makes devices' credentials.
    pub ids: Ids,
    /// Who follows receipts.
    pub watch: Arc<Watch>,
    /// Whose webhooks are told.
    pub interest: Arc<Interest>,
    /// What tenants set.
    pub classes: Arc<Classes>,
}

impl Shared {
    /// A connection is over. Called again it does nothing.
    pub(super) fn leave(&self, client: &Arc<Client>) {
        if let Line::Stream(stream) = &client.line
            && !stream.end()
        {
            return;
        }
        self.registry.remove(client);
        self.console.connections_changed(client.tenant);
    }
}

impl Hub {
    /// Starts the hub's tasks: pager, starter, acks, attempts, token expiry, console, and whether the database is there.
    #[must_use]
    pub fn start(needs: Needs, life: &Lifecycle) -> Arc<Self> {
        let Needs {
            pool,
            clock,
            epoch,
            bell,
            pusher,
            ids,
            watch,
            interest,
            classes,
        } = needs;
        let console = Arc::new(Console::new(clock.now().as_millisecond()));
        let settled = console.clone();
        let acks = Acks::start(
            pool.clone(),
            clock.clone(),
            Arc::new(move |tenants: &BTreeSet<Uuid>| {
                for tenant in tenants {
                    settled.queue_changed(*tenant);
                }
            }),
            (bell, watch.clone(), interest),
            epoch.clone(),
            life,
        );
        let recorder = Recorder::new(Attempts::start(pool.clone(), life), clock.clone());
        let reception = Reception::start(pool.clone(), clock.clone(), life);
        let pager = Pager::default();
        pager.start(
            pool.clone(),
            clock.clone(),
            classes.clone(),
            recorder.clone(),
            life,
        );
        let results = Results::start(acks.clone(), pager.clone(), life);
        let shared = Arc::new(Shared {
            pool,
            clock,
            registry: Registry::new(),
            starter: Starter::start(pager.clone(), life),
            pager,
            prod: Prod::start(life),
            reception,
            recorder,
            acks,
            results,
            console,
            pusher,
            ids,
            watch,
            classes,
            revoked: Revoked::default(),
            outage: Outage::default(),
            stopping: life.stopping(),
            epoch,
        });
        expiry::start(shared.clone(), life);
        Lookout::new(shared.clone()).start(life);
        let hub = Arc::new(Self { shared });
        console::start(hub.clone(), life);
        hub.start_over_with_epochs(life);
        hub
    }

    /// Where acks over HTTP go too.
    #[must_use]
    pub fn acks(&self) -> Acks {
        self.shared.acks.clone()
    }

    /// Revisions of the admin console's lists.
    #[must_use]
    pub fn console(&self) -> Arc<Console> {
        self.shared.console.clone()
    }

    /// A device acknowledged over HTTP: its connections on this node acknowledge for themselves from now
    /// on, and are owed nothing more for these.
    pub fn acknowledged(&self, user: Uuid, device: &str, ids: &[Uuid]) {
        for client in self.shared.registry.of_user(user) {
            if client.device.as_deref() == Some(device) {
                client.becomes_explicit();
                let (seqs, _) = client.numbers(ids);
                if client.confirmed(&seqs) {
                    self.shared.pager.ask(client.clone());
                }
            }
        }
    }

    /// Has the user an open connection on this node?
    #[must_use]
    pub fn is_online(&self, user: Uuid) -> bool {
        self.shared.registry.is_online(user)
    }

    /// Has the user a connection on this node whose app is in front, or never said otherwise? Event streams
    /// do not count: nobody is known to be at them.
    #[must_use]
    pub fn is_active(&self, user: Uuid) -> bool {
        let clients = self.shared.registry.of_user(user);
        clients.iter().any(|client| client.is_active())
    }

    /// Closes the connections of a session that ended; they may not come back with its tokens.
    pub fn close_session(&self, session: Uuid) {
        self.shared.revoked.note(session);
        for client in self.shared.registry.all() {
            if client.line.principal().session == Some(session) {
                client.line.close(Some(SIGNED_OUT), false);
            }
        }
    }

    /// Roles, memberships or the account of these users changed: their connections are closed and may
    /// come back, to be judged anew. A client reconnects within a second and misses nothing.
    pub fn welcome_again(&self, users: &[Uuid]) {
        for user in users {
            self.shared.revoked.note(*user);
            for client in self.shared.registry.of_user(*user) {
                client.line.close(None, true);
            }
        }
    }

    /// Numbers were turned back: what this node knows of who has what is void. Everybody is to come again, to be
    /// looked up anew.
    fn start_over_with_epochs(self: &Arc<Self>, life: &Lifecycle) {
        let (hub, stopping) = (self.clone(), life.stopping());
        let mut epoch = hub.shared.epoch.clone();
        life.spawn("epochs of connections", async move {
            loop {
                tokio::select! {
                    () = stopping.cancelled() => return,
                    () = epoch.changed() => {}
                }
                let now = epoch.now();
                let clients = hub.shared.registry.all();
                let old = clients.iter().filter(|client| client.epoch != now);
                for client in old {
                    client.line.close(None, true);
                }
            }
        });
    }

    /// Makes a line one of ours: looks up where its device stands, registers it, greets it. Nothing is
    /// awaited after it was registered.
    pub(super) async fn welcome(
        &self,
        line: Line,
        ack_mode: Option<AckMode>,
    ) -> Result<Arc<Client>, NotWelcomed> {
        let shared = &self.shared;
        let epoch = line.epoch().unwrap_or_else(|| shared.epoch.now());
        let principal = line.principal();
        let Who::User {
            id: user,
            key,
            name,
        } = &principal.who
        else {
            return Err(NotWelcomed); // checked by the caller
        };
        let device = device::name(principal.device.as_deref(), line.device());
        let of_service = |service| shared.classes.ack_mode(service);
        let ack_mode = ack_mode
            .or_else(|| principal.service.map(of_service))
            .unwrap_or_default();
        // Nothing comes back on a stream.
        let ack_mode = match line.transport() {
            Transport::Stream if ack_mode == AckMode::Result => AckMode::Explicit,
            _ => ack_mode,
        };
        let now = shared.clock.now();
        let began = line.connected_at();
        let age = began.elapsed();
        let agent = line.agent().chars().filter(|c| *c != '\0');
        let asked = Asked {
            tenant: principal.tenant,
            user: *user,
            device: device.as_deref().map(str::to_owned),
            agent: agent.take(200).collect(),
            ack_mode,
        };
        let found = shared.reception.ask(asked).await?;
        let last_seq = found.last_seq;
        let mut start = Start {
            last_seq,
            ..Start::default()
        };
        if let Some(known) = found.device {
            start.explicit = known.explicit;
            start.acked = known.acked;
            if known.explicit {
                start.from = known.through;
                start.since = known
                    .beyond_since
                    // In the future: it was noted by a clock that has been set back since.
                    .filter(|at| *at <= found.at)
                    .map_or(Timestamp::UNIX_EPOCH, |at| at - OUT_OF_STEP);
            } else {
                start.from = known.through.max(known.reached_through);
            }
        }

        let visitor = Visitor {
            user: *user,
            key: key.clone(),
            name: name.clone(),
            device,
            at: now - age,
            epoch,
            ack_mode,
        };
        let greeting = Greeting {
            user: key.to_string(),
            device: visitor.device.as_deref().unwrap_or_default().to_owned(),
            cursor: format!("{epoch}:{last_seq}"),
            version: VERSION,
            vapid_public_key: shared.pusher.vapid_public_key().map(str::to_owned),
        };
        // First of all: found by others, it may be sent live events at once. Information; no promise
        // depends on it.
        let _ = line.try_send(frames::invocation(line.encoding(), GREETING, &greeting));
        let client = Arc::new(Client::new(line, visitor, start));
        // Registered first, then read: whatever commits from now on is offered to the gate.
        shared.registry.add(&client);
        if principal
            .session
            .is_some_and(|session| shared.revoked.since(session, began))
        {
            client.line.close(Some(SIGNED_OUT), false);
        } else if shared.revoked.since(*user, began) || epoch != shared.epoch.now() {
            client.line.close(None, true);
        }
        shared.registry.join(&client, &format!("user:{key}"));
        for group in found.groups.iter() {
            shared.registry.join(&client, group);
        }
        Ok(client)
    }
}

/// Why a connection is not welcomed.
const AWAY: &str = "The database is away. Come again.";
/// What a service is told that wants to listen.
pub(super) const NO_USER: &str = "The hub needs the token of a user.";

impl signalr::Hub for Hub {
    type Principal = Principal;

    fn user_key(principal: &Principal) -> Option<Cow<'_, str>> {
        match &principal.who {
            Who::User { id, .. } => Some(id.to_string().into()),
            _ => None,
        }
    }

    fn same_identity(first: &Principal, later: &Principal) -> bool {
        first.tenant == later.tenant
            && match (&first.who, &later.who) {
                (Who::User { id: first, .. }, Who::User { id: later, .. }) => first == later,
                _ => false,
            }
    }

    async fn connected(&self, connection: &Arc<Connection<Principal>>) -> Result<(), HubError> {
        if !matches!(connection.principal().who, Who::User { .. }) {
            return Err(HubError::new(NO_USER));
        }
        // The look-up would wait for the pool: five seconds in which the client believes that it is connected.
        if self.shared.is_away() {
            connection.close(Some(AWAY.to_owned()), true);
            return Ok(());
        }
        let line = Line::Hub(connection.clone());
        let ack_mode = line
            .ack_mode()
            .map_err(|wrong| HubError::new(wrong.to_string()))?;
        // Boxed, as the calls below: a connection's task is as large as the largest thing it ever
        // waits for, and a statement's future is many times what an idle connection needs.
        match Box::pin(self.welcome(line, ack_mode)).await {
            Ok(client) => {
                self.shared.console.connections_changed(client.tenant);
                let manual = connection
                    .query("replay")
                    .is_some_and(|value| value.eq_ignore_ascii_case("manual"));
                if !manual {
                    self.shared.starter.soon(&client);
                }
            }
            Err(error) => {
                tracing::warn!(%error, "a connection was not welcomed");
                connection.close(Some(AWAY.to_owned()), true);
            }
        }
        Ok(())
    }

    async fn invoke(&self, connection: &Arc<Connection<Principal>>, call: Call) -> Reply {
        match self.shared.registry.by_id(connection.id()) {
            Some(client) => Box::pin(calls::answer(&self.shared, &client, call)).await,
            // It was not welcomed and is being closed.
            None => HubError::new("The connection is closing.").into(),
        }
    }

    async fn disconnected(&self, connection: &Arc<Connection<Principal>>, _reason: Option<&str>) {
        if let Some(client) = self.shared.registry.by_id(connection.id()) {
            self.shared.leave(&client);
        }
    }

    fn evidence(&self, connection: &Arc<Connection<Principal>>, through: WriteMark) {
        let Some(client) = self.shared.registry.by_id(connection.id()) else {
            return;
        };
        let reached = client.reached(through);
        if !reached.is_empty() {
            self.shared.acks.note(Ack {
                user: client.user,
                device: client.device.clone(),
                what: if client.is_explicit() {
                    // Withdrawals, which it has and nobody acks: in the set of what it has they are gaps otherwise.
                    What::These {
                        seqs: reached,
                        ids: Vec::new(),
                    }
                } else if client.was_told_a_sum() {
                    What::ReachedApart(reached)
                } else {
                    What::Reached(reached)
                },
                via: "reached",
                epoch: Some(client.epoch),
                active: client.is_active(),
                at: None,
            });
        }
    }

    fn writable(&self, connection: &Arc<Connection<Principal>>) {
        if let Some(client) = self.shared.registry.by_id(connection.id())
            && client.drained()
        {
            self.shared.pager.ask(client);
        }
    }

    fn completed(
        &self,
        connection: &Arc<Connection<Principal>>,
        id: &str,
        outcome: Outcome,
    ) -> Result<(), Outcome> {
        let Some(seq) = frames::item_of(id) else {
            return Err(outcome);
        };
        if let Some(client) = self.shared.registry.by_id(connection.id()) {
            let due = client.handled(seq, acknowledges(&outcome));
            if due.recording {
                self.shared.results.record(client);
            } else if due.page {
                self.shared.pager.ask(client);
            }
        }
        Ok(())
    }

    fn seen_again(&self, connection: &Arc<Connection<Principal>>, later: &Principal) {
        if let Some(client) = self.shared.registry.by_id(connection.id()) {
            client.renew(later);
        }
    }
}

/// Whether a handler's result acknowledges the item: a value does. `false` says that it was not handled, null is what
/// clients send of a handler that returns nothing, where they do not send an error for it.
fn acknowledges(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Value(value) => !value.is_null() && !matches!(value.read(), Ok(false)),
        Outcome::Void | Outcome::Error(_) => false,
    }
}
