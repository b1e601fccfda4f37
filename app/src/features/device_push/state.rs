//! What the control can say, in words.

/// Whether this browser is pushed to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DevicePush {
    /// Not looked yet: what the server renders, hidden. Without script it stays so.
    #[default]
    Unknown,
    /// It cannot be.
    Unsupported(Lack),
    /// The server has no key for browsers.
    NotConfigured,
    /// The person does not want it, or was not asked yet.
    Off,
    /// The person, or an administrator, has forbidden this site to notify.
    Blocked,
    /// Under way.
    Turning {
        /// To on.
        on: bool,
    },
    /// It is.
    On,
    /// It did not become on; why, and off it is.
    Failed(String),
}

/// What is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// The page did not come by https, or from this machine.
    SecureContext,
    /// iOS pushes only to apps on the home screen.
    HomeScreen,
    /// This browser does not know push.
    Push,
}

/// What the control shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// On, off, blocked; a sentence.
    pub state: &'static str,
    /// What that means, and what can be done.
    pub text: String,
    /// The button, if there is something to press.
    pub button: Option<&'static str>,
}

impl DevicePush {
    /// The words; `None` while nothing is known.
    #[must_use]
    pub fn words(&self) -> Option<Words> {
        let words = |state, text: &str, button| {
            Some(Words {
                state,
                text: text.to_owned(),
                button,
            })
        };
        match self {
            Self::Unknown => None,
            Self::Unsupported(Lack::SecureContext) => words(
                "Not possible.",
                "This page came without https. Browsers take notifications from secure sites only.",
                None,
            ),
            Self::Unsupported(Lack::HomeScreen) => words(
                "Not yet.",
                "On an iPhone or iPad, add this site to the home screen first: Share, then Add to Home Screen. \
                 Open it from there.",
                None,
            ),
            Self::Unsupported(Lack::Push) => words(
                "Not possible.",
                "This browser cannot receive notifications while the page is closed.",
                None,
            ),
            Self::NotConfigured => words(
                "Not set up.",
                "This server does not send notifications to browsers. Its operator can set it up.",
                None,
            ),
            Self::Off => words(
                "Off.",
                "Turn on to be notified here also while no page of Bellhop is open.",
                Some("Turn on"),
            ),
            Self::Blocked => words(
                "Blocked.",
                "This browser blocks notifications from here. To undo it, open the site settings beside the \
                 address, allow notifications, and load the page again.",
                None,
            ),
            Self::Turning { on: true } => {
                words("Turning on.", "If the browser asks, allow it.", None)
            }
            Self::Turning { on: false } => words("Turning off.", "", None),
            Self::On => words(
                "On.",
                "This browser is notified also while no page of Bellhop is open.",
                Some("Turn off"),
            ),
            Self::Failed(why) => words("Off.", why, Some("Try again")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_where_something_can_be_done_there_is_a_button() {
        let button = |state: DevicePush| state.words().and_then(|words| words.button);
        assert_eq!(DevicePush::default().words(), None);
        assert_eq!(button(DevicePush::Off), Some("Turn on"));
        assert_eq!(button(DevicePush::On), Some("Turn off"));
        assert_eq!(
            button(DevicePush::Failed("why".to_owned())),
            Some("Try again")
        );
        for state in [
            DevicePush::Blocked,
            DevicePush::NotConfigured,
            DevicePush::Turning { on: true },
            DevicePush::Unsupported(Lack::Push),
            DevicePush::Unsupported(Lack::HomeScreen),
            DevicePush::Unsupported(Lack::SecureContext),
        ] {
            assert_eq!(button(state.clone()), None, "{state:?}");
            assert!(state.words().is_some_and(|words| !words.text.is_empty()));
        }
    }
}
