//! Writes the company and plays its week.

use std::collections::HashMap;
use std::fmt;

use anyhow::Context;
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, Postgres, Transaction};
use uuid::Uuid;

use super::company::{DEPARTMENTS, GROUPS, NAME, Person, SITES, TENANT, people};
use super::play::play;
use super::week::punches;
use crate::auth::password::Passwords;
use crate::store::demo as store;
use crate::store::{Pool, ledger};
use crate::support::dice::Dice;
use crate::support::ids::Ids;
use crate::workplace::attendance::{self, Outcome};

/// Changing it changes everybody's name and day.
pub(super) const STORY: u64 = 0x4d65_7272_6f77;
/// Deliveries younger than this are still on their way.
const SETTLED: SignedDuration = SignedDuration::from_hours(4);

/// The demo as its first start left it. Holds passwords: whoever stores it, stores it 0600.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Seeded {
    /// The customer's key of the tenant.
    pub tenant: String,
    /// Inner id of the tenant.
    pub tenant_id: Uuid,
    /// The service of the screens and of the traffic: key `workplace`.
    pub workplace: Uuid,
    /// A second one, key `payroll`.
    pub payroll: Uuid,
    /// Who can sign in.
    pub logins: Vec<Login>,
}

/// Somebody who can sign in.
#[derive(Clone, Serialize, Deserialize)]
pub struct Login {
    /// Display name.
    pub name: String,
    /// What is typed into "name".
    pub login: String,
    /// Random, of this database only.
    pub password: String,
    /// The customer's id of the user.
    pub user: String,
    /// The customer's key of the tenant.
    pub tenant: String,
    /// `employee`, `manager`, `hr`, `admin`.
    pub roles: Vec<String>,
    /// `Manager of Production`.
    pub what: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("login", &self.login)
            .finish_non_exhaustive()
    }
}

/// A company that is being written.
pub(super) struct Company {
    pub tenant: Uuid,
    pub workplace: Uuid,
    pub payroll: Uuid,
    pub people: Vec<Person>,
    /// Inner ids, in the order of `people`.
    pub ids: Vec<Uuid>,
    pub departments: HashMap<&'static str, Uuid>,
    pub groups: HashMap<&'static str, Uuid>,
}

impl Company {
    /// Inner id of somebody by key.
    pub(super) fn id_of(&self, key: &str) -> Option<Uuid> {
        let index = self.people.iter().position(|person| person.key == key)?;
        self.ids.get(index).copied()
    }
}

/// Writes the company and its week; `None`, and nothing done, when it is there already.
///
/// The caller commits, after it has noted the logins: nobody can read them from the database. Then
/// [`analyze`](store::analyze) is due.
///
/// # Errors
/// When the database refuses; nothing is left then.
pub async fn seed(
    pool: &Pool,
    ids: &Ids,
    passwords: &Passwords,
    now: Timestamp,
) -> anyhow::Result<Option<(Transaction<'static, Postgres>, Seeded)>> {
    let mut conn = pool.acquire().await?;
    if store::exists(&mut conn, TENANT).await? {
        return Ok(None);
    }
    // Six days each: the week behind us, and the days ahead.
    for back in [7, 2] {
        let day = now - SignedDuration::from_hours(24 * back);
        ledger::ensure_partitions(&mut conn, day)
            .await
            .context("make the week's partitions")?;
    }
    drop(conn);

    let mut dice = Dice::new(STORY);
    let people = people(&mut dice);
    let (logins, hashes) = logins(&people, ids, passwords).await?;

    let mut tx = pool.begin().await?;
    let tenant = ids.uuid();
    let month_ago = now - SignedDuration::from_hours(24 * 30);
    if !store::insert_tenant(&mut tx, tenant, TENANT, NAME, month_ago).await? {
        return Ok(None);
    }
    let company = write(&mut tx, tenant, people, hashes, ids, month_ago).await?;
    clock_in(&mut tx, &company, ids, now, &mut dice)
        .await
        .context("record the week's punches")?;
    play(&mut tx, &company, now, &mut dice)
        .await
        .context("play the week's requests and news")?;
    store::settle_deliveries(&mut tx, tenant, now - SETTLED).await?;
    store::forget_withdrawals(&mut tx, tenant).await?;
    let seeded = Seeded {
        tenant: TENANT.to_owned(),
        tenant_id: tenant,
        workplace: company.workplace,
        payroll: company.payroll,
        logins,
    };
    Ok(Some((tx, seeded)))
}

/// Logins of those who have one, with fresh passwords and, by key, their hashes.
async fn logins(
    people: &[Person],
    ids: &Ids,
    passwords: &Passwords,
) -> anyhow::Result<(Vec<Login>, HashMap<String, (String, String)>)> {
    let mut logins = Vec::new();
    let mut hashing = Vec::new();
    for person in people {
        let Some(what) = person.login else { continue };
        let login = Login {
            name: person.name.clone(),
            login: format!("{}@merrow-vale.example", person.key),
            password: password(ids),
            user: person.key.clone(),
            tenant: TENANT.to_owned(),
            roles: person
                .roles
                .iter()
                .map(|role| role.as_str().to_owned())
                .collect(),
            what: what.to_owned(),
        };
        hashing.push(passwords.hash(SecretString::from(login.password.clone())));
        logins.push(login);
    }
    let hashes = futures_util::future::try_join_all(hashing).await?;
    let by_key = logins
        .iter()
        .zip(hashes)
        .map(|(login, hash)| (login.user.clone(), (login.login.clone(), hash)))
        .collect();
    Ok((logins, by_key))
}

/// Sixteen letters and digits that cannot be mistaken for each other: 80 bits.
fn password(ids: &Ids) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    ids.bytes::<16>()
        .iter()
        .map(|byte| char::from(LETTERS[usize::from(byte % 32)]))
        .collect()
}

async fn write(
    conn: &mut PgConnection,
    tenant: Uuid,
    people: Vec<Person>,
    mut hashes: HashMap<String, (String, String)>,
    ids: &Ids,
    at: Timestamp,
) -> sqlx::Result<Company> {
    let (workplace, payroll) = (ids.uuid(), ids.uuid());
    store::insert_service(&mut *conn, tenant, workplace, "workplace", "Workplace", at).await?;
    store::insert_service(&mut *conn, tenant, payroll, "payroll", "Payroll", at).await?;
    let sites = named(ids, SITES.iter().map(|site| (site.key, site.name)));
    let zones: Vec<String> = SITES.iter().map(|site| site.zone.to_owned()).collect();
    store::insert_sites(&mut *conn, tenant, &sites, &zones).await?;
    let departments = named(ids, DEPARTMENTS.iter().map(|one| (one.0, one.1)));
    store::insert_departments(&mut *conn, tenant, &departments).await?;
    let groups = named(ids, GROUPS.iter().copied());
    store::insert_groups(&mut *conn, tenant, &groups).await?;

    let company = Company {
        tenant,
        workplace,
        payroll,
        ids: people.iter().map(|_| ids.uuid()).collect(),
        people,
        departments: DEPARTMENTS
            .iter()
            .map(|one| one.0)
            .zip(departments.ids.clone())
            .collect(),
        groups: GROUPS
            .iter()
            .map(|one| one.0)
            .zip(groups.ids.clone())
            .collect(),
    };
    let mut rows = store::People::default();
    let (mut devices, mut pins, mut holders) = (Vec::new(), Vec::new(), Vec::new());
    for (index, (person, id)) in company.people.iter().zip(&company.ids).enumerate() {
        let (login, hash) = hashes.remove(&person.key).unzip();
        let roles: Vec<&str> = person.roles.iter().map(|role| role.as_str()).collect();
        rows.named.ids.push(*id);
        rows.named.keys.push(person.key.clone());
        rows.named.names.push(person.name.clone());
        rows.logins.push(login);
        rows.hashes.push(hash);
        rows.roles.push(roles.join(","));
        rows.managers
            .push(person.manager.as_deref().and_then(|key| company.id_of(key)));
        rows.sites.push(sites.ids[person.site]);
        rows.departments.push(departments.ids[person.department]);
        for device in SITES[person.site].devices {
            devices.push((*device).to_owned());
            pins.push(Person::pin(index));
            holders.push(*id);
        }
    }
    store::insert_people(&mut *conn, tenant, &rows, at).await?;
    store::insert_pins(&mut *conn, tenant, &devices, &pins, &holders).await?;
    for service in [workplace, payroll] {
        store::join_service(&mut *conn, tenant, service).await?;
    }
    for (number, (_, group)) in (9..).zip(GROUPS.iter().zip(&groups.ids)) {
        let members: Vec<Uuid> = company
            .ids
            .iter()
            .copied()
            .skip(1)
            .step_by(number)
            .collect();
        store::join_group(&mut *conn, tenant, *group, &members).await?;
    }
    Ok(company)
}

fn named<'a>(ids: &Ids, of: impl Iterator<Item = (&'a str, &'a str)>) -> store::Named {
    let mut named = store::Named::default();
    for (key, name) in of {
        named.ids.push(ids.uuid());
        named.keys.push(key.to_owned());
        named.names.push(name.to_owned());
    }
    named
}

async fn clock_in(
    conn: &mut PgConnection,
    company: &Company,
    ids: &Ids,
    now: Timestamp,
    dice: &mut Dice,
) -> anyhow::Result<()> {
    let batch = punches(&company.people, now, dice);
    let recorded = attendance::record(conn, company.tenant, batch, ids, now).await?;
    let refused = recorded.outcomes.iter().find_map(|outcome| match outcome {
        Outcome::Refused(refusal) => Some(refusal),
        _ => None,
    });
    // Nobody has the board open yet: nothing to announce.
    refused.map_or(Ok(()), |refusal| {
        Err(anyhow::anyhow!("a demo punch was refused: {refusal}"))
    })
}
