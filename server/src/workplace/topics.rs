//! The topics of our screens, in their three spellings: what a screen says (`approvals`), the hub's
//! group and the row of the revision (`approvals:{user}`), which are the same string.
//!
//! A per-user topic is always the caller's own: a client has no way to spell somebody else's.

use app::protocol::topic;
use uuid::Uuid;

/// Something a screen shows and follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    /// One user's inbox: engagement and counts.
    Inbox(Uuid),
    /// One user's approvals lists.
    Approvals(Uuid),
    /// One request, for those who may see it.
    Request(Uuid),
    /// The board (role hr).
    Attendance,
    /// Open connections (role admin).
    AdminConnections,
    /// Groups (role admin).
    AdminGroups,
    /// Deliveries still owed (role admin).
    AdminQueued,
}

impl Topic {
    /// Name of the hub's group and of the revision's row, unique inside the tenant.
    #[must_use]
    pub fn group(&self) -> String {
        match self {
            Self::Inbox(user) => format!("{}:{user}", topic::INBOX),
            Self::Approvals(user) => format!("{}:{user}", topic::APPROVALS),
            other => other.wire(),
        }
    }

    /// As a client joins it and as a patch names it.
    #[must_use]
    pub fn wire(&self) -> String {
        match self {
            Self::Inbox(_) => topic::INBOX.to_owned(),
            Self::Approvals(_) => topic::APPROVALS.to_owned(),
            Self::Request(id) => topic::request(&id.to_string()),
            Self::Attendance => topic::ATTENDANCE.to_owned(),
            Self::AdminConnections => topic::ADMIN_CONNECTIONS.to_owned(),
            Self::AdminGroups => topic::ADMIN_GROUPS.to_owned(),
            Self::AdminQueued => topic::ADMIN_QUEUED.to_owned(),
        }
    }

    /// Reads what `user` wants to join; `None` for anything that is not a topic. Whether they may
    /// is another question.
    #[must_use]
    pub fn parse(wire: &str, user: Uuid) -> Option<Self> {
        match wire {
            topic::INBOX => Some(Self::Inbox(user)),
            topic::APPROVALS => Some(Self::Approvals(user)),
            topic::ATTENDANCE => Some(Self::Attendance),
            topic::ADMIN_CONNECTIONS => Some(Self::AdminConnections),
            topic::ADMIN_GROUPS => Some(Self::AdminGroups),
            topic::ADMIN_QUEUED => Some(Self::AdminQueued),
            other => {
                let id = Uuid::try_parse(other.strip_prefix("request:")?).ok()?;
                // One spelling only: a UUID may also be written in capitals or in braces.
                (topic::request(&id.to_string()) == other).then_some(Self::Request(id))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let (user, request) = (Uuid::from_u128(7), Uuid::from_u128(8));
        for topic in [
            Topic::Inbox(user),
            Topic::Approvals(user),
            Topic::Request(request),
            Topic::Attendance,
            Topic::AdminConnections,
            Topic::AdminGroups,
            Topic::AdminQueued,
        ] {
            assert_eq!(Topic::parse(&topic.wire(), user), Some(topic));
        }
    }

    #[test]
    fn nobody_can_spell_somebody_elses_topic() {
        let (me, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert_eq!(Topic::parse(&Topic::Inbox(other).group(), me), None);
        assert_eq!(Topic::parse(&Topic::Approvals(other).group(), me), None);
        assert_eq!(Topic::parse("request:", me), None);
        assert_eq!(
            Topic::parse("request:00000000000000000000000000000002", me),
            None
        );
        assert_ne!(Topic::Inbox(me).group(), Topic::Inbox(other).group());
    }
}
