//! What a punch is on the wire, and its way to the one the workplace knows.

use app::model::attendance::Direction;
use axum::extract::{FromRequest, Request};
use jiff::Timestamp;
use jiff::civil::DateTime;
use serde::Deserialize;
use serde::de::IgnoredAny;
use utoipa::ToSchema;

use crate::api::body;
use crate::api::problem::Problem;
use crate::workplace::attendance::{NewPunch, Source, When, Who};

/// Punches in one call.
const MOST_ITEMS: usize = 1_000;
/// A thousand punches are larger than what other calls may carry.
const LIMIT: usize = 1024 * 1024;

/// Who was where when. Give `user` or `pin`, and `at` or `local`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Punch {
    /// Your id of the user.
    #[serde(default)]
    #[schema(example = "u-1042")]
    pub user: Option<String>,
    /// What the person typed; it means somebody only together with the device.
    #[serde(default)]
    pub pin: Option<String>,
    /// Where it was made.
    #[schema(example = "Gate-1 face")]
    pub device: String,
    /// When, as an instant (RFC 3339).
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-11-21T09:02:00Z")]
    pub at: Option<Timestamp>,
    /// When, as the digits on the device's clock, without an offset: `2026-11-21T09:02:00`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub local: Option<DateTime>,
    /// IANA zone of the device's clock, only with `local`; without it that of the person's site.
    #[serde(default)]
    pub zone: Option<String>,
    /// `in`, `out`, `break_out`, `break_in`: the key that was pressed, if the device has keys.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub direction: Option<Direction>,
    /// The device's own id of it, unique on the device: sent again, it is the same punch.
    #[schema(example = "000001874")]
    pub source_id: String,
}

/// Many punches in one commit.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Punches {
    /// 1 to 1,000. One that is refused does not hold up the others.
    pub items: Vec<Punch>,
}

/// Body of `POST /api/v1/punches`: one, or many.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
pub(super) enum PunchBody {
    /// One.
    One(Box<Punch>),
    /// Many.
    Many(Punches),
}

impl<S: Send + Sync> FromRequest<S> for PunchBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        /// Looks which of the two it is, so that errors name places in that one.
        #[derive(Deserialize)]
        struct Peek {
            items: Option<IgnoredAny>,
        }
        let bytes = body::read(request, LIMIT).await?;
        if body::parse::<Peek>(&bytes)?.items.is_none() {
            return Ok(Self::One(Box::new(body::parse(&bytes)?)));
        }
        let many: Punches = body::parse(&bytes)?;
        match many.items.len() {
            0 => Err(Problem::invalid("items", "Give at least one punch.")),
            count if count > MOST_ITEMS => Err(Problem::invalid(
                "items",
                format!("{count} punches; at most {MOST_ITEMS} in one call."),
            )),
            _ => Ok(Self::Many(many)),
        }
    }
}

impl Punch {
    /// Checks what needs no database.
    pub(super) fn check(self) -> Result<NewPunch, Problem> {
        let who = match (self.user, self.pin) {
            (Some(user), None) => Who::User(user),
            (None, Some(pin)) => Who::Pin(pin),
            (None, None) => return Err(Problem::invalid("user", "Give `user` or `pin`.")),
            (Some(_), Some(_)) => {
                return Err(Problem::invalid("pin", "Give `user` or `pin`, not both."));
            }
        };
        let at = match (self.at, self.local) {
            (Some(_), None) if self.zone.is_some() => {
                return Err(Problem::invalid(
                    "zone",
                    "`at` is an instant and needs no zone; leave it out.",
                ));
            }
            (Some(at), None) => When::Instant(at),
            (None, Some(digits)) => When::Local {
                digits,
                zone: self.zone,
            },
            (None, None) => return Err(Problem::invalid("at", "Give `at` or `local`.")),
            (Some(_), Some(_)) => {
                return Err(Problem::invalid("local", "Give `at` or `local`, not both."));
            }
        };
        Ok(NewPunch {
            ticket: None,
            who,
            device: self.device,
            at,
            direction: self.direction,
            source_id: self.source_id,
            source: Source::Api,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str) -> Result<NewPunch, String> {
        let punch: Punch = serde_json::from_str(json).unwrap();
        punch.check().map_err(|problem| problem.field.unwrap())
    }

    #[test]
    fn either_or_is_held_to() {
        let with = |more: &str| check(&format!(r#"{{"device":"g","source_id":"1",{more}}}"#));
        let at = r#""at":"2026-11-21T09:02:00+01:00""#;
        assert!(with(&format!(r#""user":"a",{at}"#)).is_ok());
        let local = with(r#""pin":"7","local":"2026-11-21T09:02:00","zone":"Europe/London""#);
        assert!(matches!(local.unwrap().at, When::Local { .. }));
        assert_eq!(with(at).unwrap_err(), "user");
        assert_eq!(
            with(&format!(r#""user":"a","pin":"7",{at}"#)).unwrap_err(),
            "pin"
        );
        assert_eq!(with(r#""user":"a""#).unwrap_err(), "at");
        assert_eq!(
            with(&format!(r#""user":"a",{at},"local":"2026-11-21T09:02""#)).unwrap_err(),
            "local"
        );
        assert_eq!(
            with(&format!(r#""user":"a",{at},"zone":"UTC""#)).unwrap_err(),
            "zone"
        );
    }
}
