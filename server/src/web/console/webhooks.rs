//! Where services of the tenant are told of receipts: the list, and changes by the API's own rules.

use app::backend::Caller;
use app::error::AppError;
use app::model::person::Role;
use app::model::webhooks::{Deed, State, Tested, Try, WebhookDraft, WebhookRow, Webhooks};
use jiff::Timestamp;
use uuid::Uuid;

use super::super::backend::{Rooms, need, tenant, user};
use super::moment;
use crate::store::identity::services;
use crate::store::webhook_tries as tries;
use crate::store::webhooks::{self as store, Kept};
use crate::webhooks::EVENTS;
use crate::webhooks::changes::{Before, Changing, PAUSED, Refused, Wanted};

/// Webhooks on the page: twenty services with as many as each may have.
const MOST: i64 = 200;

fn row(kept: Kept, now: Timestamp) -> WebhookRow {
    let (webhook, waiting) = (kept.webhook, kept.waiting);
    let at = |stamp: Option<jiff_sqlx::Timestamp>| stamp.map(|stamp| moment(stamp.to_jiff()));
    let state = match (&webhook.disabled, &webhook.failure) {
        (Some(why), _) if why == PAUSED => State::Paused,
        (Some(_), _) => State::GivenUp,
        (None, Some(_)) => State::Failing,
        (None, None) if webhook.taken_at.is_some() => State::Healthy,
        (None, None) => State::New,
    };
    WebhookRow {
        id: webhook.id.to_string(),
        service: kept.service_key,
        key: webhook.key,
        url: webhook.url,
        events: webhook.events,
        state,
        disabled: webhook.disabled.unwrap_or_default(),
        disabled_at: at(webhook.disabled_at),
        failure: webhook.failure.unwrap_or_default(),
        taken_at: at(webhook.taken_at),
        failed_at: at(webhook.failed_at),
        old_secret_until: at(webhook.old_until.filter(|until| until.to_jiff() > now)),
        waiting_events: waiting.events,
        waiting_requests: waiting.requests,
        waiting_since: at(waiting.since),
        dead_requests: waiting.dead,
    }
}

fn tried(one: tries::Try) -> Try {
    Try {
        message: one.message.to_string(),
        nth: one.nth,
        about: one.about,
        at: moment(one.at),
        status: one.status,
        failure: one.failure.unwrap_or_default(),
        next_at: one.next_at.map(moment),
    }
}

fn none() -> AppError {
    AppError::NotFound {
        what: "webhook".to_owned(),
    }
}

fn log(caller: &Caller, (service, key): (Uuid, &str), what: &str) {
    tracing::info!(user = %user(caller), %service, key, "an administrator changed webhooks: {what}");
}

impl Rooms {
    pub(in crate::web) async fn webhook_shelf(
        &self,
        caller: &Caller,
        one: &str,
    ) -> Result<Webhooks, AppError> {
        need(caller, Role::Admin)?;
        let (tenant, now) = (tenant(caller), self.product().parts.clock.now());
        let id = match one {
            "" => None,
            id => Some(Uuid::try_parse(id).map_err(|_| none())?),
        };
        let mut conn = self.connection().await?;
        let rows = store::of_tenant(&mut conn, tenant, id, MOST).await;
        let rows = self.database(rows)?;
        let services = self.database(services::of_tenant(&mut conn, tenant).await)?;
        // Of the tenant's: what it has none of has no tries either.
        let newest = match (id, rows.first()) {
            (Some(_), Some(kept)) => {
                let newest = tries::newest(&mut conn, kept.webhook.id, tries::KEPT).await;
                self.database(newest)?
            }
            _ => Vec::new(),
        };
        Ok(Webhooks {
            rows: rows.into_iter().map(|kept| row(kept, now)).collect(),
            services: services.into_iter().map(|(_, key)| key).collect(),
            events: EVENTS.iter().map(|event| (*event).to_owned()).collect(),
            tries: newest.into_iter().map(tried).collect(),
        })
    }

    pub(in crate::web) async fn write_webhook(
        &self,
        caller: &Caller,
        draft: WebhookDraft,
    ) -> Result<String, AppError> {
        need(caller, Role::Admin)?;
        let new = draft.id.is_empty();
        let (service, key) = if new {
            (self.service(caller, &draft.service).await?, draft.key)
        } else {
            let kept = self.kept(caller, &draft.id).await?;
            (kept.service, kept.webhook.key)
        };
        let wanted = Wanted {
            url: draft.url.trim().to_owned(),
            events: draft.events,
            secret: Some(draft.secret.trim().to_owned()).filter(|secret| !secret.is_empty()),
            rotate: false,
            before: if new { Before::Absent } else { Before::Present },
        };
        let key = key.trim();
        self.refused(self.changing(caller, service).put(key, wanted).await)?;
        log(caller, (service, key), "webhook written");
        let mut conn = self.connection().await?;
        let found = self.database(store::list(&mut conn, service).await)?;
        let found = found.into_iter().find(|one| one.key == key);
        Ok(found.ok_or_else(none)?.id.to_string())
    }

    pub(in crate::web) async fn webhook_deed(
        &self,
        caller: &Caller,
        id: &str,
        deed: Deed,
    ) -> Result<(), AppError> {
        need(caller, Role::Admin)?;
        let kept = self.kept(caller, id).await?;
        let (key, changing) = (&kept.webhook.key, self.changing(caller, kept.service));
        let (done, what) = match deed {
            Deed::Pause => (changing.pause(key).await, "webhook paused"),
            Deed::Resume => (changing.resume(key).await, "webhook resumed"),
            Deed::Remove => {
                let done = changing.remove(key).await.map_err(Refused::from);
                (done, "webhook removed")
            }
        };
        self.refused(done)?;
        log(caller, (kept.service, key), what);
        Ok(())
    }

    pub(in crate::web) async fn new_secret(
        &self,
        caller: &Caller,
        id: &str,
        secret: &str,
    ) -> Result<(), AppError> {
        need(caller, Role::Admin)?;
        let kept = self.kept(caller, id).await?;
        let (key, changing) = (&kept.webhook.key, self.changing(caller, kept.service));
        self.refused(changing.change_secret(key, secret.trim()).await)?;
        log(caller, (kept.service, key), "webhook given another secret");
        Ok(())
    }

    pub(in crate::web) async fn try_webhook(
        &self,
        caller: &Caller,
        id: &str,
    ) -> Result<Tested, AppError> {
        need(caller, Role::Admin)?;
        let kept = self.kept(caller, id).await?;
        let changing = self.changing(caller, kept.service);
        let key = &kept.webhook.key;
        let tested = self.refused(changing.test(key).await)?;
        log(caller, (kept.service, key), "webhook tried");
        Ok(Tested {
            status: tested.answer.status,
            failure: tested.answer.failure.unwrap_or_default(),
        })
    }

    /// One of the tenant's, by its inner id.
    async fn kept(&self, caller: &Caller, id: &str) -> Result<Kept, AppError> {
        let id = Uuid::try_parse(id).map_err(|_| none())?;
        let mut conn = self.connection().await?;
        let found = store::of_tenant(&mut conn, tenant(caller), Some(id), 1).await;
        self.database(found)?.pop().ok_or_else(none)
    }

    async fn service(&self, caller: &Caller, key: &str) -> Result<Uuid, AppError> {
        let mut conn = self.connection().await?;
        let all = services::of_tenant(&mut conn, tenant(caller)).await;
        let found = self.database(all)?.into_iter().find(|(_, one)| one == key);
        found.map(|(id, _)| id).ok_or_else(|| AppError::Invalid {
            field: "Service".to_owned(),
            problem: format!("There is no service \"{key}\"."),
        })
    }

    fn changing<'a>(&'a self, caller: &Caller, service: Uuid) -> Changing<'a> {
        Changing {
            webhooks: &self.product().webhooks,
            tenant: tenant(caller),
            service,
        }
    }

    /// A refusal names the field as the form does.
    fn refused<T>(&self, done: Result<T, Refused>) -> Result<T, AppError> {
        let refused = match done {
            Ok(done) => return Ok(done),
            Err(Refused::Database(error)) => return self.database(Err(error)),
            Err(Refused::Unknown) => return Err(none()),
            Err(refused) => refused,
        };
        let field = match refused.field().as_deref() {
            Some("id") => "Id",
            Some("url") => "Address",
            Some("secret" | "rotate_secret") => "Secret",
            Some(_) => "Events",
            None => "Service",
        };
        Err(AppError::Invalid {
            field: field.to_owned(),
            problem: refused.to_string(),
        })
    }
}
