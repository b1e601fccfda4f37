//! A class: how hard a notification is tried, by name. A publisher names it, or its kind has it, or the
//! tenant's default serves.

use serde::{Deserialize, Serialize};

/// Longest life of a notification, in seconds: retention (30 days) less two, so that no partition goes
/// while something in it is still owed.
pub const LONGEST_LIFE: u32 = 28 * 86_400;
/// The highest bound of what comes one by one.
const MOST_BACKLOG: u32 = 10_000;
/// Rungs of one ladder.
const MOST_RUNGS: usize = 16;

/// Whose ack settles a delivery.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AckBy {
    /// The first device that acks, for all of the user's.
    #[default]
    AnyDevice,
    /// Every device that was seen within 30 days when it was routed.
    EveryDevice,
    /// A device with somebody at it: a hub client in the foreground, or a tap.
    ActiveDevice,
}

/// Whether a device that never acks can settle it.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sufficient {
    /// Only an ack.
    #[default]
    Acked,
    /// Also the transport's proof that it was read, by clients that never ack.
    Reached,
}

/// What a rung does.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// To connections that do not have it, and the silent ones are asked whether they live.
    Again,
    /// To the registered phones and browsers.
    Push,
    /// To the user's deputy, or the manager.
    Deputy,
    /// It ends as a dead letter.
    GiveUp,
}

/// A rung of the ladder.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rung {
    /// Seconds after it was routed.
    pub after: u32,
    /// What then, if nobody has settled it.
    #[serde(rename = "do")]
    pub step: Step,
}

/// What of a notification may leave the premises in a push.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PushField {
    /// Its title, in place of the class's.
    Title,
    /// Its body.
    Body,
    /// `data.link`.
    Link,
    /// All its data.
    Data,
    /// How many notifications the person has not seen, for the app's icon.
    Badge,
}

/// How it is pushed. The default lets nothing leave but the id and the class's own words.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PushRules {
    /// What a lock screen shows when the title may not leave.
    pub title: String,
    /// What may leave.
    pub fields: Vec<PushField>,
    /// Wakes a sleeping phone at once; for what must be seen now.
    pub high: bool,
    /// Seconds after which somebody who has no connection at all is pushed to, where that is before the ladder's own rung,
    /// or where it has none; absent: by the ladder alone. Who is away is known three to four seconds after it was routed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub away: Option<u32>,
}

impl Default for PushRules {
    fn default() -> Self {
        Self {
            title: "You have a new notification".to_owned(),
            fields: Vec::new(),
            high: false,
            away: None,
        }
    }
}

/// How hard a notification is tried.
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// Whose ack settles it.
    #[serde(default)]
    pub ack_by: AckBy,
    /// Whether reading is enough where a client never acks.
    #[serde(default)]
    pub sufficient: Sufficient,
    /// Seconds it is worth delivering, unless its publisher says otherwise.
    pub life: u32,
    /// Ascending.
    #[serde(default)]
    pub ladder: Vec<Rung>,
    /// How it is pushed.
    #[serde(default)]
    pub push: PushRules,
    /// More than so many that a connection is owed when it begins are told it in sum, as one `Backlog`; absent: each comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backlog: Option<u32>,
}

/// What is wrong with a class, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// `ladder[2].after`.
    pub field: String,
    /// What to do about it.
    pub cure: String,
}

impl Class {
    /// The built-in classes, the default one first.
    #[must_use]
    pub fn built_in() -> Vec<(&'static str, Self)> {
        use Step::{Again, Deputy, GiveUp, Push};
        let class = |sufficient, life, ladder: &[(u32, Step)], title: &str, high| Self {
            ack_by: AckBy::AnyDevice,
            sufficient,
            life,
            ladder: ladder
                .iter()
                .map(|(after, step)| Rung {
                    after: *after,
                    step: *step,
                })
                .collect(),
            push: PushRules {
                title: title.to_owned(),
                fields: Vec::new(),
                high,
                // Soon, but not before a page that is being reloaded is back.
                away: ladder.iter().any(|(_, step)| *step == Push).then_some(5),
            },
            backlog: None,
        };
        let (acked, reached) = (Sufficient::Acked, Sufficient::Reached);
        vec![
            (
                "standard",
                class(
                    reached,
                    LONGEST_LIFE,
                    &[(5, Again), (20, Again), (60, Push)],
                    "You have a new notification",
                    false,
                ),
            ),
            (
                "decision",
                class(
                    acked,
                    14 * 86_400,
                    &[(5, Again), (20, Again), (30, Push), (600, Deputy)],
                    "Something waits for your decision",
                    true,
                ),
            ),
            (
                "urgent",
                // A phone that shows it in a pocket has not alarmed anybody yet.
                Self {
                    ack_by: AckBy::ActiveDevice,
                    ..class(
                        acked,
                        1_800,
                        &[
                            (5, Push),
                            (6, Again),
                            (20, Again),
                            (180, Deputy),
                            (900, GiveUp),
                        ],
                        "Urgent: please look now",
                        true,
                    )
                },
            ),
            (
                "info",
                class(
                    reached,
                    86_400,
                    &[(5, Again), (20, Again)],
                    "You have news",
                    false,
                ),
            ),
        ]
    }

    /// How withdrawals are tried: they wait on the desk for whoever comes back, and wake nobody.
    #[must_use]
    pub fn of_withdrawals() -> Self {
        let again = |after| Rung {
            after,
            step: Step::Again,
        };
        Self {
            ack_by: AckBy::EveryDevice,
            sufficient: Sufficient::Reached,
            life: LONGEST_LIFE,
            ladder: vec![again(5), again(20)],
            push: PushRules::default(),
            backlog: None,
        }
    }

    /// Checks what its types cannot say.
    ///
    /// # Errors
    /// The first [`Flaw`].
    pub fn check(&self) -> Result<(), Flaw> {
        let flaw = |field: String, cure: String| Err(Flaw { field, cure });
        if self.life == 0 || self.life > LONGEST_LIFE {
            return flaw(
                "life".to_owned(),
                format!("Give seconds from 1 to {LONGEST_LIFE} (28 days)."),
            );
        }
        if self.ladder.len() > MOST_RUNGS {
            return flaw(
                "ladder".to_owned(),
                format!("{} rungs; at most {MOST_RUNGS}.", self.ladder.len()),
            );
        }
        for (index, rung) in self.ladder.iter().enumerate() {
            if index > 0 && rung.after <= self.ladder[index - 1].after {
                return flaw(
                    format!("ladder[{index}].after"),
                    "Rungs ascend: give more seconds than the rung before it has.".to_owned(),
                );
            }
            // Rungs are spread by up to a tenth, so the latest must still come before the end.
            if rung.after.saturating_add(rung.after / 10) >= self.life {
                return flaw(
                    format!("ladder[{index}].after"),
                    format!("It would never come: the class's life is {} s.", self.life),
                );
            }
            if rung.step == Step::GiveUp && index + 1 < self.ladder.len() {
                return flaw(
                    format!("ladder[{index}].do"),
                    "Nothing comes after give_up: make it the last rung.".to_owned(),
                );
            }
        }
        let title = self.push.title.trim();
        if title.is_empty() || title.len() > 256 {
            return flaw(
                "push.title".to_owned(),
                "Give 1 to 256 bytes: what a lock screen shows when the title may not leave."
                    .to_owned(),
            );
        }
        if self
            .push
            .away
            .is_some_and(|away| away.saturating_add(away / 10) >= self.life)
        {
            return flaw(
                "push.away".to_owned(),
                format!("It would never come: the class's life is {} s.", self.life),
            );
        }
        if self
            .backlog
            .is_some_and(|most| !(1..=MOST_BACKLOG).contains(&most))
        {
            return flaw(
                "backlog".to_owned(),
                format!(
                    "Give 1 to {MOST_BACKLOG} items that may come one by one, or leave it out."
                ),
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_classes_keep_the_rules() {
        for (key, class) in Class::built_in() {
            assert_eq!(class.check(), Ok(()), "{key}");
            let text = serde_json::to_string(&class).unwrap();
            assert_eq!(
                serde_json::from_str::<Class>(&text).unwrap(),
                class,
                "{key}"
            );
        }
    }

    #[test]
    fn a_flaw_names_its_rung() {
        let flawed = |json: &str| {
            let class: Class = serde_json::from_str(json).unwrap();
            class.check().unwrap_err().field
        };
        for (json, field) in [
            (r#"{"life":0}"#, "life"),
            (r#"{"life":2419201}"#, "life"),
            (
                r#"{"life":60,"ladder":[{"after":5,"do":"again"},{"after":5,"do":"push"}]}"#,
                "ladder[1].after",
            ),
            (
                r#"{"life":60,"ladder":[{"after":60,"do":"push"}]}"#,
                "ladder[0].after",
            ),
            (
                r#"{"life":60,"ladder":[{"after":5,"do":"give_up"},{"after":6,"do":"push"}]}"#,
                "ladder[0].do",
            ),
            (
                r#"{"life":60,"ladder":[{"after":56,"do":"push"}]}"#,
                "ladder[0].after",
            ),
            (r#"{"life":60,"push":{"title":" "}}"#, "push.title"),
            (r#"{"life":60,"push":{"away":60}}"#, "push.away"),
            (r#"{"life":60,"backlog":0}"#, "backlog"),
            (r#"{"life":60,"backlog":10001}"#, "backlog"),
        ] {
            assert_eq!(flawed(json), field, "{json}");
        }
    }
}
