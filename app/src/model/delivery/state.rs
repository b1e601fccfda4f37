//! The states of a delivery and every legal move between them. The server's SQL makes the same moves with
//! conditional updates; a property test walks both (`server/src/outbox/tests`).

use super::class::{AckBy, Sufficient};

/// Where a delivery stands. Bytes written to a socket, a rung that was climbed, a push that was taken:
/// these are attempts and no state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Owed; no device is known to have it.
    Queued,
    /// A device has it, and that is not enough yet, or will never be more: its client never acks.
    Reached,
    /// Those who must have acked have. Terminal.
    Acked,
    /// Its time was over first. Terminal.
    Expired,
    /// Its sender took it back, or something newer took its place. Terminal.
    Cancelled,
    /// Its ladder gave up, or there is nobody left to deliver it to. Terminal.
    Dead,
}

impl State {
    /// Every state, in the order of their numbers.
    pub const ALL: [Self; 6] = [
        Self::Queued,
        Self::Reached,
        Self::Acked,
        Self::Expired,
        Self::Cancelled,
        Self::Dead,
    ];

    /// As it is stored.
    #[must_use]
    pub const fn number(self) -> i16 {
        self as i16
    }

    /// Reads a stored number; one that no version wrote counts as dead.
    #[must_use]
    pub fn of(number: i16) -> Self {
        usize::try_from(number)
            .ok()
            .and_then(|index| Self::ALL.get(index).copied())
            .unwrap_or(Self::Dead)
    }

    /// Nothing changes it any more.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        !matches!(self, Self::Queued | Self::Reached)
    }

    /// The word on every outer surface.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Reached => "reached",
            Self::Acked => "acked",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Dead => "dead",
        }
    }
}

/// What settles a delivery: its class's rule, kept with it as one number, so that an ack needs no look at
/// the class and a changed class changes nothing that was promised before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rule {
    /// Whose ack it takes.
    pub ack_by: AckBy,
    /// Whether it takes one at all.
    pub sufficient: Sufficient,
    /// For clients only: a withdrawal is no item of an inbox.
    pub hidden: bool,
}

impl Rule {
    /// As it is stored.
    #[must_use]
    pub const fn number(self) -> i16 {
        let ack_by = match self.ack_by {
            AckBy::AnyDevice => 0,
            AckBy::EveryDevice => 1,
            AckBy::ActiveDevice => 2,
        };
        let reached = match self.sufficient {
            Sufficient::Acked => 0,
            Sufficient::Reached => 4,
        };
        ack_by + reached + if self.hidden { 8 } else { 0 }
    }

    /// Reads a stored number.
    #[must_use]
    pub const fn of(number: i16) -> Self {
        Self {
            ack_by: match number & 3 {
                1 => AckBy::EveryDevice,
                2 => AckBy::ActiveDevice,
                _ => AckBy::AnyDevice,
            },
            sufficient: if number & 4 == 0 {
                Sufficient::Acked
            } else {
                Sufficient::Reached
            },
            hidden: number & 8 != 0,
        }
    }
}

/// What happens to a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// The transport proved that a device which never acks has read it.
    Reached,
    /// A device says that it has it.
    Ack {
        /// Somebody is at the device.
        active: bool,
        /// With this one all devices that count have said so.
        every: bool,
    },
    /// Its time is over.
    Expire,
    /// Its sender takes it back.
    Cancel,
    /// Its ladder has an end, and this is it.
    GiveUp,
    /// Its user was removed: there is nobody left to deliver it to. What needs nothing more stays as it is.
    Remove,
}

impl State {
    /// Where it stands after the event. What cannot happen changes nothing: facts come late, doubled and
    /// in any order.
    #[must_use]
    pub const fn after(self, event: Event, rule: Rule) -> Self {
        if self.is_terminal() {
            return self;
        }
        match event {
            Event::Reached => Self::Reached,
            Event::Ack { active, every } => {
                let enough = match rule.ack_by {
                    AckBy::AnyDevice => true,
                    AckBy::EveryDevice => every,
                    AckBy::ActiveDevice => active,
                };
                if enough { Self::Acked } else { Self::Reached }
            }
            Event::Expire => Self::Expired,
            Event::Cancel => Self::Cancelled,
            Event::GiveUp => Self::Dead,
            Event::Remove => {
                if self.is_enough(rule) {
                    self
                } else {
                    Self::Dead
                }
            }
        }
    }

    /// Nothing more is done to bring it: it has ended, or a class to which reading is enough was read.
    #[must_use]
    pub const fn is_enough(self, rule: Rule) -> bool {
        self.is_terminal()
            || matches!(self, Self::Reached)
                && matches!(rule.sufficient, Sufficient::Reached)
                && matches!(rule.ack_by, AckBy::AnyDevice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> impl Iterator<Item = Rule> {
        (0..16).filter(|number| number & 3 != 3).map(Rule::of)
    }

    const EVENTS: [Event; 9] = [
        Event::Reached,
        Event::Ack {
            active: false,
            every: false,
        },
        Event::Ack {
            active: true,
            every: false,
        },
        Event::Ack {
            active: false,
            every: true,
        },
        Event::Ack {
            active: true,
            every: true,
        },
        Event::Expire,
        Event::Cancel,
        Event::GiveUp,
        Event::Remove,
    ];

    #[test]
    fn numbers_come_back() {
        for rule in rules() {
            assert_eq!(Rule::of(rule.number()), rule);
        }
        for state in State::ALL {
            assert_eq!(State::of(state.number()), state);
        }
        assert_eq!(State::of(77), State::Dead);
    }

    #[test]
    fn nothing_leaves_a_terminal_state_and_nothing_goes_back() {
        for rule in rules() {
            for state in State::ALL {
                for event in EVENTS {
                    let after = state.after(event, rule);
                    assert!(after >= state, "{state:?} {event:?} {after:?}");
                    assert!(!state.is_terminal() || after == state);
                    assert!(!state.is_enough(rule) || after.is_enough(rule));
                }
            }
        }
    }

    #[test]
    fn each_class_takes_the_ack_it_asks_for() {
        let ack = |active, every| Event::Ack { active, every };
        for (ack_by, event, expected) in [
            (AckBy::AnyDevice, ack(false, false), State::Acked),
            (AckBy::EveryDevice, ack(true, false), State::Reached),
            (AckBy::EveryDevice, ack(false, true), State::Acked),
            (AckBy::ActiveDevice, ack(false, true), State::Reached),
            (AckBy::ActiveDevice, ack(true, false), State::Acked),
        ] {
            let rule = Rule {
                ack_by,
                ..Rule::default()
            };
            assert_eq!(State::Queued.after(event, rule), expected, "{ack_by:?}");
        }
    }
}
