//! What a verified token says, read by the names its key is configured with.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::auth::fault::Fault;
use crate::auth::principal::Scopes;

/// The names of the claims, a setting of each key.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClaimNames {
    pub user: String,
    pub tenant: String,
    pub service: String,
    pub departments: String,
    pub roles: String,
    pub device: String,
    pub scope: String,
    pub name: String,
}

impl Default for ClaimNames {
    fn default() -> Self {
        Self {
            user: "sub".to_owned(),
            tenant: "tid".to_owned(),
            service: "sid".to_owned(),
            departments: "departments".to_owned(),
            roles: "roles".to_owned(),
            device: "did".to_owned(),
            scope: "scope".to_owned(),
            name: "name".to_owned(),
        }
    }
}

/// The words of a token. Whether they count is decided by its key, in `resolve`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    pub user: Option<String>,
    pub tenant: Option<String>,
    pub service: Option<String>,
    /// `None`: the token says nothing about them; an empty list says "none".
    pub departments: Option<Vec<String>>,
    pub roles: Option<Vec<String>>,
    pub device: Option<String>,
    pub scopes: Scopes,
    pub name: Option<String>,
    pub expires_at: Timestamp,
}

impl Claims {
    pub(crate) fn read(payload: &Map<String, Value>, names: &ClaimNames) -> Result<Self, Fault> {
        let exp = seconds(payload, "exp")?.unwrap_or_default();
        let scopes = words(payload, &names.scope)?.unwrap_or_default();
        Ok(Self {
            user: id(payload, &names.user, 128)?,
            tenant: id(payload, &names.tenant, 128)?,
            service: id(payload, &names.service, 128)?,
            departments: words(payload, &names.departments)?,
            roles: words(payload, &names.roles)?,
            device: id(payload, &names.device, 64)?,
            scopes: Scopes::parse(scopes.iter().flat_map(|word| word.split_ascii_whitespace())),
            name: match payload.get(&names.name) {
                Some(Value::String(name)) => shown(name),
                _ => None,
            },
            expires_at: Timestamp::from_second(exp)
                .map_err(|_| Fault::MalformedToken("its `exp` is out of range"))?,
        })
    }
}

/// A time claim in whole seconds; fractions are cut.
pub(crate) fn seconds(payload: &Map<String, Value>, name: &str) -> Result<Option<i64>, Fault> {
    match payload.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => number
            .as_i64()
            .or_else(|| number.to_string().split('.').next()?.parse().ok())
            .map(Some)
            .ok_or(Fault::MalformedToken("a time in it is out of range")),
        Some(_) => Err(Fault::MalformedToken("a time in it is not a number")),
    }
}

/// An outer id: text, or a whole number as some issuers write it.
fn id(payload: &Map<String, Value>, name: &str, longest: usize) -> Result<Option<String>, Fault> {
    let text = match payload.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) if number.is_i64() || number.is_u64() => number.to_string(),
        Some(_) => return Err(Fault::MalformedToken("an id in it is not text")),
    };
    if text.is_empty() || text.len() > longest || text.contains('\0') {
        return Err(Fault::MalformedToken(
            "an id in it is empty, too long or holds a NUL",
        ));
    }
    Ok(Some(text))
}

/// A list of texts, or one text.
fn words(payload: &Map<String, Value>, name: &str) -> Result<Option<Vec<String>>, Fault> {
    let fits = |text: &str| !text.is_empty() && text.len() <= 1024 && !text.contains('\0');
    match payload.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if fits(text) => Ok(Some(vec![text.clone()])),
        Some(Value::Array(items)) if items.len() <= 256 => items
            .iter()
            .map(|item| item.as_str().filter(|text| fits(text)).map(str::to_owned))
            .collect::<Option<Vec<_>>>()
            .map(Some)
            .ok_or(Fault::MalformedToken(
                "a list in it holds something other than text",
            )),
        Some(_) => Err(Fault::MalformedToken(
            "a claim is neither text nor a list of texts",
        )),
    }
}

/// A display name is never a reason to refuse somebody: cleaned instead.
fn shown(name: &str) -> Option<String> {
    let clean = name
        .chars()
        .filter(|letter| !letter.is_control())
        .take(200)
        .collect::<String>();
    let clean = clean.trim();
    (!clean.is_empty()).then(|| clean.to_owned())
}
