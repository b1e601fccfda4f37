//! Whom a live event may name, and the hub's groups behind the names.

use uuid::Uuid;

use crate::api::Api;
use crate::api::problem::Problem;
use crate::auth::Principal;
use crate::store::names::{self, Names};
use crate::workplace::topics::Topic;

/// As many as are worth naming; more are a group.
const MOST_USERS: usize = 1_000;
/// An outer id.
const ID_BYTES: usize = 128;

const GROUPS: &str = "A group is `user:{id}`, `department:{id}`, `group:{id}`, `service:{id}` (your own), \
     `request:{id}` or `attendance`.";

/// One name and the group of the hub that it stands for.
#[derive(Debug, PartialEq, Eq)]
struct Named {
    /// As the caller wrote it.
    name: String,
    /// The hub's group.
    group: String,
    /// Where to look it up when nobody of it is connected: kind (of [`Names`]) and outer id.
    known_as: Option<(i32, String)>,
}

/// To whom, checked; no name is in it twice.
#[derive(Debug)]
pub(super) struct Audience {
    named: Vec<Named>,
    /// The hub's groups, in the same order.
    pub(super) groups: Vec<String>,
}

impl Audience {
    /// Exactly one of the two must be given.
    pub(super) fn check(
        group: Option<String>,
        users: Option<Vec<String>>,
        caller: &Principal,
    ) -> Result<Self, Problem> {
        let named = match (group, users) {
            (Some(group), None) => vec![of_group(group, caller)?],
            (None, Some(users)) => of_users(users)?,
            (Some(_), Some(_)) => {
                return Err(Problem::invalid(
                    "group",
                    "Give either `group` or `users`, not both.",
                ));
            }
            (None, None) => {
                return Err(Problem::invalid(
                    "users",
                    "Say to whom: `group` or `users`.",
                ));
            }
        };
        let groups = named.iter().map(|one| one.group.clone()).collect();
        Ok(Self { named, groups })
    }

    /// Which of the groups at these indices, in which nobody is, the tenant does not have at all.
    pub(super) async fn unknown(
        &self,
        api: &Api,
        tenant: Uuid,
        empty: &[usize],
    ) -> sqlx::Result<Vec<String>> {
        let mut unknown = Vec::new();
        let mut wanted = Names::default();
        for index in empty {
            let Some((kind, key)) = self.named.get(*index).and_then(|one| one.known_as.clone())
            else {
                continue;
            };
            wanted.index.push(i32::try_from(*index).unwrap_or(i32::MAX));
            wanted.tenants.push(tenant);
            wanted.kinds.push(kind);
            wanted.keys.push(key);
        }
        if wanted.keys.is_empty() {
            return Ok(unknown);
        }
        let mut conn = api.pool.acquire().await?;
        for found in names::look_up(&mut conn, &wanted, api.clock.now()).await? {
            let named = usize::try_from(found.index).ok();
            if found.id.is_none()
                && let Some(named) = named.and_then(|index| self.named.get(index))
            {
                unknown.push(named.name.clone());
            }
        }
        unknown.sort_unstable();
        Ok(unknown)
    }
}

fn of_users(mut users: Vec<String>) -> Result<Vec<Named>, Problem> {
    if users.is_empty() || users.len() > MOST_USERS {
        return Err(Problem::invalid(
            "users",
            format!("{} names; give 1 to {MOST_USERS}, or a group.", users.len()),
        ));
    }
    if let Some(index) = users.iter().position(|user| !is_id(user)) {
        return Err(Problem::invalid(
            format!("users[{index}]"),
            "An id has 1 to 128 bytes without NUL.",
        ));
    }
    users.sort_unstable();
    users.dedup();
    let named = |user: String| Named {
        group: format!("user:{user}"),
        known_as: Some((0, user.clone())),
        name: user,
    };
    Ok(users.into_iter().map(named).collect())
}

fn of_group(name: String, caller: &Principal) -> Result<Named, Problem> {
    let wrong = || Problem::invalid("group", GROUPS);
    // A screen's topic: its members have joined it, each by its own right.
    match Topic::parse(&name, Uuid::nil()) {
        Some(topic @ (Topic::Request(_) | Topic::Attendance)) => {
            return Ok(Named {
                group: topic.group(),
                name,
                known_as: None,
            });
        }
        // The others are the screens' own affair.
        Some(_) => return Err(wrong()),
        None => {}
    }
    let (kind, id) = name.split_once(':').ok_or_else(wrong)?;
    if !is_id(id) {
        return Err(wrong());
    }
    let (group, known_as) = match kind {
        "user" => (name.clone(), Some((0, id.to_owned()))),
        "department" | "dept" => (format!("dept:{id}"), Some((1, id.to_owned()))),
        "group" => (name.clone(), Some((2, id.to_owned()))),
        "service" if caller.service_key.as_deref() == Some(id) => (name.clone(), None),
        "service" => {
            return Err(Problem::invalid(
                "group",
                "Of services only your own can be named.",
            ));
        }
        _ => return Err(wrong()),
    };
    Ok(Named {
        name,
        group,
        known_as,
    })
}

fn is_id(id: &str) -> bool {
    (1..=ID_BYTES).contains(&id.len()) && !id.contains('\0')
}
