//! A class as a form has it: words in fields, a rung a line. The same reading in the browser, for the
//! preview while somebody types, and on the server, for the post of a plain form.

use serde::{Deserialize, Serialize};

use super::class::{AckBy, Class, Flaw, PushField, PushRules, Rung, Step, Sufficient};
use super::words::span;

/// The fields of the form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Draft {
    /// `any_device`, `every_device`, `active_device`.
    pub ack_by: String,
    /// `acked`, `reached`.
    pub sufficient: String,
    /// `14 days`, `1 h 30 min`.
    pub life: String,
    /// A rung a line: `5 s again`.
    pub ladder: String,
    /// What a lock screen shows.
    pub title: String,
    /// What may leave in a push, by comma: `title, link`.
    pub fields: String,
    /// `yes` wakes a sleeping phone.
    pub high: String,
    /// When somebody who is away is pushed to; empty: by the ladder alone.
    pub away: String,
    /// How many may come one by one; empty: all.
    pub backlog: String,
}

/// Labels of these fields.
pub const AWAY: &str = "Push sooner to who is away";
/// See [`AWAY`].
pub const BACKLOG: &str = "One by one up to";

const ACK_BY: [(AckBy, &str); 3] = [
    (AckBy::AnyDevice, "any_device"),
    (AckBy::EveryDevice, "every_device"),
    (AckBy::ActiveDevice, "active_device"),
];
const STEPS: [(Step, &str); 4] = [
    (Step::Again, "again"),
    (Step::Push, "push"),
    (Step::Deputy, "deputy"),
    (Step::GiveUp, "give up"),
];
const FIELDS: [(PushField, &str); 5] = [
    (PushField::Title, "title"),
    (PushField::Body, "body"),
    (PushField::Link, "link"),
    (PushField::Data, "data"),
    (PushField::Badge, "badge"),
];

fn word<T: Copy + PartialEq>(table: &[(T, &'static str)], of: T) -> &'static str {
    let found = table.iter().find(|(one, _)| *one == of);
    found.map_or("", |(_, word)| *word)
}

fn find<T: Copy>(table: &[(T, &'static str)], word: &str) -> Option<T> {
    let found = table.iter().find(|(_, one)| *one == word);
    found.map(|(value, _)| *value)
}

/// A step, as the form writes it.
#[must_use]
pub fn step_word(step: Step) -> &'static str {
    word(&STEPS, step)
}

/// `5 s again, 20 s again, 1 min push`.
#[must_use]
pub fn ladder_words(class: &Class) -> String {
    let rungs = class.ladder.iter();
    let words: Vec<String> = rungs
        .map(|rung| format!("{} {}", span(rung.after), step_word(rung.step)))
        .collect();
    words.join(", ")
}

impl From<&Class> for Draft {
    fn from(class: &Class) -> Self {
        let fields: Vec<&str> = class
            .push
            .fields
            .iter()
            .map(|field| word(&FIELDS, *field))
            .collect();
        let exact = |seconds: u32| {
            // Two parts of a span may leave seconds out; a form must bring back what it was given.
            if read_span(&span(seconds)) == Some(seconds) {
                span(seconds)
            } else {
                format!("{seconds} s")
            }
        };
        let lines: Vec<String> = class
            .ladder
            .iter()
            .map(|rung| format!("{} {}", exact(rung.after), step_word(rung.step)))
            .collect();
        Self {
            ack_by: word(&ACK_BY, class.ack_by).to_owned(),
            sufficient: match class.sufficient {
                Sufficient::Acked => "acked",
                Sufficient::Reached => "reached",
            }
            .to_owned(),
            life: exact(class.life),
            ladder: lines.join("\n"),
            title: class.push.title.clone(),
            fields: fields.join(", "),
            high: if class.push.high { "yes" } else { "" }.to_owned(),
            away: class.push.away.map_or_else(String::new, exact),
            backlog: class
                .backlog
                .map_or_else(String::new, |most| most.to_string()),
        }
    }
}

impl Draft {
    /// The class it says.
    ///
    /// # Errors
    /// The first [`Flaw`], its field by its label in the form.
    pub fn read(&self) -> Result<Class, Flaw> {
        let flaw = |field: &str, cure: String| Flaw {
            field: field.to_owned(),
            cure,
        };
        let life = read_span(&self.life).ok_or_else(|| {
            flaw(
                "Life",
                "Write how long, such as 30 min or 14 days.".to_owned(),
            )
        })?;
        let mut ladder = Vec::new();
        for (number, line) in (1..).zip(self.ladder.lines()) {
            let words = line.trim().to_lowercase();
            if words.is_empty() {
                continue;
            }
            let rung = read_rung(&words).ok_or_else(|| {
                flaw(
                    &format!("Ladder, line {number}"),
                    "Write when and what, such as 5 s again: again, push, deputy or give up."
                        .to_owned(),
                )
            })?;
            ladder.push(rung);
        }
        let mut fields = Vec::new();
        for name in self.fields.split(',').map(str::trim) {
            if name.is_empty() {
                continue;
            }
            let leaves = find(&FIELDS, name).ok_or_else(|| {
                flaw(
                    "May leave in a push",
                    format!("“{name}” cannot: title, body, link, data or badge can."),
                )
            })?;
            fields.push(leaves);
        }
        let away = match self.away.trim() {
            "" => None,
            text => Some(read_span(text).ok_or_else(|| {
                let cure = "Write how long, such as 5 s, or nothing: then the ladder alone says.";
                flaw(AWAY, cure.to_owned())
            })?),
        };
        let backlog = match self.backlog.trim() {
            "" => None,
            text => Some(text.parse().map_err(|_| {
                let cure = "Write a number, such as 50, or nothing: then each comes.";
                flaw(BACKLOG, cure.to_owned())
            })?),
        };
        let class = Class {
            ack_by: find(&ACK_BY, &self.ack_by).unwrap_or_default(),
            sufficient: if self.sufficient == "reached" {
                Sufficient::Reached
            } else {
                Sufficient::Acked
            },
            life,
            ladder,
            push: PushRules {
                title: self.title.trim().to_owned(),
                fields,
                high: !self.high.is_empty(),
                away,
            },
            backlog,
        };
        class.check().map_err(|found| Flaw {
            field: label(&found.field),
            cure: found.cure,
        })?;
        Ok(class)
    }
}

/// A field of a class by its label in the form.
fn label(field: &str) -> String {
    match field {
        "life" => "Life".to_owned(),
        "backlog" => BACKLOG.to_owned(),
        "push.away" => AWAY.to_owned(),
        "push.title" => "Lock screen".to_owned(),
        other => match other
            .strip_prefix("ladder[")
            .and_then(|rest| rest.split(']').next())
            .and_then(|index| index.parse::<usize>().ok())
        {
            Some(index) => format!("Ladder, rung {}", index + 1),
            None => "Ladder".to_owned(),
        },
    }
}

fn read_rung(line: &str) -> Option<Rung> {
    let (when, step) = STEPS
        .iter()
        .find_map(|(step, word)| Some((line.strip_suffix(word)?, *step)))
        .or_else(|| Some((line.strip_suffix("give_up")?, Step::GiveUp)))?;
    Some(Rung {
        after: read_span(when)?,
        step,
    })
}

/// `90`, `90 s`, `1 min 30 s`, `1h`, `14 days` in seconds.
#[must_use]
pub fn read_span(text: &str) -> Option<u32> {
    let mut seconds = 0_u32;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let count: u32 = rest.get(..digits)?.parse().ok()?;
        rest = rest.get(digits..)?.trim_start();
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let unit = match rest.get(..letters)? {
            "" | "s" | "sec" | "second" | "seconds" => 1,
            "m" | "min" | "minute" | "minutes" => 60,
            "h" | "hour" | "hours" => 3_600,
            "d" | "day" | "days" => 86_400,
            _ => return None,
        };
        rest = rest.get(letters..)?.trim_start();
        seconds = seconds.checked_add(count.checked_mul(unit)?)?;
    }
    Some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_brings_back_what_it_was_given() {
        for (key, class) in Class::built_in() {
            assert_eq!(Draft::from(&class).read().as_ref(), Ok(&class), "{key}");
        }
        let odd: Class = serde_json::from_str(
            r#"{"life":90061,"ack_by":"every_device","ladder":[{"after":3661,"do":"give_up"}],
                "push":{"title":"t","fields":["title","data"],"high":true,"away":90},"backlog":50}"#,
        )
        .unwrap();
        assert_eq!(Draft::from(&odd).read(), Ok(odd));
    }

    #[test]
    fn spans_are_read_as_people_write_them() {
        for (text, seconds) in [
            ("90", Some(90)),
            (" 1 min 30 s ", Some(90)),
            ("1m30s", Some(90)),
            ("14 days", Some(1_209_600)),
            ("", None),
            ("soon", None),
            ("5 parsecs", None),
            ("99999999999 s", None),
            ("5 s again", None),
        ] {
            assert_eq!(read_span(text), seconds, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_by_its_label() {
        let good = Draft::from(&Class::built_in()[0].1);
        let field = |change: fn(&mut Draft)| {
            let mut draft = good.clone();
            change(&mut draft);
            draft.read().unwrap_err().field
        };
        assert_eq!(field(|it| it.life = "long".to_owned()), "Life");
        assert_eq!(field(|it| it.life = "60 days".to_owned()), "Life");
        assert_eq!(
            field(|it| it.ladder = "5 s again\n6 s shout".to_owned()),
            "Ladder, line 2"
        );
        assert_eq!(
            field(|it| it.ladder = "5 s again\n5 s push".to_owned()),
            "Ladder, rung 2"
        );
        assert_eq!(field(|it| it.title = " ".to_owned()), "Lock screen");
        assert_eq!(field(|it| it.backlog = "some".to_owned()), BACKLOG);
        assert_eq!(field(|it| it.backlog = "0".to_owned()), BACKLOG);
        assert_eq!(field(|it| it.away = "soon".to_owned()), AWAY);
        assert_eq!(field(|it| it.away = "28 days".to_owned()), AWAY);
        assert_eq!(
            field(|it| it.fields = "title, salary".to_owned()),
            "May leave in a push"
        );
    }
}
