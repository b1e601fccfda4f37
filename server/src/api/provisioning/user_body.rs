//! A user as the customer's system writes one.

use app::model::person::Role;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use super::check::{self, Item};
use crate::api::problem::Problem;
use crate::auth::password::{LONGEST, SHORTEST};

/// A user. What is left out stays as it is; a list replaces the list there was; `null` takes away.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UserBody {
    /// Required in bulk; else the id is the path's.
    #[serde(default)]
    #[schema(example = "u-1042")]
    pub(super) id: Option<String>,
    #[schema(example = "Ada Lovelace")]
    pub(super) name: String,
    /// Ids of departments.
    #[serde(default)]
    pub(super) departments: Option<Vec<String>>,
    /// Ids of groups.
    #[serde(default)]
    pub(super) groups: Option<Vec<String>>,
    /// Ids of services the user is a member of; a new user is one of the credential's service.
    #[serde(default)]
    pub(super) services: Option<Vec<String>>,
    /// `employee`, `manager`, `hr`, `admin`; a new user is an employee.
    #[serde(default)]
    pub(super) roles: Option<Vec<String>>,
    /// Id of another user, who may come later in the same request.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub(super) manager: Said,
    /// Id of another user, who is asked in this one's place where a class's ladder says so; without one it is the
    /// manager.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub(super) deputy: Said,
    /// Id of a site.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub(super) site: Said,
    /// Name for Bellhop's own sign-in page, unique in the installation; case does not matter.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub(super) login: Said,
    /// 12 characters or more; a new one ends the user's sessions.
    #[serde(default)]
    #[schema(value_type = Option<String>, write_only)]
    pub(super) password: Option<SecretString>,
    /// PINs on attendance devices.
    #[serde(default)]
    pub(super) pins: Option<Vec<Pin>>,
}

/// One value that may be left out, taken away by `null`, or said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Said {
    #[default]
    Nothing,
    TakenAway,
    This(String),
}

impl<'de> Deserialize<'de> for Said {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(reader)?.map_or(Self::TakenAway, Self::This))
    }
}

/// A PIN means this user on this device only.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Pin {
    #[schema(example = "gate-1")]
    pub(super) device: String,
    #[schema(example = "4711")]
    pub(super) pin: String,
}

impl Item for UserBody {
    fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }
}

impl UserBody {
    /// All that can be said without the database. Tidies `login` and `roles`.
    pub(super) fn check(&mut self, key: &str) -> Result<(), Problem> {
        check::name(&self.name, "name")?;
        for (list, field) in [
            (&self.departments, "departments"),
            (&self.groups, "groups"),
            (&self.services, "services"),
        ] {
            check::ids(list.as_deref().unwrap_or_default(), field)?;
        }
        for (one, field) in [
            (&self.manager, "manager"),
            (&self.deputy, "deputy"),
            (&self.site, "site"),
        ] {
            if let Said::This(text) = one {
                check::id(text, field)?;
            }
        }
        if matches!(&self.manager, Said::This(manager) if manager == key) {
            return Err(Problem::invalid("manager", "Nobody is their own manager."));
        }
        if matches!(&self.deputy, Said::This(deputy) if deputy == key) {
            return Err(Problem::invalid("deputy", "Nobody is their own deputy."));
        }
        if let Some(roles) = &mut self.roles {
            tidy_roles(roles)?;
        }
        if let Said::This(login) = &mut self.login {
            *login = login.trim().to_lowercase();
            check::id(login, "login")?;
        }
        if let Some(password) = &self.password {
            let password = password.expose_secret();
            if password.chars().count() < SHORTEST || password.len() > LONGEST {
                return Err(Problem::invalid(
                    "password",
                    format!(
                        "A password has {SHORTEST} characters or more, at most {LONGEST} bytes."
                    ),
                ));
            }
        }
        self.check_pins()
    }

    fn check_pins(&self) -> Result<(), Problem> {
        let pins = self.pins.as_deref().unwrap_or_default();
        if pins.len() > 256 {
            return Err(Problem::invalid("pins", "At most 256 at once."));
        }
        for (index, pin) in pins.iter().enumerate() {
            check::id(&pin.device, &format!("pins[{index}].device"))?;
            check::id(&pin.pin, &format!("pins[{index}].pin"))?;
        }
        Ok(())
    }
}

/// In a fixed order, each once, never none: then "the same" is a plain comparison.
fn tidy_roles(roles: &mut Vec<String>) -> Result<(), Problem> {
    let mut parsed = Vec::with_capacity(roles.len());
    for (index, word) in roles.iter().enumerate() {
        parsed.push(Role::parse(word).ok_or_else(|| {
            Problem::invalid(
                format!("roles[{index}]"),
                format!("\"{word}\" is no role; there are employee, manager, hr and admin."),
            )
        })?);
    }
    if parsed.is_empty() {
        parsed.push(Role::Employee);
    }
    parsed.sort_unstable();
    parsed.dedup();
    *roles = parsed
        .into_iter()
        .map(|role| role.as_str().to_owned())
        .collect();
    Ok(())
}
