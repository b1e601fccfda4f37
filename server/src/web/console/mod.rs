//! The console's pages on delivery: what was not delivered, why, how hard it is tried, and who is told. Tenant-wide,
//! over its services; every method needs the role admin.

mod undelivered;
mod webhooks;

use app::backend::Caller;
use app::error::AppError;
use app::model::Moment;
use app::model::classes::{ClassRow, Classes};
use app::model::delivery::Class;
use app::model::person::Role;
use app::model::why::{Answer, Device, Event, Hit, Why};
use app::protocol::topic;
use jiff::Timestamp;
use uuid::Uuid;

use super::backend::{Rooms, need, tenant, user};
use crate::api::notifications::state_word;
use crate::delivery::class_changes::{Changing, Refused, Shelf};
use crate::explain::{self, Explained, Question};
use crate::hub::client_name;
use crate::store::history;

/// Names of a notification's recipients, when no user is asked about.
const MOST_RECIPIENTS: i64 = 100;
/// A user's latest, when no notification is asked about.
const MOST_LATEST: i64 = 50;

fn moment(at: Timestamp) -> Moment {
    Moment(at.as_millisecond())
}

fn why_of(told: Explained, as_of: i64) -> Why {
    let of = told.notification;
    let event = |at, what: &str, text| Event {
        at: moment(at),
        what: what.to_owned(),
        text,
    };
    let mut devices: Vec<Device> = told
        .devices
        .into_iter()
        .map(|one| Device {
            name: one.device,
            note: client_name(&one.agent),
            agent: one.agent,
            ack_mode: match one.ack_mode {
                "explicit" => "itself",
                "result" => "by its handlers",
                _ => "by reading",
            }
            .to_owned(),
            has: one.has.to_owned(),
            last_seen_at: Some(moment(one.last_seen_at)),
        })
        .collect();
    for phone in told.phones {
        if devices.iter().any(|one| one.name == phone.device) {
            continue;
        }
        let failure = phone.failure.map(|why| format!(": {why}"));
        devices.push(Device {
            name: phone.device,
            note: format!("{}{}", phone.platform, failure.unwrap_or_default()),
            agent: String::new(),
            ack_mode: String::new(),
            has: String::new(),
            last_seen_at: None,
        });
    }
    let delivery = told.delivery.as_ref();
    Why {
        as_of,
        notification: of.id.to_string(),
        kind: of.kind,
        title: of.title,
        service: of.service,
        publisher: of.publisher,
        class: of.class,
        audience: of.audience,
        recipients: of.recipients.into(),
        accepted_at: moment(of.accepted_at),
        expires_at: moment(delivery.map_or(of.expires_at, |one| one.expires_at)),
        user: told.user.id,
        name: told.user.name.unwrap_or_default(),
        online: told.user.online,
        state: delivery.map_or("", |one| one.state).to_owned(),
        seq: delivery.map(|one| one.seq),
        rule: delivery.map_or("", |one| one.rule).to_owned(),
        verdict: told.verdict,
        what_next: told.what_next,
        timeline: told
            .timeline
            .into_iter()
            .map(|one| event(one.at, one.what, one.text))
            .collect(),
        next: told
            .next
            .into_iter()
            .map(|one| event(one.at, one.end.unwrap_or("step"), one.text))
            .collect(),
        devices,
        sent_again: delivery.and_then(|one| one.sent_again.map(|by| by.to_string())),
    }
}

impl Rooms {
    pub(super) async fn explained(
        &self,
        caller: &Caller,
        notification: &str,
        words: &str,
    ) -> Result<Answer, AppError> {
        need(caller, Role::Admin)?;
        if notification.contains('\0') || words.contains('\0') {
            return Ok(Answer::Unknown("There is no such thing.".to_owned()));
        }
        if notification.is_empty() && words.is_empty() {
            return Ok(Answer::Ask);
        }
        let as_of = self.console_revision(caller, topic::ADMIN_QUEUED);
        let tenant = tenant(caller);
        let mut conn = self.connection().await?;
        let key = if words.is_empty() {
            None
        } else {
            self.database(history::find_person(&mut conn, tenant, words).await)?
        };
        let nobody = || Answer::Unknown(format!("There is no user “{words}”."));
        if notification.is_empty() {
            return match key {
                Some(key) => self.latest(&mut conn, tenant, &key).await,
                None => Ok(nobody()),
            };
        }
        let unknown = || {
            let text =
                format!("There is no notification “{notification}” within the last 31 days.");
            Answer::Unknown(text)
        };
        let Ok(id) = Uuid::try_parse(notification) else {
            return Ok(unknown());
        };
        if words.is_empty() {
            let head = history::notification(&mut conn, tenant, None, id).await;
            let Some(head) = self.database(head)? else {
                return Ok(unknown());
            };
            let found = history::recipients(&mut conn, id, "", MOST_RECIPIENTS).await;
            let rows = self.database(found)?.into_iter().map(|one| Hit {
                notification: notification.to_owned(),
                user: one.key.clone(),
                label: one.name,
                note: one.key,
                state: state_word(one.state).to_owned(),
                at: moment(one.at.to_jiff()),
            });
            return Ok(Answer::Recipients {
                notification: notification.to_owned(),
                title: head.title,
                rows: rows.collect(),
            });
        }
        let product = self.product();
        let question = Question {
            tenant,
            service: None,
            id,
            user: key.as_deref().unwrap_or(words),
            classes: &product.workplace.classes,
            online: &|user| product.hub.is_online(user),
            now: product.parts.clock.now(),
        };
        let told = self.database(explain::explain(&mut conn, question).await)?;
        Ok(told.map_or_else(unknown, |told| Answer::One(Box::new(why_of(told, as_of)))))
    }

    async fn latest(
        &self,
        conn: &mut sqlx::PgConnection,
        tenant: Uuid,
        key: &str,
    ) -> Result<Answer, AppError> {
        let person = self.database(history::person(conn, tenant, key).await)?;
        let Some(person) = person else {
            return Ok(Answer::Unknown(format!("There is no user “{key}”.")));
        };
        let now = self.product().parts.clock.now();
        let found = history::latest_of(conn, person.id, now, MOST_LATEST).await;
        let rows = self
            .database(found)?
            .into_iter()
            .map(|(id, kind, title, at, state)| Hit {
                notification: id.to_string(),
                user: key.to_owned(),
                label: title,
                note: kind,
                state: state_word(state).to_owned(),
                at: moment(at.to_jiff()),
            });
        Ok(Answer::Latest {
            user: key.to_owned(),
            name: person.name,
            rows: rows.collect(),
        })
    }

    pub(super) async fn class_shelf(&self, caller: &Caller) -> Result<Classes, AppError> {
        need(caller, Role::Admin)?;
        let mut conn = self.connection().await?;
        let kept = self.database(Shelf::read(&mut conn, tenant(caller)).await)?;
        let rows = kept.classes.into_iter().map(|one| ClassRow {
            key: one.key,
            built_in: one.built_in,
            own: one.own,
            class: one.class,
        });
        Ok(Classes {
            default: kept.default,
            classes: rows.collect(),
            kinds: kept.kinds.into_iter().collect(),
        })
    }

    /// One change of the tenant's classes, logged with who made it.
    pub(super) async fn change_classes(
        &self,
        caller: &Caller,
        change: ClassChange<'_>,
    ) -> Result<(), AppError> {
        need(caller, Role::Admin)?;
        let product = self.product();
        let changing = Changing {
            pool: &product.parts.pool,
            classes: &product.workplace.classes,
            tenant: tenant(caller),
            now: product.parts.clock.now(),
        };
        let (what, key) = match &change {
            ClassChange::Put(key, _) => ("class written", *key),
            ClassChange::Remove(key) => ("class removed", *key),
            ClassChange::Kind(kind, _) => ("kind given a class", *kind),
            ClassChange::Default(key) => ("default class set", *key),
        };
        let done = match &change {
            ClassChange::Put(key, class) => changing.put_class(key, class).await.map(|_| ()),
            ClassChange::Remove(key) => changing.remove_class(key).await,
            ClassChange::Kind(kind, "") => changing.remove_kind(kind).await,
            ClassChange::Kind(kind, class) => changing.set_kind(kind, Some(class)).await,
            ClassChange::Default(key) => changing.set_default(key).await,
        };
        match done {
            Ok(()) => {
                tracing::info!(user = %user(caller), key, "an administrator changed classes: {what}");
                Ok(())
            }
            Err(Refused::Database(error)) => self.database(Err(error)),
            Err(refused) => Err(AppError::Invalid {
                field: match &refused {
                    Refused::Key => "Key".to_owned(),
                    Refused::Kind => "Kind".to_owned(),
                    Refused::Flaw(flaw) => flaw.field.clone(),
                    _ => "Class".to_owned(),
                },
                problem: refused.to_string(),
            }),
        }
    }
}

/// A change of the tenant's classes.
pub(super) enum ClassChange<'a> {
    /// Writes one.
    Put(&'a str, Class),
    /// Removes one.
    Remove(&'a str),
    /// Gives a kind one; empty: takes it away.
    Kind(&'a str, &'a str),
    /// Of kinds that have none.
    Default(&'a str),
}

#[cfg(test)]
mod tests;
