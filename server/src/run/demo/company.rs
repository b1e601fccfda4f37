//! Who works there, where, and for whom.

use std::collections::HashSet;

use app::model::person::Role;

use super::names::{Culture, KOCHI, LEEDS, ROTTERDAM, handle};
use crate::support::dice::Dice;

/// The customer's key of the tenant.
pub(super) const TENANT: &str = "merrow-vale";
/// Its name.
pub(super) const NAME: &str = "Merrow & Vale Foods";
/// How many people it has.
pub(super) const PEOPLE: usize = 240;

/// A site: key, name, zone, devices, share of the people in percent.
pub(super) struct Place {
    pub key: &'static str,
    pub name: &'static str,
    pub zone: &'static str,
    pub devices: &'static [&'static str],
    share: usize,
    names: &'static [Culture],
}

/// The three sites.
pub(super) const SITES: &[Place] = &[
    Place {
        key: "leeds",
        name: "Leeds",
        zone: "Europe/London",
        devices: &["Gate-1 face", "Gate-2 card", "Gate-3 card"],
        share: 42,
        names: LEEDS,
    },
    Place {
        key: "rotterdam",
        name: "Rotterdam",
        zone: "Europe/Amsterdam",
        devices: &["Dock-1 card", "Dock-2 face"],
        share: 33,
        names: ROTTERDAM,
    },
    Place {
        key: "kochi",
        name: "Kochi",
        zone: "Asia/Kolkata",
        devices: &["Main-1 palm", "Main-2 card"],
        share: 25,
        names: KOCHI,
    },
];

/// Departments: key, name, who leads it, share of the people who have no other place.
pub(super) const DEPARTMENTS: &[(&str, &str, &str, usize)] = &[
    ("production", "Production", "amara", 52),
    ("packing", "Packing", "gurpreet", 38),
    ("cold-store", "Cold store", "aleksander", 24),
    ("cold-chain", "Cold chain", "maximiliano", 14),
    ("logistics", "Logistics", "soren", 26),
    ("quality", "Quality", "olena", 14),
    ("maintenance", "Maintenance", "rhys", 14),
    ("facilities", "Facilities", "zuzanna", 8),
    ("finance", "Finance", "tom", 9),
    ("people", "People", "minhkhai", 6),
    ("it", "IT", "venkat", 7),
    ("management", "Management", "ingrid", 0),
];

/// Custom groups: key and name.
pub(super) const GROUPS: &[(&str, &str)] = &[
    ("fire-wardens", "Fire wardens"),
    ("first-aiders", "First aiders"),
    ("works-council", "Works council"),
];

type Part = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static [Role],
    &'static str,
);

/// People with a part in the story: key, name, department, site, manager (empty: the head of the
/// department), further roles, what the sign-in page says (empty: no login).
const CAST: &[Part] = &[
    (
        "ingrid",
        "Ingrid Bakke-Lindqvist",
        "management",
        "rotterdam",
        "-",
        &[Role::Manager],
        "",
    ),
    (
        "oluwaseun",
        "Oluwaseun Adébáyò-Williams",
        "management",
        "leeds",
        "ingrid",
        &[Role::Manager],
        "",
    ),
    (
        "priya",
        "Priya Raghunathan",
        "management",
        "kochi",
        "ingrid",
        &[Role::Manager],
        "",
    ),
    (
        "amara",
        "Amara Yeboah",
        "production",
        "leeds",
        "oluwaseun",
        &[Role::Manager],
        "Manager of Production",
    ),
    (
        "kwabena",
        "Kwabena Osei-Tutu",
        "production",
        "leeds",
        "",
        &[],
        "Employee, Production",
    ),
    (
        "thandiwe",
        "Thandiwe Nkosi-Mbatha",
        "production",
        "leeds",
        "",
        &[],
        "",
    ),
    (
        "gurpreet",
        "Gurpreet Kaur Dhillon",
        "packing",
        "leeds",
        "oluwaseun",
        &[Role::Manager],
        "",
    ),
    ("yuki", "Yūki Hasegawa", "packing", "leeds", "", &[], ""),
    (
        "aleksander",
        "Aleksander Brzęczyszczykiewicz",
        "cold-store",
        "leeds",
        "oluwaseun",
        &[Role::Manager],
        "",
    ),
    (
        "carlos",
        "Carlos Eduardo Gutiérrez Villanueva",
        "cold-store",
        "rotterdam",
        "",
        &[],
        "",
    ),
    (
        "maximiliano",
        "Maximiliano Fernández de Córdoba y Ruiz",
        "cold-chain",
        "rotterdam",
        "ingrid",
        &[Role::Manager],
        "",
    ),
    (
        "soren",
        "Søren Østergaard Kjær",
        "logistics",
        "rotterdam",
        "ingrid",
        &[Role::Manager],
        "",
    ),
    (
        "siobhan",
        "Siobhán Ní Dhomhnaill",
        "logistics",
        "leeds",
        "",
        &[],
        "Employee, Logistics",
    ),
    (
        "olena",
        "Olena Kovalchuk",
        "quality",
        "leeds",
        "oluwaseun",
        &[Role::Manager],
        "",
    ),
    (
        "rhys",
        "Rhys ap Llewellyn",
        "maintenance",
        "leeds",
        "oluwaseun",
        &[Role::Manager],
        "",
    ),
    (
        "zuzanna",
        "Zuzanna Wiśniewska",
        "facilities",
        "rotterdam",
        "ingrid",
        &[Role::Manager],
        "",
    ),
    (
        "tom",
        "Tom Hartley",
        "finance",
        "leeds",
        "ingrid",
        &[Role::Manager],
        "Finance manager",
    ),
    (
        "minhkhai",
        "Nguyễn Thị Minh Khai",
        "people",
        "leeds",
        "ingrid",
        &[Role::Manager, Role::Hr],
        "HR, all sites",
    ),
    (
        "fatima",
        "Fatima Zahra El Idrissi",
        "people",
        "rotterdam",
        "",
        &[Role::Hr],
        "",
    ),
    (
        "anjali",
        "Anjali Varghese",
        "people",
        "kochi",
        "",
        &[Role::Hr],
        "",
    ),
    (
        "venkat",
        "Venkatanarasimharaju Subrahmanyam Pillai",
        "it",
        "kochi",
        "priya",
        &[Role::Manager, Role::Admin],
        "Administrator",
    ),
    (
        "sjoerd",
        "Sjoerd Hoekstra",
        "it",
        "rotterdam",
        "",
        &[Role::Admin],
        "",
    ),
];

/// One of the 240.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub key: String,
    pub name: String,
    /// Index into [`DEPARTMENTS`].
    pub department: usize,
    /// Index into [`SITES`].
    pub site: usize,
    /// Key of the manager.
    pub manager: Option<String>,
    pub roles: Vec<Role>,
    /// What the sign-in page says; `None`: no login.
    pub login: Option<&'static str>,
}

impl Person {
    /// Number on the badge, typed at the gates.
    pub(super) fn pin(index: usize) -> String {
        (1001 + index).to_string()
    }
}

/// Everybody; the cast first, managers before their people.
pub(super) fn people(dice: &mut Dice) -> Vec<Person> {
    let mut people: Vec<Person> = CAST
        .iter()
        .map(|(key, name, department, site, manager, roles, login)| {
            let department = position(DEPARTMENTS.iter().map(|one| one.0), department);
            Person {
                key: (*key).to_owned(),
                name: (*name).to_owned(),
                department,
                site: position(SITES.iter().map(|one| one.key), site),
                manager: match *manager {
                    "-" => None,
                    "" => Some(DEPARTMENTS[department].2.to_owned()),
                    manager => Some(manager.to_owned()),
                },
                roles: [Role::Employee].iter().chain(*roles).copied().collect(),
                login: (!login.is_empty()).then_some(*login),
            }
        })
        .collect();

    let mut taken: HashSet<String> = people.iter().map(|person| person.key.clone()).collect();
    let mut names: HashSet<String> = people.iter().map(|person| person.name.clone()).collect();
    let departments: Vec<usize> = DEPARTMENTS
        .iter()
        .enumerate()
        .flat_map(|(index, one)| std::iter::repeat_n(index, one.3))
        .collect();
    let sites: Vec<usize> = SITES
        .iter()
        .enumerate()
        .flat_map(|(index, one)| std::iter::repeat_n(index, one.share))
        .collect();
    while people.len() < PEOPLE {
        let site = *dice.pick(&sites);
        let (givens, families) = dice.pick(SITES[site].names);
        let name = format!("{} {}", dice.pick(givens), dice.pick(families));
        let key = handle(&name);
        if !names.insert(name.clone()) || !taken.insert(key.clone()) {
            continue;
        }
        // In turn, so that every department has its share of all sites.
        let department = departments[(people.len() * 7) % departments.len()];
        people.push(Person {
            key,
            name,
            department,
            site,
            manager: Some(DEPARTMENTS[department].2.to_owned()),
            roles: vec![Role::Employee],
            login: None,
        });
    }
    people
}

fn position<'a>(mut of: impl Iterator<Item = &'a str>, key: &str) -> usize {
    of.position(|one| one == key).unwrap_or(0)
}
