//! What goes out. The caller has applied the class's list of fields that may leave: all that stands
//! here may be read by the provider (FCM) or by the browser (Web Push), and nothing is added to it.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

/// One message to one device.
#[derive(Clone, Debug)]
pub struct Message {
    /// The notification's id: the card's tag, and what the device acks.
    pub id: Uuid,
    /// Delivery class, so that the app can choose a channel and a sound.
    pub class: String,
    /// The client method.
    pub kind: String,
    /// One line. Of a withdrawal: what replaces the card where a silent push is not tolerated.
    pub title: String,
    pub body: Option<String>,
    /// Where a tap leads, as the app understands it.
    pub link: Option<String>,
    /// A JSON object.
    pub data: Option<String>,
    /// The app's unread count after this, absolute.
    pub badge: Option<u32>,
    /// Wakes the device. Only for what is drawn: providers demote senders who wake for nothing.
    pub high: bool,
    /// Undelivered after this, the provider throws it away.
    pub deadline: Timestamp,
    pub purpose: Purpose,
}

/// Ask for attention, or take the card away again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Notify,
    Withdraw,
}

impl Purpose {
    /// As the device reads it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Notify => "notify",
            Self::Withdraw => "withdraw",
        }
    }
}

/// The longest that FCM keeps a message (28 days); the others keep longer.
const LONGEST: i64 = 28 * 24 * 3600;
/// A withdrawal is worth a try even when its notification is over.
const SHORTEST_WITHDRAWAL: i64 = 60;

impl Message {
    /// How long the provider may keep it, in whole seconds and at least one; `None`: the deadline has
    /// passed. Zero would mean "now or never" to some services and an error to others.
    pub(super) fn time_to_live(&self, now: Timestamp) -> Option<Duration> {
        let left = self.deadline.as_second().saturating_sub(now.as_second());
        let seconds = match self.purpose {
            Purpose::Notify if left < 1 => return None,
            Purpose::Notify => left,
            Purpose::Withdraw => left.max(SHORTEST_WITHDRAWAL),
        };
        u64::try_from(seconds.min(LONGEST))
            .ok()
            .map(Duration::from_secs)
    }
}
