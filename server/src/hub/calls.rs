//! What a client may call. Each call is authorised by the connection's principal alone; ids and
//! names of other tenants do not exist here.

use std::sync::Arc;

use app::model::inbox::Mark;
use app::model::person::Role;
use app::protocol::{Joined, app_state, call};
use signalr::{Call, HubError, Reply};
use uuid::Uuid;

use super::backlog;
use super::client::Client;
use super::push;
use super::stream::Cursor;
use super::workflow::Shared;
use crate::outbox::ack::{Ack, NotRecorded, What};
use crate::workplace::inbox;
use crate::workplace::topics::Topic;

/// Ids in one call.
const MOST_IDS: usize = 1_000;

/// Answers a call. Acks free the connection's slot at once: their Completion follows the commit.
pub(super) async fn answer(shared: &Arc<Shared>, client: &Arc<Client>, call: Call) -> Reply {
    let is = |method: &str| call.is(method);
    if is(call::RESUME) {
        return resume(shared, client, &call).into();
    }
    // Any call shows that `start()` has returned, so handlers are registered.
    shared.starter.now(client, None);
    if is(call::ACKNOWLEDGE) {
        match call.bind::<(Uuid,)>() {
            Ok((id,)) => acknowledge(shared, client, vec![id]),
            Err(error) => error.into(),
        }
    } else if is(call::ACKNOWLEDGE_MANY) {
        match call.bind::<(Vec<Uuid>,)>().and_then(|(ids,)| bounded(ids)) {
            Ok(ids) => acknowledge(shared, client, ids),
            Err(error) => error.into(),
        }
    } else if is(call::ACKNOWLEDGE_THROUGH) {
        match call.bind::<(i64,)>() {
            Ok((seq,)) => acknowledge_through(shared, client, seq),
            Err(error) => error.into(),
        }
    } else if is(call::MARK_SEEN) {
        mark(shared, client, &call, Mark::Seen)
    } else if is(call::MARK_READ) {
        mark(shared, client, &call, Mark::Read)
    } else if is(call::ARCHIVE) {
        mark(shared, client, &call, Mark::Archive)
    } else if is(call::GET_BACKLOG) {
        backlog::page(shared, client, &call).await.into()
    } else if is(call::REGISTER_PUSH_TOKEN) {
        push::register(shared, client, &call).await.into()
    } else if is(call::UNREGISTER_PUSH_TOKEN) {
        push::unregister(shared, client).await.into()
    } else if is(call::JOIN_GROUP) {
        join(shared, client, &call).await.into()
    } else if is(call::LEAVE_GROUP) {
        leave(shared, client, &call).into()
    } else if is(call::SET_APP_STATE) {
        set_app_state(shared, client, &call).into()
    } else if is(call::TYPING) {
        typing(shared, client, &call).into()
    } else {
        HubError::unknown_method().into()
    }
}

/// Whether the app is in front. In the background nothing counts as reached.
fn set_app_state(
    shared: &Arc<Shared>,
    client: &Arc<Client>,
    call: &Call,
) -> Result<bool, HubError> {
    let (state,) = call.bind::<(String,)>()?;
    let is = |name: &str| state.eq_ignore_ascii_case(name);
    let active = is(app_state::ACTIVE);
    if !active && !is(app_state::BACKGROUND) {
        return Err(HubError::new("An app is \"active\" or \"background\"."));
    }
    let news = client.set_active(active);
    if news {
        shared.console.connections_changed(client.tenant);
    }
    Ok(news)
}

/// Tells the others who have joined the thread. Whoever is in it was allowed to join it.
fn typing(shared: &Arc<Shared>, client: &Arc<Client>, call: &Call) -> Result<bool, HubError> {
    let (thread,) = call.bind::<(String,)>()?;
    let group = Topic::parse(&thread, client.user)
        .filter(|topic| matches!(topic, Topic::Request(_)))
        .map(|topic| topic.group())
        .filter(|group| client.is_in(group))
        .ok_or_else(|| {
            HubError::new(format!(
                "You are not in \"{thread}\": a thread is a request:<id> that you have joined."
            ))
        })?;
    if !client.may_type() {
        return Ok(false);
    }
    shared.tell_typing(client, &group);
    Ok(true)
}

/// `Resume("epoch:seq")`: raises the start, acknowledges nothing, does nothing once replay began.
/// A cursor of another epoch counts numbers that were given twice: it is ignored.
fn resume(shared: &Arc<Shared>, client: &Arc<Client>, call: &Call) -> Result<bool, HubError> {
    let (cursor,) = call.bind::<(String,)>()?;
    let cursor = Cursor::parse(&cursor)
        .ok_or_else(|| HubError::new("A cursor is \"epoch:seq\", as the greeting gave it."))?;
    let begins = !client.has_begun();
    shared.starter.now(client, cursor.within(client.epoch));
    Ok(begins)
}

fn bounded(ids: Vec<Uuid>) -> Result<Vec<Uuid>, HubError> {
    if ids.len() > MOST_IDS {
        return Err(HubError::new(format!(
            "{} ids in one call; at most {MOST_IDS}.",
            ids.len()
        )));
    }
    Ok(ids)
}

fn acknowledge(shared: &Arc<Shared>, client: &Arc<Client>, ids: Vec<Uuid>) -> Reply {
    let (seqs, ids) = client.numbers(&ids);
    record(
        shared,
        client,
        What::These {
            seqs: seqs.clone(),
            ids,
        },
        move |client| client.confirmed(&seqs),
    )
}

fn acknowledge_through(shared: &Arc<Shared>, client: &Arc<Client>, seq: i64) -> Reply {
    record(shared, client, What::Through(seq), move |client| {
        client.confirmed_through(seq)
    })
}

fn record(
    shared: &Arc<Shared>,
    client: &Arc<Client>,
    what: What,
    then: impl FnOnce(&Client) -> bool + Send + 'static,
) -> Reply {
    client.becomes_explicit();
    let ack = Ack {
        user: client.user,
        device: client.device.clone(),
        what,
        via: "hub",
        epoch: Some(client.epoch),
        active: client.is_active(),
        at: None,
    };
    let (acks, pager, client) = (shared.acks.clone(), shared.pager.clone(), client.clone());
    Reply::later(async move {
        let count = acks.record(ack).await.map_err(|NotRecorded| {
            HubError::new("Not recorded: the database is away. Acknowledge again.")
        })?;
        if then(&client) {
            pager.ask(client);
        }
        Ok(count)
    })
}

fn mark(shared: &Arc<Shared>, client: &Arc<Client>, call: &Call, mark: Mark) -> Reply {
    let ids = match call.bind::<(Vec<Uuid>,)>().and_then(|(ids,)| bounded(ids)) {
        Ok(ids) => ids,
        Err(error) => return error.into(),
    };
    let (shared, client) = (shared.clone(), client.clone());
    Reply::later(async move {
        let now = shared.clock.now();
        let marked =
            inbox::mark_for(&shared.pool, client.tenant, client.user, &ids, mark, now).await;
        let (counts, patch) = marked.map_err(|error| {
            tracing::warn!(%error, "inbox not marked");
            HubError::new("Not saved: the database is away. Try again.")
        })?;
        if let Some(patch) = patch {
            shared.watch.moved(&ids);
            shared.send_patch(client.tenant, &Topic::Inbox(client.user).group(), &patch);
            if mark == Mark::Read {
                shared
                    .tell_read(client.tenant, client.user, &ids, now)
                    .await;
            }
        }
        Ok(counts)
    })
}

/// Joins a screen's topic: added first, then the revision is read, so nothing falls between.
async fn join(shared: &Arc<Shared>, client: &Arc<Client>, call: &Call) -> Result<Joined, HubError> {
    let name = match call.arguments.len() {
        1 => call.bind::<(String,)>()?.0,
        // The second argument, the caller's revision, is for the ring of patches to come.
        _ => call.bind::<(String, Option<i64>)>()?.0,
    };
    let denied = || HubError::new(format!("There is no group \"{name}\" for you."));
    let topic = Topic::parse(&name, client.user).ok_or_else(denied)?;
    let roles = &client.line.principal().roles;
    let allowed = match topic {
        Topic::Inbox(_) | Topic::Approvals(_) => true,
        Topic::Attendance => roles.contains(&Role::Hr),
        Topic::AdminConnections | Topic::AdminGroups | Topic::AdminQueued => {
            roles.contains(&Role::Admin)
        }
        Topic::Request(id) => may_see(shared, client, id).await.map_err(away)?,
    };
    if !allowed {
        return Err(denied());
    }
    let group = topic.group();
    shared.registry.join(client, &group);
    client.becomes_screen();
    shared.tell_if_away(client);
    shared.console.connections_changed(client.tenant);
    let rev = if let Some(rev) = shared.console.revision(client.tenant, topic) {
        rev
    } else {
        let mut conn = shared.pool.acquire().await.map_err(away)?;
        if let Topic::Inbox(user) = topic {
            inbox::revision(&mut conn, client.tenant, user).await
        } else {
            crate::store::topic::revision(&mut conn, client.tenant, &group).await
        }
        .map_err(away)?
    };
    Ok(Joined { rev })
}

async fn may_see(shared: &Shared, client: &Client, request: Uuid) -> sqlx::Result<bool> {
    let mut conn = shared.pool.acquire().await?;
    let head = crate::store::approvals::head(&mut conn, client.tenant, request).await?;
    Ok(head.is_some_and(|head| {
        head.requester == client.user
            || head.assignees.contains(&client.user)
            || client.line.principal().roles.contains(&Role::Hr)
    }))
}

fn leave(shared: &Arc<Shared>, client: &Arc<Client>, call: &Call) -> Result<bool, HubError> {
    let (name,) = call.bind::<(String,)>()?;
    if let Some(topic) = Topic::parse(&name, client.user) {
        shared.registry.leave(client, &topic.group());
        shared.console.connections_changed(client.tenant);
        return Ok(true);
    }
    Ok(false)
}

fn away(error: sqlx::Error) -> HubError {
    tracing::warn!(%error, "group not joined");
    HubError::new("The database is away. Join again.")
}
