//! The rooms, wired: made once by `serve` and by tests, in the order of the way.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::any;
use signalr::HubServer;
use tokio::sync::Notify;

use super::{Parts, access};
use crate::api::metrics::Metrics;
use crate::api::{self, Api, cors, health, problem};
use crate::auth::{AuthSettings, AuthState, Hooks, Origins, VerificationKeys};
use crate::delivery::committer::{self, Committer};
use crate::delivery::doorbell::Doorbell;
use crate::delivery::fanout::Fanout;
use crate::delivery::intake;
use crate::delivery::{Classes, Dispatch};
use crate::hub::{Hub, Needs, route};
use crate::outbox::phones::Phones;
use crate::outbox::removal::Removals;
use crate::outbox::retention::Retention;
use crate::outbox::sweep::{self, Sweeper};
use crate::outbox::watch::Watch;
use crate::outbox::worker::Worker;
use crate::push::Platform;
use crate::webhooks::{Interest, Webhooks};
use crate::workplace::{Workplace, attendance};

/// Starts what sees to removed users; answers what is rung when there are some.
fn removals(
    workplace: &Workplace,
    hub: &Hub,
    watch: Arc<Watch>,
    debts: Arc<Notify>,
) -> Arc<Notify> {
    let (bell, console) = (Arc::new(Notify::new()), hub.console());
    let removals = Removals {
        pool: workplace.pool.clone(),
        clock: workplace.clock.clone(),
        changed: Arc::new(move |tenant| {
            console.queue_changed(tenant);
            watch.moved_in(tenant);
            debts.notify_one();
        }),
    };
    removals.start(bell.clone(), &workplace.life);
    bell
}

/// How much longer than a drain its last client may take: one that reads nothing takes until its
/// transport's timeouts.
const DAWDLING: Duration = Duration::from_secs(5);

/// Everything that is not the process itself.
#[derive(Clone)]
pub struct Product {
    /// What it was made of.
    pub parts: Parts,
    /// Who calls.
    pub auth: AuthState,
    /// Who is here.
    pub hub: Arc<Hub>,
    /// The hub on its route.
    pub hub_server: HubServer<Hub>,
    /// Where publications go.
    pub committer: Committer,
    /// Approvals and attendance.
    pub workplace: Workplace,
    /// Which browsers may come from elsewhere.
    pub origins: Origins,
    /// What is counted.
    pub metrics: Metrics,
    /// Who follows receipts.
    pub watch: Arc<Watch>,
    /// Where services are told of receipts.
    pub webhooks: Webhooks,
}

impl Product {
    /// Starts every room's tasks. The epochs must have been opened before.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn start(parts: Parts, keys: VerificationKeys) -> sqlx::Result<Self> {
        let Parts {
            pool,
            clock,
            ids,
            life,
            pusher,
            ..
        } = parts.clone();
        let pushes = [Platform::Fcm, Platform::Web]
            .into_iter()
            .any(|platform| pusher.is_configured(platform));
        let auth = AuthState::open(
            pool.clone(),
            clock.clone(),
            ids.clone(),
            keys,
            AuthSettings {
                create_users: !parts.config.auth.no_create_users,
            },
        )
        .await?;
        let classes = Classes::open(pool.clone(), &life).await?;
        let bell = Arc::new(Notify::new());
        let watch = Arc::new(Watch::default());
        let interest = Interest::open(pool.clone(), &life).await?;
        let hub = Hub::start(
            Needs {
                pool: pool.clone(),
                clock: clock.clone(),
                epoch: parts.epochs.epoch(),
                bell: bell.clone(),
                pusher: pusher.clone(),
                ids: ids.clone(),
                watch: watch.clone(),
                interest: interest.clone(),
                classes: classes.clone(),
            },
            &life,
        );
        let metrics = Metrics::new(&hub, Doorbell::default(), pusher.clone());
        let dispatch: Arc<dyn Dispatch> = metrics.dispatch.clone();
        let pages = Arc::new(Notify::new());
        let needs = committer::Needs {
            pool: pool.clone(),
            clock: clock.clone(),
            dispatch: dispatch.clone(),
            classes: classes.clone(),
            pages: pages.clone(),
        };
        let committer = Committer::start(needs, &life);
        let workplace = Workplace {
            pool: pool.clone(),
            dispatch,
            clock,
            ids,
            classes,
            pages: pages.clone(),
            life: life.clone(),
        };
        Sweeper::new(sweep::Needs {
            pool: pool.clone(),
            clock: workplace.clock.clone(),
            classes: workplace.classes.clone(),
            reach: hub.clone(),
            pushes,
            bell: bell.clone(),
        })
        .start(&life);
        Fanout {
            pool: pool.clone(),
            clock: workplace.clock.clone(),
            classes: workplace.classes.clone(),
            dispatch: workplace.dispatch.clone(),
            bell: pages,
        }
        .start(&life);
        let console = hub.console();
        Worker {
            pool: pool.clone(),
            clock: workplace.clock.clone(),
            classes: workplace.classes.clone(),
            phones: pushes.then(|| {
                Arc::new(Phones {
                    pool: pool.clone(),
                    clock: workplace.clock.clone(),
                    pusher,
                })
            }),
            reach: hub.clone(),
            changed: Arc::new({
                let watch = watch.clone();
                move |tenant| {
                    console.queue_changed(tenant);
                    watch.moved_in(tenant);
                }
            }),
            bell: bell.clone(),
        }
        .start(&life);
        let leavers = removals(&workplace, &hub, watch.clone(), bell);
        let webhooks = Webhooks::new(
            pool.clone(),
            workplace.clock.clone(),
            workplace.ids.clone(),
            interest,
            parts.config.webhooks.webhooks_allow_private,
        )
        .map_err(|error| sqlx::Error::Configuration(error.into()))?;
        webhooks.start(&life);
        intake::Router::start(workplace.clone(), metrics.doorbell.clone(), &life);
        attendance::midnight::start(workplace.clone(), &life);
        Retention {
            pool: pool.clone(),
            clock: workplace.clock.clone(),
            days: parts.config.database.retention_days,
        }
        .start(&life);
        parts.epochs.start(pool.clone(), &life);
        super::partitions::start(pool, workplace.clock.clone(), &life);
        let own = parts.config.http.origins.clone();
        let origins = Origins::start(workplace.pool.clone(), own, &life).await?;
        auth.spawn_chores(&life);
        let (told, changed) = (hub.clone(), hub.clone());
        auth.set_hooks(Hooks {
            session_ended: Arc::new(move |session| told.close_session(session)),
            people_changed: Arc::new(move |_, users| changed.welcome_again(users)),
            people_removed: Arc::new(move || leavers.notify_one()),
            services_changed: Arc::new({
                let (origins, classes) = (origins.clone(), workplace.classes.clone());
                move || {
                    origins.changed();
                    classes.services_changed();
                }
            }),
        });
        let hub_server = route::serve(
            hub.clone(),
            parts.config.hub,
            parts.config.http.proxies(),
            metrics.hub.clone(),
            &life,
        );
        Ok(Self {
            parts,
            auth,
            hub,
            hub_server,
            committer,
            workplace,
            origins,
            metrics,
            watch,
            webhooks,
        })
    }

    /// Lets the hub's connections leave in good order: the rest of the product works meanwhile.
    pub async fn drain(&self) {
        let most = Duration::from_secs(self.parts.config.hub.drain_seconds);
        let left = route::drain(&self.hub_server, most);
        if tokio::time::timeout(most + DAWDLING, left).await.is_err() {
            let connections = self.hub_server.count();
            tracing::warn!(
                connections,
                "some clients do not leave: their connections are cut"
            );
        }
    }

    /// The API, the hub, health and metrics. The screens are mounted by `serve`, which knows their
    /// files.
    pub fn routes(&self) -> Router {
        let Parts {
            pool,
            clock,
            ids,
            life,
            config,
            ..
        } = self.parts.clone();
        let api = api::routes(Api {
            pool: pool.clone(),
            clock,
            ids,
            committer: self.committer.clone(),
            workplace: self.workplace.clone(),
            acks: self.hub.acks(),
            watch: self.watch.clone(),
            webhooks: self.webhooks.clone(),
            stopping: life.stopping(),
            hub: self.hub.clone(),
            hub_server: self.hub_server.clone(),
            connections: self.metrics.hub.clone(),
            publish: self.metrics.publish.clone(),
            events: self.metrics.events.clone(),
            origins: self.origins.clone(),
            auth: self.auth.clone(),
        });
        let hub = self
            .hub_server
            .router()
            .layer(from_fn_with_state(self.origins.clone(), cors::guard))
            .layer(from_fn_with_state(
                self.auth.clone(),
                crate::auth::extract::hub,
            ));
        let mut hubs = Router::new();
        for path in config.http.distinct_hub_paths() {
            hubs = hubs.nest(path, hub.clone());
        }
        Router::new()
            .nest("/api/v1", api)
            .route("/api/{*rest}", any(problem::no_such_path))
            .merge(hubs)
            .layer(from_fn_with_state(self.origins.clone(), cors::answer))
            .merge(health::routes(pool, life))
            .merge(self.metrics.routes(config.http.metrics_public))
    }

    /// Everything that is served: the routes and the screens, seen by the access log.
    pub fn site(&self, screens: Router) -> Router {
        let all = access::layer(
            self.routes().merge(screens),
            self.parts.ids.clone(),
            self.metrics.http.clone(),
        );
        signalr::any_case(all, self.parts.config.http.distinct_hub_paths())
    }
}
