//! What else arrived in the inboxes that week.

use app::model::inbox::Severity;

/// To whom.
#[derive(Clone, Copy, Debug)]
pub(super) enum To {
    /// Everybody, through the service's members.
    Everybody,
    /// A department, by key.
    Department(&'static str),
    /// A custom group, by key.
    Group(&'static str),
    /// Somebody, by key.
    One(&'static str),
}

/// A notification of the past.
pub(super) struct Item {
    /// Hours before now.
    pub hours: i64,
    /// `workplace` or `payroll`.
    pub service: &'static str,
    pub kind: &'static str,
    pub title: &'static str,
    pub body: &'static str,
    pub actor: &'static str,
    pub severity: Severity,
    pub to: To,
}

const fn item(
    hours: i64,
    kind: &'static str,
    title: &'static str,
    body: &'static str,
    actor: &'static str,
    to: To,
) -> Item {
    Item {
        hours,
        service: "workplace",
        kind,
        title,
        body,
        actor,
        severity: Severity::Info,
        to,
    }
}

/// Oldest first.
pub(super) const NEWS: &[Item] = &[
    Item {
        service: "payroll",
        ..item(
            122,
            "PayslipReady",
            "Your payslip for October is ready",
            "",
            "Payroll",
            To::Everybody,
        )
    },
    item(
        98,
        "Announcement",
        "Two new lines start in Kochi on Monday",
        "Thank you, everybody who moved a pump on a Sunday.",
        "Priya Raghunathan",
        To::Everybody,
    ),
    item(
        74,
        "ScheduleChanged",
        "Week 48: Production starts at 06:30 on Tuesday",
        "The water company works in the street from 04:00.",
        "Amara Yeboah",
        To::Department("production"),
    ),
    item(
        71,
        "DocumentShared",
        "Cold store procedure, revision 7",
        "Section 4 is new: what to do when a door stays open.",
        "Olena Kovalchuk",
        To::Department("cold-store"),
    ),
    item(
        50,
        "MeetingScheduled",
        "Fire drill in Leeds, Thursday 10:00",
        "Wardens meet at gate 2 ten minutes before.",
        "Zuzanna Wiśniewska",
        To::Group("fire-wardens"),
    ),
    item(
        29,
        "CommentAdded",
        "Zuzanna replied on the cleaning contract",
        "“The new price holds until 30 November.”",
        "Zuzanna Wiśniewska",
        To::One("amara"),
    ),
    item(
        27,
        "TimesheetReady",
        "Your timesheet of last week is ready",
        "Look it over by Wednesday; after that it goes to payroll.",
        "People",
        To::Department("production"),
    ),
    item(
        20,
        "ScheduleChanged",
        "Logistics: Saturday's early shift is full",
        "Siobhán and Søren cover it. Thank you.",
        "Søren Østergaard Kjær",
        To::Department("logistics"),
    ),
    Item {
        severity: Severity::Warning,
        ..item(
            6,
            "DeviceOffline",
            "Gate-2 card was silent for 40 minutes",
            "It delivered 61 punches when it came back; nothing is missing.",
            "Bellhop",
            To::Department("people"),
        )
    },
    item(
        3,
        "MissingPunch",
        "When did you leave on Thursday?",
        "Gate-1 has you in at 08:57 and not out. Send a correction, or tell People.",
        "People",
        To::One("kwabena"),
    ),
    item(
        2,
        "CertificateExpires",
        "Your fork-lift licence ends on 12 December",
        "The refresher on the 4th has two places left.",
        "People",
        To::One("siobhan"),
    ),
    Item {
        severity: Severity::Critical,
        ..item(
            1,
            "TemperatureAlarm",
            "Cold store 2 is at -14 °C and rising",
            "Door 3 was open for 11 minutes. Maintenance is on the way.",
            "Cold chain",
            To::Department("cold-store"),
        )
    },
];
