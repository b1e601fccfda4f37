//! What a batch has to know before it is written: inner ids of the names, sizes of audiences, their members. Changes nothing.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Batch, Going, MOST_IN_A_COMMIT};
use crate::delivery::committer::Refusal;
use crate::delivery::draft::Draft;
use crate::delivery::known::Known;
use crate::delivery::{Audience, Publication};
use crate::store::audience;
use crate::store::names::{self, Names};

/// The kind of name that stands for a thread ([`Names`]).
const THREAD: i32 = 3;

impl Batch {
    /// Finds those with too many recipients for one commit, and refuses those with more than their tenant
    /// allows. Scheduled ones are counted too, as of now.
    pub(super) async fn put_aside_large(&mut self, conn: &mut PgConnection) -> sqlx::Result<()> {
        let by_membership: Vec<usize> = (0..self.going.len())
            .filter(|index| !self.going[*index].publication.audience.is_named_only())
            .collect();
        let publications: Vec<Arc<Publication>> = by_membership
            .iter()
            .map(|index| self.going[*index].publication.clone())
            .collect();
        let sizes = if publications.is_empty() {
            Vec::new()
        } else {
            audience::sizes(conn, &publications, MOST_IN_A_COMMIT + 1).await?
        };
        let sizes: HashMap<usize, i64> = by_membership.into_iter().zip(sizes).collect();
        for (index, one) in self.going.iter_mut().enumerate() {
            let publication = &one.publication;
            let named = i64::try_from(publication.audience.users.len()).unwrap_or(i64::MAX);
            let size = sizes.get(&index).copied().unwrap_or(named);
            let waits = publication.deliver_at.is_some() || one.paged.is_some();
            if size <= MOST_IN_A_COMMIT && !waits {
                continue;
            }
            let (count, most) = audience::count(
                conn,
                publication.tenant,
                publication.service,
                &publication.audience,
            )
            .await?;
            if count > most {
                self.refused[one.draft] = Some(Refusal::TooMany { count, most });
            }
            one.paged = Some(usize::try_from(count).unwrap_or(0));
        }
        let refused = &self.refused;
        self.going.retain(|one| refused[one.draft].is_none());
        Ok(())
    }
}

/// Inner ids for the names of all drafts; refuses those that name what is not there.
pub(super) async fn look_up(
    conn: &mut PgConnection,
    drafts: &[&Draft],
    known: &Known,
    now: Timestamp,
) -> sqlx::Result<Batch> {
    let mut wanted = Names::default();
    for (index, draft) in (0_i32..).zip(drafts) {
        let thread: Vec<String> = draft.publication.thread_key.iter().cloned().collect();
        for (kind, within, keys) in [
            (0, draft.publication.tenant, &draft.users),
            (1, draft.publication.tenant, &draft.departments),
            (2, draft.publication.tenant, &draft.groups),
            (10, draft.publication.tenant, &draft.except.users),
            (11, draft.publication.tenant, &draft.except.departments),
            (12, draft.publication.tenant, &draft.except.groups),
            (THREAD, draft.publication.service, &thread),
        ] {
            for key in keys {
                wanted.index.push(index);
                wanted.tenants.push(within);
                wanted.kinds.push(kind);
                wanted.keys.push(key.clone());
            }
        }
    }
    let found = if wanted.keys.is_empty() {
        Vec::new()
    } else {
        names::look_up(conn, &wanted, now).await?
    };
    // One of a thread that is still being routed waits behind it.
    let mut behind = vec![false; drafts.len()];
    let mut audiences: Vec<Audience> = drafts.iter().map(|_| Audience::default()).collect();
    let mut unknown: Vec<Vec<(&'static str, String)>> = vec![Vec::new(); drafts.len()];
    for name in found {
        let Some(index) = usize::try_from(name.index)
            .ok()
            .filter(|index| *index < drafts.len())
        else {
            continue;
        };
        let audience = &mut audiences[index];
        let (list, field) = match name.kind {
            0 => (&mut audience.users, "user"),
            1 => (&mut audience.departments, "department"),
            2 => (&mut audience.groups, "group"),
            10 => (&mut audience.except.users, "user"),
            11 => (&mut audience.except.departments, "department"),
            12 => (&mut audience.except.groups, "group"),
            _ => {
                behind[index] |= name.id.is_some();
                continue;
            }
        };
        match name.id {
            Some(id) => {
                list.push(id);
                if name.kind == 0 {
                    known.learn(drafts[index].publication.tenant, name.key, id);
                }
            }
            None => unknown[index].push((field, name.key)),
        }
    }
    let mut refused: Vec<Option<Refusal>> = vec![None; drafts.len()];
    let mut going = Vec::with_capacity(drafts.len());
    for (index, (mut audience, mut unknown)) in audiences.into_iter().zip(unknown).enumerate() {
        let draft = drafts[index];
        unknown.sort_unstable();
        if !unknown.is_empty() && !draft.allow_unknown {
            refused[index] = Some(Refusal::Unknown(unknown));
            continue;
        }
        audience.service = draft.publication.audience.service;
        audience.roles.clone_from(&draft.publication.audience.roles);
        going.push(Going {
            draft: index,
            publication: Arc::new(Publication {
                audience,
                ..draft.publication.clone()
            }),
            unknown: unknown
                .iter()
                .map(|(field, name)| format!("{field} \"{name}\""))
                .collect(),
            members: Vec::new(),
            paged: behind[index].then_some(0),
        });
    }
    Ok(Batch {
        refused,
        going,
        unseen: false,
    })
}

/// The members of each audience that is routed in this commit. Users by name and nothing else need no
/// statement: [`look_up`] has just read them, active ones only.
pub(super) async fn expand(conn: &mut PgConnection, going: &mut [Going]) -> sqlx::Result<()> {
    let mut direct: Vec<&mut Going> = going.iter_mut().filter(|one| one.paged.is_none()).collect();
    if direct
        .iter()
        .all(|one| one.publication.audience.is_named_only())
    {
        for one in direct {
            let users: BTreeSet<Uuid> = one.publication.audience.users.iter().copied().collect();
            one.members = users.into_iter().map(|user| (user, None)).collect();
        }
        return Ok(());
    }
    let batch: Vec<_> = direct.iter().map(|one| one.publication.clone()).collect();
    for member in audience::expand(conn, &batch).await? {
        direct[member.index].members.push((member.user, member.via));
    }
    Ok(())
}
