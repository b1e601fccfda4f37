//! What people ask for. The first eleven are written out; the others are drawn from the forms.

use super::company::Person;
use crate::support::dice::Dice;

/// A request, and how far it got.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    /// Index of the person.
    pub requester: usize,
    pub kind: &'static str,
    pub subject: String,
    pub amount: String,
    pub fields: Vec<(String, String)>,
    /// Beyond the manager, somebody with a budget has to agree.
    pub budget: bool,
    /// Minutes before now.
    pub sent: i64,
    /// Minutes from now until it is due; negative: overdue.
    pub due: Option<i64>,
    pub fate: Fate,
}

/// How far it got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nobody looked yet.
    Fresh,
    /// The manager said yes; the budget is open.
    Halfway,
    Approved,
    Rejected,
}

type Written = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    i64,
    i64,
    &'static [(&'static str, &'static str)],
);

/// Requester, kind, subject, amount, hours since it was sent, minutes until due, form.
const WRITTEN: &[Written] = &[
    (
        "maximiliano",
        "purchase",
        "Cold-chain sensors for Rotterdam dock",
        "€4,800.00",
        5,
        180,
        &[
            ("Item", "Loggerline T4 sensor, LTE-M"),
            ("Quantity", "12, at €400.00 each"),
            ("Supplier", "Fjord Cold Chain AS, Ålesund"),
            ("Cost centre", "4410 Cold chain, €11,350.00 left"),
            (
                "Reason",
                "Dock 3 lost two readings last week; the insurer asks for one per door.",
            ),
        ],
    ),
    (
        "siobhan",
        "purchase",
        "Pallet racking for Leeds bay 4",
        "£18,420.00",
        26,
        -120,
        &[
            ("Item", "Racking, 6 bays, 3 levels"),
            ("Supplier", "Aire Valley Storage Ltd"),
            (
                "Reason",
                "Bay 4 takes the Christmas volume from 1 December.",
            ),
        ],
    ),
    (
        "kwabena",
        "leave",
        "Annual leave, 21 to 31 December",
        "7 days",
        7,
        42,
        &[
            ("From", "21 December"),
            ("To", "31 December"),
            ("Cover", "Thandiwe Nkosi-Mbatha"),
        ],
    ),
    (
        "oluwaseun",
        "travel",
        "Kochi audit week, two people",
        "£2,146.50",
        22,
        1_320,
        &[
            ("Destination", "Kochi"),
            ("Dates", "7 to 11 December"),
            ("Reason", "BRCGS audit of the new line"),
        ],
    ),
    (
        "zuzanna",
        "contract",
        "Cleaning contract renewal, Havenbedrijf Schoon B.V.",
        "€31,200.00",
        30,
        2_400,
        &[
            ("Term", "12 months from 1 January"),
            ("Change", "+2.1 %, two more evenings a week"),
        ],
    ),
    (
        "venkat",
        "equipment",
        "Laptop replacement, three people",
        "£3,897.00",
        4,
        2_880,
        &[
            ("Item", "14-inch, 32 GB"),
            ("Quantity", "3"),
            ("Reason", "Batteries beyond repair"),
        ],
    ),
    (
        "yuki",
        "purchase",
        "Thermal label stock, first half of 2027",
        "£1,260.40",
        5,
        2_900,
        &[
            ("Item", "Labels 100 x 150, 180 rolls"),
            ("Supplier", "Pennine Labels"),
        ],
    ),
    (
        "fatima",
        "leave",
        "Parental leave, from 4 January",
        "16 weeks",
        47,
        3_600,
        &[("From", "4 January"), ("To", "25 April")],
    ),
    (
        "soren",
        "contract",
        "Fork-lift lease, extend by 12 months",
        "£9,600.00",
        45,
        5_000,
        &[("Vehicles", "4"), ("Lessor", "Nordlift A/S")],
    ),
    (
        "thandiwe",
        "correction",
        "Punch correction, 18 November, out at 18:05",
        "+1 h 05 m",
        1,
        240,
        &[
            ("Day", "18 November"),
            ("Missing", "Out at 18:05"),
            ("Reason", "Gate-1 did not read my face"),
        ],
    ),
    (
        "carlos",
        "equipment",
        "Insulated gloves, cold store night crew",
        "€412.00",
        9,
        1_500,
        &[("Quantity", "40 pairs"), ("Rated", "-30 °C")],
    ),
];

/// Kind, subject, least and most of the amount, unit, a label with its values.
pub(super) type Form = (
    &'static str,
    &'static str,
    i64,
    i64,
    &'static str,
    &'static str,
    &'static [&'static str],
);

/// What people fill in.
pub(super) const FORMS: &[Form] = &[
    (
        "leave",
        "Annual leave",
        1,
        10,
        "days",
        "Cover",
        &["the team lead", "a colleague, agreed", "not needed"],
    ),
    (
        "leave",
        "Leave for a family matter",
        1,
        3,
        "days",
        "Cover",
        &["the team lead", "a colleague, agreed"],
    ),
    (
        "correction",
        "Punch correction, forgot to punch out",
        1,
        2,
        "h",
        "Gate",
        &["was offline", "did not read the card", "I forgot"],
    ),
    (
        "travel",
        "Supplier visit",
        240,
        1_900,
        "€",
        "Destination",
        &["Ålesund", "Guadalajara", "Coimbatore", "Gdańsk", "Izmir"],
    ),
    (
        "travel",
        "Training course",
        180,
        950,
        "£",
        "Course",
        &[
            "HACCP level 4",
            "Fork-lift refresher",
            "First aid",
            "Ammonia safety",
        ],
    ),
    (
        "equipment",
        "Safety shoes",
        60,
        140,
        "£",
        "Size",
        &["38", "41", "43", "46"],
    ),
    (
        "equipment",
        "Handheld scanner",
        390,
        1_600,
        "€",
        "Why",
        &["the old one fell", "a new line", "spare for peak season"],
    ),
    (
        "purchase",
        "Spare parts for the filler",
        220,
        4_900,
        "€",
        "Part",
        &["dosing valve", "drive belt", "inverter", "seal kit"],
    ),
    (
        "purchase",
        "Cleaning agents, quarter",
        310,
        1_700,
        "£",
        "Supplier",
        &["Calder Chemicals", "Maas Hygiëne"],
    ),
    (
        "contract",
        "Waste collection, extend",
        2_400,
        9_800,
        "€",
        "Term",
        &["6 months", "12 months"],
    ),
    (
        "other",
        "Move to another shift",
        1,
        1,
        "shift",
        "From",
        &["next Monday", "the first of the month"],
    ),
];

/// Forty open requests and thirty that are over, oldest first.
pub(super) fn asks(people: &[Person], dice: &mut Dice) -> Vec<Ask> {
    let mut asks: Vec<Ask> = WRITTEN
        .iter()
        .map(|(requester, kind, subject, amount, hours, due, fields)| {
            let budget = !matches!(*kind, "leave" | "correction");
            Ask {
                requester: people
                    .iter()
                    .position(|one| one.key == *requester)
                    .unwrap_or(0),
                kind,
                subject: (*subject).to_owned(),
                amount: (*amount).to_owned(),
                fields: fields
                    .iter()
                    .map(|(label, value)| ((*label).to_owned(), (*value).to_owned()))
                    .collect(),
                budget,
                sent: hours * 60,
                due: Some(*due),
                fate: if budget { Fate::Halfway } else { Fate::Fresh },
            }
        })
        .collect();
    for number in 0..59 {
        let open = number < 29;
        let (kind, subject, least, most, unit, label, values) = *dice.pick(FORMS);
        // Not the cast's managers: who would ask themselves?
        let requester = usize::try_from(dice.between(24, 239)).unwrap_or(24);
        let many = dice.between(least, most);
        let amount = match unit {
            // Leeds pays in pounds, whatever the form says.
            "€" | "£" => {
                let unit = if people[requester].site == 0 {
                    "£"
                } else {
                    "€"
                };
                format!("{unit}{}.{:02}", thousands(many), dice.between(0, 19) * 5)
            }
            "days" if many == 1 => "1 day".to_owned(),
            unit => format!("{many} {unit}"),
        };
        let value = (*dice.pick(values)).to_owned();
        let budget = matches!(kind, "travel" | "equipment" | "purchase" | "contract");
        asks.push(Ask {
            requester,
            kind,
            subject: format!(
                "{subject}{}",
                if unit == "days" {
                    String::new()
                } else {
                    format!(", {value}")
                }
            ),
            amount,
            fields: vec![(label.to_owned(), value)],
            budget,
            sent: if open {
                dice.between(20, 3_200)
            } else {
                dice.between(2_000, 8_600)
            },
            due: dice.percent(70).then(|| dice.between(-180, 5_000)),
            fate: match (open, budget) {
                (true, true) if dice.percent(35) => Fate::Halfway,
                (true, _) => Fate::Fresh,
                (false, _) if dice.percent(22) => Fate::Rejected,
                (false, _) => Fate::Approved,
            },
        });
    }
    asks.sort_by_key(|ask| -ask.sent);
    asks
}

/// `1,260`.
pub(super) fn thousands(number: i64) -> String {
    if number < 1_000 {
        number.to_string()
    } else {
        format!("{},{:03}", number / 1_000, number % 1_000)
    }
}

/// What a manager says.
pub(super) fn comment(fate: Fate, dice: &mut Dice) -> String {
    let words: &[&str] = match fate {
        Fate::Rejected => &[
            "Not before the next quarter.",
            "We have two of these in the store; ask Maintenance.",
            "The dates clash with the audit. Another week is fine.",
            "Please get a second quotation first.",
        ],
        _ => &[
            "",
            "",
            "",
            "Fine.",
            "Within the plan for the quarter.",
            "Go ahead, and tell the team.",
        ],
    };
    (*dice.pick(words)).to_owned()
}
