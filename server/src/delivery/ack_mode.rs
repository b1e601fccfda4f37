//! How the devices of a connection acknowledge.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Three ways; which one holds is said by the connection's URL (`?acks=`), else by its credential's service, and is
/// `transport` otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AckMode {
    /// Until its first ack what the transport proves to have been read counts as reached; then as `explicit`.
    #[default]
    Transport,
    /// It acknowledges by calls; what it only reads counts for nothing.
    Explicit,
    /// What its handlers return acknowledges.
    Result,
}

/// No way to acknowledge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("acks is `transport`, `explicit` or `result`.")]
pub struct UnknownMode;

impl AckMode {
    /// Reads its name, in any case, as the other parameters of a connection's URL.
    ///
    /// # Errors
    /// [`UnknownMode`]: it is none of the three.
    pub fn parse(word: &str) -> Result<Self, UnknownMode> {
        [Self::Transport, Self::Explicit, Self::Result]
            .into_iter()
            .find(|mode| mode.name().eq_ignore_ascii_case(word))
            .ok_or(UnknownMode)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Transport => "transport",
            Self::Explicit => "explicit",
            Self::Result => "result",
        }
    }

    /// As a device's row has it.
    #[must_use]
    pub fn number(self) -> i16 {
        match self {
            Self::Transport => 0,
            Self::Explicit => 1,
            Self::Result => 2,
        }
    }

    /// The reverse; what a later version wrote acknowledges for itself.
    #[must_use]
    pub fn of(number: i16) -> Self {
        match number {
            0 => Self::Transport,
            2 => Self::Result,
            _ => Self::Explicit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_name_and_a_number() {
        for mode in [AckMode::Transport, AckMode::Explicit, AckMode::Result] {
            assert_eq!(AckMode::of(mode.number()), mode);
            assert_eq!(AckMode::parse(&mode.name().to_uppercase()), Ok(mode));
        }
        for word in ["", "results", "none", "result "] {
            assert_eq!(AckMode::parse(word), Err(UnknownMode), "{word}");
        }
    }
}
