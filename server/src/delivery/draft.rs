//! What a caller asks to publish, and the rules it must keep. HTTP, SQL and the shell share them.

use std::collections::BTreeSet;

use app::model::delivery;
use app::model::inbox::Severity;
use app::model::person::Role;
use jiff::{SignedDuration, Timestamp};
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use super::classes::{Classes, UnknownClass};
use super::publication::{Audience, Idempotency, Publication};
use crate::api::problem::Problem;

/// Longest life of a notification.
pub const LONGEST_LIFE: SignedDuration = SignedDuration::from_secs(delivery::LONGEST_LIFE as i64);
/// Longest time a scheduled one waits.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(27 * 24);
/// A time that lies so little in the past is now, by another clock.
const CLOCKS_APART: SignedDuration = SignedDuration::from_mins(1);
/// At most so many names in one audience; larger ones are departments, groups or the service.
pub const MOST_NAMES: usize = 10_000;

const TITLE_BYTES: usize = 512;
const BODY_BYTES: usize = 8 * 1024;
const KEY_BYTES: usize = 256;
/// Names the hub puts beside the data itself.
const RESERVED: [&str; 6] = ["notificationId", "seq", "kind", "title", "body", "replayed"];
/// Client methods of the hub that are no kinds.
const HUB_METHODS: [&str; 6] = [
    "Patch",
    "Greeting",
    "Backlog",
    "NotificationWithdrawn",
    "Typing",
    "ReadReceipt",
];

/// Body of `POST /api/v1/notifications`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PublishRequest {
    /// The client method that is invoked: a letter, then at most 63 letters, digits, underscores.
    #[schema(example = "DocumentApproved")]
    pub kind: String,
    /// To whom.
    pub audience: AudienceNames,
    /// One line of text, at most 512 bytes.
    #[schema(example = "Your purchase request was approved")]
    pub title: String,
    /// Text, at most 8 KiB.
    #[serde(default)]
    pub body: String,
    /// A JSON object, flattened into the method's argument as it came.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub data: Option<Box<RawValue>>,
    /// Items of one thread are shown as one, the latest first.
    #[serde(default)]
    pub thread_key: Option<String>,
    /// `info` (default), `warning`, `critical`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub severity: Option<Severity>,
    /// How hard it is tried: a class of the tenant; without it the kind's, or the default one.
    #[serde(default)]
    #[schema(example = "decision")]
    pub class: Option<String>,
    /// Seconds after which it stops being worth delivering; at most 28 days, by default the class's life.
    #[serde(default)]
    pub expires_in: Option<i64>,
    /// Not before this instant, at most 27 days ahead: it takes its place in each recipient's order then, and
    /// the audience is who is in it then.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-12-24T08:00:00Z")]
    pub deliver_at: Option<Timestamp>,
    /// The id of a notification of yours that this one takes the place of: it is taken back everywhere.
    #[serde(default)]
    pub supersedes: Option<Uuid>,
    /// It takes the place of those with the same key that its recipients have, and is taken back by the next.
    #[serde(default)]
    pub collapse_key: Option<String>,
    /// The same key and body again answers the first one's id and publishes nothing.
    #[serde(default)]
    pub idempotency_key: Option<String>,
    /// Accept although some names are unknown; they are reported in the answer.
    #[serde(default)]
    pub allow_unknown: bool,
}

/// Outer ids. At least one of them, or `service`.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AudienceNames {
    /// Users, one by one.
    #[serde(default)]
    #[schema(example = json!(["u-1042"]))]
    pub users: Vec<String>,
    /// Everybody in these departments.
    #[serde(default)]
    pub departments: Vec<String>,
    /// Everybody in these groups.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Everybody with one of these roles: `employee`, `manager`, `hr`, `admin`.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Everybody who is a member of the publishing service.
    #[serde(default)]
    pub service: bool,
    /// Nobody of these.
    #[serde(default)]
    pub except: ExceptNames,
}

/// Outer ids of whom an audience leaves out.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExceptNames {
    /// Users, one by one.
    #[serde(default)]
    pub users: Vec<String>,
    /// Everybody in these departments.
    #[serde(default)]
    pub departments: Vec<String>,
    /// Everybody in these groups.
    #[serde(default)]
    pub groups: Vec<String>,
}

/// A valid request whose names are still to be looked up.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Complete but for the audience's ids.
    pub publication: Publication,
    /// Sorted, unique.
    pub users: Vec<String>,
    /// Sorted, unique.
    pub departments: Vec<String>,
    /// Sorted, unique.
    pub groups: Vec<String>,
    /// Each sorted, unique.
    pub except: ExceptNames,
    /// Unknown names are passed over and reported instead of refused.
    pub allow_unknown: bool,
}

/// Whose publication it is, and what was passed in.
#[derive(Clone, Copy)]
pub struct Origin<'a> {
    /// The id it will have.
    pub id: Uuid,
    /// Inner id of the tenant.
    pub tenant: Uuid,
    /// Inner id of the publishing service.
    pub service: Uuid,
    /// Which credential published it.
    pub publisher: &'a str,
    /// The classes of all tenants.
    pub classes: &'a Classes,
    /// Now.
    pub now: Timestamp,
}

impl PublishRequest {
    /// Checks everything that can be checked without the database.
    ///
    /// # Errors
    /// A 422 problem that names the field and what to do.
    pub fn check(self, origin: Origin<'_>) -> Result<Draft, Problem> {
        if !is_kind(&self.kind) {
            return Err(Problem::invalid(
                "kind",
                "A kind is a letter followed by at most 63 letters, digits or underscores, and none of \
                 the hub's own names (Patch, Greeting, Backlog, NotificationWithdrawn, Typing, ReadReceipt).",
            ));
        }
        text("title", &self.title, TITLE_BYTES)?;
        if self.title.trim().is_empty() {
            return Err(Problem::invalid(
                "title",
                "Give a title: one line a person can read.",
            ));
        }
        text("body", &self.body, BODY_BYTES)?;
        if let Some(thread) = &self.thread_key {
            text("thread_key", thread, KEY_BYTES)?;
        }
        let idempotency = self.idempotency_key.as_deref().map(|key| {
            text("idempotency_key", key, KEY_BYTES)?;
            Ok::<_, Problem>(Idempotency {
                key_hash: sha256(&[key.as_bytes()]),
                body_hash: self.body_hash(),
            })
        });
        let idempotency = idempotency.transpose()?;
        let chosen = origin
            .classes
            .choose(origin.tenant, &self.kind, self.class.as_deref())
            .map_err(|UnknownClass| {
                Problem::invalid(
                    "class",
                    "There is no such class. Leave it out for the kind's own, or see the classes of your \
                     tenant at GET /api/v1/classes.",
                )
            })?;
        if let Some(key) = &self.collapse_key {
            text("collapse_key", key, KEY_BYTES)?;
        }
        // One that is scheduled lives from then on, unless its publisher counts from now.
        let wait = wait(self.deliver_at, origin.now)?;
        let life = self.expires_in.map_or_else(
            || (chosen.life() + wait).min(LONGEST_LIFE),
            SignedDuration::from_secs,
        );
        if life <= SignedDuration::ZERO || life > LONGEST_LIFE {
            return Err(Problem::invalid(
                "expires_in",
                "Give seconds from 1 to 2419200 (28 days), or leave it out for what the class says.",
            ));
        }
        if life <= wait {
            return Err(Problem::invalid(
                "deliver_at",
                "It would have expired by then: expires_in counts from now. Give a later expires_in or an \
                 earlier deliver_at.",
            ));
        }
        let data = self.data.as_deref().map_or("{}", RawValue::get).trim();
        check_data(data)?;
        let names = self.audience;
        let count = names.users.len() + names.departments.len() + names.groups.len();
        if count == 0 && names.roles.is_empty() && !names.service {
            return Err(Problem::invalid(
                "audience",
                "Name at least one user, department, group or role, or set service to true.",
            ));
        }
        let roles = sorted("audience.roles", names.roles)?;
        if let Some(role) = roles.iter().find(|role| Role::parse(role).is_none()) {
            return Err(Problem::invalid(
                "audience.roles",
                format!("There is no role \"{role}\": employee, manager, hr or admin."),
            ));
        }
        if count > MOST_NAMES {
            return Err(Problem::invalid(
                "audience",
                format!("{count} names; at most {MOST_NAMES}. Use a group for more."),
            ));
        }
        Ok(Draft {
            publication: Publication {
                id: origin.id,
                tenant: origin.tenant,
                service: origin.service,
                kind: self.kind,
                title: self.title,
                body: self.body,
                data: data.to_owned(),
                thread_key: self.thread_key,
                severity: self.severity.unwrap_or_default(),
                class: chosen.key,
                rule: chosen.rule,
                publisher: origin.publisher.into(),
                audience: Audience {
                    service: names.service,
                    roles,
                    ..Audience::default()
                },
                expires_at: origin.now + life,
                deliver_at: self.deliver_at.filter(|at| *at > origin.now),
                supersedes: self.supersedes,
                collapse_key: self.collapse_key,
                idempotency,
            },
            users: sorted("audience.users", names.users)?,
            departments: sorted("audience.departments", names.departments)?,
            groups: sorted("audience.groups", names.groups)?,
            except: ExceptNames {
                users: sorted("audience.except.users", names.except.users)?,
                departments: sorted("audience.except.departments", names.except.departments)?,
                groups: sorted("audience.except.groups", names.except.groups)?,
            },
            allow_unknown: self.allow_unknown,
        })
    }

    /// SHA-256 over all that is published, unambiguous by lengths before each part.
    fn body_hash(&self) -> [u8; 32] {
        let audience = serde_json::to_vec(&self.audience).unwrap_or_default();
        let severity = crate::store::ledger::severity_word(self.severity.unwrap_or_default());
        sha256(&[
            self.kind.as_bytes(),
            self.title.as_bytes(),
            self.body.as_bytes(),
            self.data.as_deref().map_or("", RawValue::get).as_bytes(),
            self.thread_key.as_deref().unwrap_or_default().as_bytes(),
            severity.as_bytes(),
            self.class.as_deref().unwrap_or_default().as_bytes(),
            &self.expires_in.unwrap_or_default().to_be_bytes(),
            self.deliver_at
                .map(|at| at.to_string())
                .unwrap_or_default()
                .as_bytes(),
            self.supersedes
                .map(|id| id.to_string())
                .unwrap_or_default()
                .as_bytes(),
            self.collapse_key.as_deref().unwrap_or_default().as_bytes(),
            &audience,
        ])
    }
}

/// How long it waits to be routed.
fn wait(deliver_at: Option<Timestamp>, now: Timestamp) -> Result<SignedDuration, Problem> {
    let Some(at) = deliver_at else {
        return Ok(SignedDuration::ZERO);
    };
    let wait = at.duration_since(now);
    if wait < -CLOCKS_APART {
        return Err(Problem::invalid(
            "deliver_at",
            "That is in the past. Leave it out to deliver at once.",
        ));
    }
    if wait > LONGEST_WAIT {
        return Err(Problem::invalid(
            "deliver_at",
            "At most 27 days ahead: publish later what is further away.",
        ));
    }
    Ok(wait.max(SignedDuration::ZERO))
}

pub(super) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

/// Is it a method name that clients can register, and not one of the hub's own?
#[must_use]
pub fn is_kind(kind: &str) -> bool {
    let mut bytes = kind.bytes();
    kind.len() <= 64
        && bytes
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !HUB_METHODS
            .iter()
            .any(|name| name.eq_ignore_ascii_case(kind))
}

fn text(field: &'static str, value: &str, most: usize) -> Result<(), Problem> {
    if value.contains('\0') {
        return Err(Problem::invalid(
            field,
            "NUL characters cannot be stored; remove them.",
        ));
    }
    if value.len() > most {
        return Err(Problem::invalid(
            field,
            format!("{} bytes; at most {most}.", value.len()),
        ));
    }
    Ok(())
}

fn sorted(field: &'static str, mut keys: Vec<String>) -> Result<Vec<String>, Problem> {
    for (index, key) in keys.iter().enumerate() {
        if key.is_empty() || key.len() > 128 || key.contains('\0') {
            return Err(Problem::invalid(
                format!("{field}[{index}]"),
                "An id has 1 to 128 bytes without NUL.",
            ));
        }
    }
    keys.sort_unstable();
    keys.dedup();
    Ok(keys)
}

fn check_data(data: &str) -> Result<(), Problem> {
    let Ok(names) = serde_json::from_str::<TopLevel>(data) else {
        return Err(Problem::invalid(
            "data",
            "Give a JSON object whose names differ from each other.",
        ));
    };
    if let Some(name) = RESERVED.iter().find(|name| names.all.contains(**name)) {
        return Err(Problem::invalid(
            format!("data.{name}"),
            "The hub puts this name beside your data itself; choose another.",
        ));
    }
    match names.link.as_deref() {
        Some(link) if !is_safe_link(link) => Err(Problem::invalid(
            "data.link",
            "A link is https://… or a path on this site that begins with one slash.",
        )),
        _ => Ok(()),
    }
}

/// Same-site path or https. `//host` and `/\host` leave the site in browsers.
#[must_use]
pub fn is_safe_link(link: &str) -> bool {
    let clean = !link.chars().any(|c| c.is_control() || c.is_whitespace());
    clean
        && (link.starts_with("https://")
            || (link.starts_with('/') && !link.starts_with("//") && !link.starts_with("/\\")))
}

/// The names at the top of a JSON object; refuses doubles, which parsers read differently.
struct TopLevel {
    all: BTreeSet<String>,
    link: Option<String>,
}

impl<'de> Deserialize<'de> for TopLevel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> Visitor<'de> for Names {
            type Value = TopLevel;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<TopLevel, A::Error> {
                let mut found = TopLevel {
                    all: BTreeSet::new(),
                    link: None,
                };
                while let Some(name) = map.next_key::<String>()? {
                    if name == "link" {
                        found.link = map.next_value::<Option<String>>()?;
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                    if !found.all.insert(name) {
                        return Err(serde::de::Error::custom("a name twice"));
                    }
                }
                Ok(found)
            }
        }
        deserializer.deserialize_map(Names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(json: &str) -> Result<Draft, Problem> {
        let now = Timestamp::from_second(1_795_000_000).unwrap();
        let classes = Classes::built_in();
        let origin = Origin {
            id: Uuid::nil(),
            tenant: Uuid::nil(),
            service: Uuid::nil(),
            publisher: "",
            classes: &classes,
            now,
        };
        serde_json::from_str::<PublishRequest>(json)
            .unwrap()
            .check(origin)
    }

    fn field(json: &str) -> String {
        request(json).unwrap_err().field.unwrap()
    }

    #[test]
    fn each_rule_names_its_field() {
        let ok = r#"{"kind":"NewTask","title":"t","audience":{"users":["b","a","b"]}}"#;
        let draft = request(ok).unwrap();
        assert_eq!(draft.users, ["a", "b"]);
        assert_eq!(draft.publication.data, "{}");
        for (json, expected) in [
            (
                r#"{"kind":"9x","title":"t","audience":{"service":true}}"#,
                "kind",
            ),
            (
                r#"{"kind":"patch","title":"t","audience":{"service":true}}"#,
                "kind",
            ),
            (
                r#"{"kind":"K","title":" ","audience":{"service":true}}"#,
                "title",
            ),
            (
                r#"{"kind":"K","title":"a\u0000b","audience":{"service":true}}"#,
                "title",
            ),
            (r#"{"kind":"K","title":"t","audience":{}}"#, "audience"),
            (
                r#"{"kind":"K","title":"t","audience":{"users":["a",""]}}"#,
                "audience.users[1]",
            ),
            (
                r#"{"kind":"K","title":"t","audience":{"service":true},"expires_in":0}"#,
                "expires_in",
            ),
            (
                r#"{"kind":"K","title":"t","audience":{"roles":["boss"]}}"#,
                "audience.roles",
            ),
            (
                r#"{"kind":"K","title":"t","audience":{"service":true},"deliver_at":"2020-01-01T00:00:00Z"}"#,
                "deliver_at",
            ),
            (
                r#"{"kind":"K","title":"t","audience":{"service":true},"deliver_at":"2027-01-01T00:00:00Z"}"#,
                "deliver_at",
            ),
            (
                r#"{"kind":"K","title":"t","audience":{"service":true},"deliver_at":"2026-11-19T00:00:00Z","expires_in":60}"#,
                "deliver_at",
            ),
            (
                r#"{"kind":"K","title":"t","audience":{"service":true},"class":"no such"}"#,
                "class",
            ),
            (
                r#"{"kind":"K","title":"t","audience":{"service":true},"data":[]}"#,
                "data",
            ),
            (
                r#"{"kind":"K","title":"t","audience":{"service":true},"data":{"a":1,"a":2}}"#,
                "data",
            ),
            (
                r#"{"kind":"K","title":"t","audience":{"service":true},"data":{"seq":1}}"#,
                "data.seq",
            ),
            (
                r#"{"kind":"K","title":"t","audience":{"service":true},"data":{"link":"//evil"}}"#,
                "data.link",
            ),
        ] {
            assert_eq!(field(json), expected, "{json}");
        }
    }

    #[test]
    fn links_stay_on_the_site_or_are_https() {
        for good in ["/approvals/1", "https://example.com/a"] {
            assert!(is_safe_link(good), "{good}");
        }
        for bad in [
            "javascript:alert(1)",
            "http://a",
            "//a",
            "/\\a",
            "https://a b",
            "a",
            "/\ta",
        ] {
            assert!(!is_safe_link(bad), "{bad}");
        }
    }

    #[test]
    fn the_hash_of_the_body_ignores_the_key_and_sees_everything_else() {
        let hash = |json: &str| {
            serde_json::from_str::<PublishRequest>(json)
                .unwrap()
                .body_hash()
        };
        let base = r#"{"kind":"K","title":"t","audience":{"service":true}}"#;
        let keyed = r#"{"kind":"K","title":"t","audience":{"service":true},"idempotency_key":"x"}"#;
        let other = r#"{"kind":"K","title":"t","audience":{"users":["a"]}}"#;
        assert_eq!(hash(base), hash(keyed));
        assert_ne!(hash(base), hash(other));
    }
}
