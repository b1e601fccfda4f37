//! The screens' side of the seam: each method says who may, asks the room that knows, and speaks the
//! screens' errors. A fault is logged here, once, under the reference the person sees.

use app::backend::{Backend, Caller};
use app::error::AppError;
use app::model::Moment;
use app::model::admin::{
    ConnectionRow, DeadLetterRow, GroupRow, Health, Overview, Page, PageQuery, QueuedRow, SentAgain,
};
use app::model::approval::{ApprovalList, ApprovalTab, Decision, RequestDetail};
use app::model::attendance::Board;
use app::model::badges::Badges;
use app::model::classes::Classes;
use app::model::delivery::Class;
use app::model::inbox::{InboxCounts, InboxPage, InboxTab, Mark};
use app::model::person::{DemoLogin, HubToken, Me, Person, Role, Site};
use app::model::webhooks::{Deed, Tested, WebhookDraft, Webhooks};
use app::model::why;
use app::protocol::topic;
use async_trait::async_trait;
use uuid::Uuid;

use super::console::ClassChange;
use crate::api::notifications::state_word;
use crate::run::product::Product;
use crate::store::{self, queued, webhooks};
use crate::webhooks::changes::PAUSED;
use crate::webhooks::secret;
use crate::workplace::topics::Topic;
use crate::workplace::{Actor, WorkplaceError, approvals, attendance, inbox};

/// Rows on a page of the console.
pub(super) const PAGE: usize = 50;

/// The server as the screens see it.
pub struct Rooms {
    product: Product,
    demo: Vec<DemoLogin>,
    /// Where the demo's phones are.
    phones: Option<String>,
}

impl Rooms {
    /// `demo`: buttons for the sign-in page.
    #[must_use]
    pub fn new(product: Product, demo: Vec<DemoLogin>) -> Self {
        Self {
            product,
            demo,
            phones: None,
        }
    }

    /// Pages link to the demo's phones.
    #[must_use]
    pub fn with_phones(self, phones: Option<String>) -> Self {
        Self { phones, ..self }
    }

    pub(super) fn product(&self) -> &Product {
        &self.product
    }

    fn reference(&self) -> String {
        crate::support::ids::hex(&self.product.parts.ids.bytes::<6>())
    }

    /// A failure of the workplace as a screen shows it.
    fn workplace<T>(&self, result: Result<T, WorkplaceError>) -> Result<T, AppError> {
        result.map_err(|error| {
            let reference = self.reference();
            match &error {
                WorkplaceError::Database(cause) if !store::is_transient(cause) => {
                    tracing::error!(reference, error = %cause, "a screen's request failed");
                }
                WorkplaceError::Database(cause) => {
                    tracing::warn!(error = %cause, "database unavailable");
                }
                _ => {}
            }
            error.into_app(reference)
        })
    }

    pub(super) fn database<T>(&self, result: sqlx::Result<T>) -> Result<T, AppError> {
        self.workplace(result.map_err(WorkplaceError::from))
    }

    pub(super) async fn connection(
        &self,
    ) -> Result<sqlx::pool::PoolConnection<sqlx::Postgres>, AppError> {
        self.database(self.product.parts.pool.acquire().await)
    }
}

pub(super) fn need(caller: &Caller, role: Role) -> Result<(), AppError> {
    if caller.roles.contains(&role) {
        return Ok(());
    }
    Err(AppError::Forbidden {
        need: format!("It needs the role {}.", role.label()),
    })
}

pub(super) fn tenant(caller: &Caller) -> Uuid {
    Uuid::from_u128(caller.tenant)
}

pub(super) fn user(caller: &Caller) -> Uuid {
    Uuid::from_u128(caller.user)
}

pub(super) fn skip(query: &PageQuery) -> usize {
    usize::try_from(query.page)
        .unwrap_or(0)
        .saturating_mul(PAGE)
}

/// Webhooks that are told nothing now, in sentences.
fn webhooks_health(trouble: webhooks::Trouble) -> Vec<Health> {
    let line = |count: i64, one: &str, many: &str| {
        let text = match count {
            0 => return None,
            1 => format!("1 webhook {one}"),
            count => format!("{count} webhooks {many}"),
        };
        let link = Some(("/admin/webhooks".to_owned(), "See webhooks".to_owned()));
        Some(Health {
            ok: false,
            text,
            link,
        })
    };
    let failing = line(
        trouble.failing,
        "did not take its last request; it is sent again.",
        "did not take their last request; it is sent again.",
    );
    let given_up = line(
        trouble.given_up,
        "was given up: nothing is sent to it.",
        "were given up: nothing is sent to them.",
    );
    given_up.into_iter().chain(failing).collect()
}

#[async_trait]
impl Backend for Rooms {
    fn now(&self) -> Moment {
        Moment(self.product.parts.clock.now().as_millisecond())
    }

    async fn demo_logins(&self) -> Result<Vec<DemoLogin>, AppError> {
        Ok(self.demo.clone())
    }

    async fn me(&self, caller: &Caller) -> Result<Me, AppError> {
        let mut conn = self.connection().await?;
        let row = self.database(store::people::me(&mut conn, user(caller)).await)?;
        let row = row.ok_or(AppError::SignedOut)?;
        Ok(Me {
            person: Person {
                user: row.key,
                name: row.name,
                department: row.department,
            },
            tenant: row.tenant_key,
            tenant_name: row.tenant_name,
            roles: caller.roles.clone(),
            site: Site {
                push_key: self
                    .product
                    .parts
                    .pusher
                    .vapid_public_key()
                    .map(str::to_owned),
                phones: self.phones.clone(),
            },
        })
    }

    async fn hub_token(&self, caller: &Caller) -> Result<HubToken, AppError> {
        let (token, ends) =
            crate::auth::hub_token(&self.product.auth, caller).map_err(|problem| {
                AppError::Internal {
                    reference: problem.reference.unwrap_or_default(),
                }
            })?;
        let seconds = (ends.as_second() - self.product.parts.clock.now().as_second()).max(1);
        Ok(HubToken {
            hub: self.product.parts.config.http.hub_path().to_owned(),
            token,
            expires_in_s: u32::try_from(seconds).unwrap_or(u32::MAX),
        })
    }

    async fn badges(&self, caller: &Caller) -> Result<Badges, AppError> {
        let (tenant, user) = (tenant(caller), user(caller));
        let now = self.product.parts.clock.now();
        let mut conn = self.connection().await?;
        let inbox = inbox::counts(&mut conn, tenant, user, now).await;
        let (inbox, inbox_as_of) = self.database(inbox)?;
        let approvals = approvals::counts(&mut conn, tenant, user, now).await;
        let (approvals, approvals_as_of) = self.database(approvals)?;
        let board = if caller.roles.contains(&Role::Hr) {
            let present = attendance::present(&mut conn, tenant, now).await;
            Some(self.database(present)?)
        } else {
            None
        };
        Ok(Badges {
            inbox,
            inbox_as_of,
            approvals,
            approvals_as_of,
            present: board.map(|(present, _)| present),
            attendance_as_of: board.map_or(0, |(_, as_of)| as_of),
        })
    }

    async fn inbox(
        &self,
        caller: &Caller,
        tab: InboxTab,
        before: Option<i64>,
    ) -> Result<InboxPage, AppError> {
        let parts = &self.product.parts;
        let now = parts.clock.now();
        let page = inbox::page(&parts.pool, tenant(caller), user(caller), tab, before, now).await;
        self.database(page)
    }

    async fn mark(
        &self,
        caller: &Caller,
        ids: Vec<String>,
        mark: Mark,
    ) -> Result<InboxCounts, AppError> {
        let parts = &self.product.parts;
        let (tenant, user, now) = (tenant(caller), user(caller), parts.clock.now());
        let marked = inbox::mark(&parts.pool, tenant, user, &ids, mark, now).await;
        let (counts, patch) = self.database(marked)?;
        if let Some(patch) = patch {
            self.product.watch.moved_in(tenant);
            let group = Topic::Inbox(user).group();
            self.product
                .workplace
                .dispatch
                .patch(tenant, &group, &patch);
            if mark == Mark::Read {
                let ids = ids.iter().filter_map(|id| Uuid::try_parse(id).ok());
                let ids: Vec<Uuid> = ids.take(1_000).collect();
                self.product.hub.tell_read(tenant, user, &ids, now).await;
            }
        }
        Ok(counts)
    }

    async fn approvals(&self, caller: &Caller, tab: ApprovalTab) -> Result<ApprovalList, AppError> {
        let list = approvals::list(&self.product.workplace, &Actor::from(caller), tab).await;
        self.workplace(list)
    }

    async fn request(&self, caller: &Caller, id: &str) -> Result<RequestDetail, AppError> {
        let missing = || AppError::NotFound {
            what: "request".to_owned(),
        };
        let id = Uuid::try_parse(id).map_err(|_| missing())?;
        let detail = approvals::detail(&self.product.workplace, &Actor::from(caller), id).await;
        self.workplace(detail)
    }

    async fn decide(&self, caller: &Caller, decision: Decision) -> Result<RequestDetail, AppError> {
        let actor = Actor::from(caller);
        let decided = approvals::decide(&self.product.workplace, &actor, decision).await;
        self.workplace(decided)
    }

    async fn board(&self, caller: &Caller) -> Result<Board, AppError> {
        need(caller, Role::Hr)?;
        let board = attendance::board(&self.product.workplace, tenant(caller)).await;
        self.workplace(board)
    }

    async fn overview(&self, caller: &Caller) -> Result<Overview, AppError> {
        need(caller, Role::Admin)?;
        let tenant = tenant(caller);
        let before = std::time::Instant::now();
        let mut conn = self.connection().await?;
        let now = self.product.parts.clock.now();
        let age = self.database(queued::age(&mut conn, tenant, now).await)?;
        let took = before.elapsed();
        let owed = self.database(queued::count(&mut conn, tenant, "", now).await)?;
        let counts = self.product.hub.counts(tenant);
        let mut health = Vec::new();
        if counts.parked > 0 {
            let text = format!(
                "{} connections read too slowly; their items wait in the database.",
                counts.parked
            );
            health.push(Health {
                ok: false,
                text,
                link: None,
            });
        }
        if self.product.metrics.doorbell.is_late() {
            let text = "LISTEN is swallowed or late, perhaps by a connection pooler: rows of SQL callers are looked \
                        for every 50 ms."
                .to_owned();
            health.push(Health {
                ok: false,
                text,
                link: None,
            });
        }
        let webhooks = webhooks::trouble(&mut conn, tenant, PAUSED).await;
        health.extend(webhooks_health(self.database(webhooks)?));
        let text = format!(
            "Database answers in {:.1} ms.",
            took.as_secs_f64() * 1_000.0
        );
        health.push(Health {
            ok: took.as_millis() < 250,
            text,
            link: None,
        });
        health.sort_by_key(|line| line.ok);
        Ok(Overview {
            connections: counts.websocket + counts.sse + counts.long_polling + counts.stream,
            websocket: counts.websocket,
            sse: counts.sse,
            long_polling: counts.long_polling,
            stream: counts.stream,
            users_online: counts.users,
            groups: counts.groups,
            queued: owed,
            oldest_queued_at: age.oldest.map(|at| Moment(at.to_jiff().as_millisecond())),
            acked_last_hour: age.acked_last_hour,
            health,
        })
    }

    async fn connections(
        &self,
        caller: &Caller,
        query: PageQuery,
    ) -> Result<Page<ConnectionRow>, AppError> {
        need(caller, Role::Admin)?;
        let as_of = self.console_revision(caller, topic::ADMIN_CONNECTIONS);
        let (rows, total) =
            self.product
                .hub
                .connections(tenant(caller), &query.search, skip(&query), PAGE);
        Ok(Page { rows, total, as_of })
    }

    async fn disconnect(&self, caller: &Caller, ids: Vec<String>) -> Result<u32, AppError> {
        need(caller, Role::Admin)?;
        let closed = self.product.hub.disconnect(tenant(caller), &ids);
        tracing::info!(user = %user(caller), closed, "an administrator disconnected connections");
        Ok(closed)
    }

    async fn groups(&self, caller: &Caller, query: PageQuery) -> Result<Page<GroupRow>, AppError> {
        need(caller, Role::Admin)?;
        let as_of = self.console_revision(caller, topic::ADMIN_GROUPS);
        let (rows, total) =
            self.product
                .hub
                .groups(tenant(caller), &query.search, skip(&query), PAGE);
        Ok(Page { rows, total, as_of })
    }

    async fn queued(&self, caller: &Caller, query: PageQuery) -> Result<Page<QueuedRow>, AppError> {
        need(caller, Role::Admin)?;
        let as_of = self.console_revision(caller, topic::ADMIN_QUEUED);
        let (tenant, now) = (tenant(caller), self.product.parts.clock.now());
        let offset = i64::try_from(skip(&query)).unwrap_or(i64::MAX);
        let mut conn = self.connection().await?;
        let rows = queued::page(&mut conn, tenant, &query.search, offset, 50, now).await;
        let rows = self.database(rows)?;
        let total = self.database(queued::count(&mut conn, tenant, &query.search, now).await)?;
        let rows = rows
            .into_iter()
            .map(|row| QueuedRow {
                notification: row.notification.to_string(),
                kind: row.kind,
                title: row.title,
                online: self.product.hub.is_online(row.user),
                user: row.key,
                name: row.name,
                seq: row.seq,
                state: state_word(row.state).to_owned(),
                at: Moment(row.at.to_jiff().as_millisecond()),
                expires_at: Moment(row.expires_at.to_jiff().as_millisecond()),
                attempts: row.attempts,
            })
            .collect();
        Ok(Page { rows, total, as_of })
    }

    async fn undelivered(
        &self,
        caller: &Caller,
        query: PageQuery,
    ) -> Result<Page<DeadLetterRow>, AppError> {
        self.undelivered_page(caller, query).await
    }

    async fn send_again(
        &self,
        caller: &Caller,
        ids: Vec<String>,
        dry_run: bool,
    ) -> Result<SentAgain, AppError> {
        self.send_letters_again(caller, ids, dry_run).await
    }

    async fn count_again(&self, caller: &Caller, search: &str) -> Result<SentAgain, AppError> {
        self.count_letters(caller, search).await
    }

    async fn send_all_again(
        &self,
        caller: &Caller,
        search: &str,
        after: &str,
    ) -> Result<SentAgain, AppError> {
        self.send_step(caller, search, after).await
    }

    async fn why(
        &self,
        caller: &Caller,
        notification: &str,
        user: &str,
    ) -> Result<why::Answer, AppError> {
        self.explained(caller, notification, user).await
    }

    async fn classes(&self, caller: &Caller) -> Result<Classes, AppError> {
        self.class_shelf(caller).await
    }

    async fn put_class(&self, caller: &Caller, key: &str, class: Class) -> Result<(), AppError> {
        let change = ClassChange::Put(key, class);
        self.change_classes(caller, change).await
    }

    async fn remove_class(&self, caller: &Caller, key: &str) -> Result<(), AppError> {
        let change = ClassChange::Remove(key);
        self.change_classes(caller, change).await
    }

    async fn set_kind(&self, caller: &Caller, kind: &str, class: &str) -> Result<(), AppError> {
        let change = ClassChange::Kind(kind, class);
        self.change_classes(caller, change).await
    }

    async fn set_default_class(&self, caller: &Caller, class: &str) -> Result<(), AppError> {
        let change = ClassChange::Default(class);
        self.change_classes(caller, change).await
    }

    async fn webhooks(&self, caller: &Caller, one: &str) -> Result<Webhooks, AppError> {
        self.webhook_shelf(caller, one).await
    }

    async fn suggest_secret(&self, caller: &Caller) -> Result<String, AppError> {
        need(caller, Role::Admin)?;
        Ok(secret::text(&secret::make(&self.product.parts.ids)))
    }

    async fn put_webhook(&self, caller: &Caller, draft: WebhookDraft) -> Result<String, AppError> {
        self.write_webhook(caller, draft).await
    }

    async fn do_to_webhook(&self, caller: &Caller, id: &str, deed: Deed) -> Result<(), AppError> {
        self.webhook_deed(caller, id, deed).await
    }

    async fn change_secret(&self, caller: &Caller, id: &str, secret: &str) -> Result<(), AppError> {
        self.new_secret(caller, id, secret).await
    }

    async fn test_webhook(&self, caller: &Caller, id: &str) -> Result<Tested, AppError> {
        self.try_webhook(caller, id).await
    }
}

impl Rooms {
    /// Read before the rows.
    pub(super) fn console_revision(&self, caller: &Caller, wire: &str) -> i64 {
        Topic::parse(wire, user(caller))
            .and_then(|topic| self.product.hub.console().revision(tenant(caller), topic))
            .unwrap_or(0)
    }
}
