//! Takes punches down, in the caller's transaction: who it was, what the device said, what it
//! means, and what it makes of the day.

use std::collections::{BTreeMap, HashMap, HashSet};

use app::model::attendance::Direction;
use jiff::Timestamp;
use jiff::civil::Date;
use sqlx::PgConnection;
use thiserror::Error;
use uuid::Uuid;

use super::day::{self, Fact};
use super::when::{Settled, When};
use super::words::{direction_word, parse_direction, presence_word};
use crate::store::attendance as store;
use crate::support::ids::Ids;

/// How a device names a person.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// The customer's id of the user.
    User(String),
    /// A PIN, which means somebody only together with the device.
    Pin(String),
}

/// The way it came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// HTTP API.
    Api,
    /// `bellhop.punch`.
    Sql,
    /// Demo data, of a past in which the server had it at this instant.
    Demo {
        /// When.
        received_at: Timestamp,
    },
}

/// A punch as it comes in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPunch {
    /// The id the caller was promised already (SQL intake); `None`: a new one.
    pub ticket: Option<Uuid>,
    /// Who.
    pub who: Who,
    /// `Gate-1 face`.
    pub device: String,
    /// When.
    pub at: When,
    /// The key pressed, if the device has keys.
    pub direction: Option<Direction>,
    /// The device's own id of it: sent again, it is the same punch.
    pub source_id: String,
    /// The way it came in.
    pub source: Source,
}

/// Why a punch was not taken down. Nothing of it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// No such user.
    #[error("There is no user \"{0}\".")]
    UnknownUser(String),
    /// The PIN means nobody on that device.
    #[error(
        "PIN \"{pin}\" is nobody on device \"{device}\". Map it first: PUT /api/v1/users/{{id}} with `pins`."
    )]
    UnknownPin {
        /// The device.
        device: String,
        /// The PIN.
        pin: String,
    },
    /// Not in the IANA data.
    #[error("There is no time zone \"{0}\". Use an IANA name such as Europe/London.")]
    UnknownZone(String),
    /// Beyond year 9999, or before -9999.
    #[error("The time is out of range.")]
    OutOfRange,
    /// From a clock that runs ahead.
    #[error("{0} lies in the future. Set the device's clock and send it again.")]
    Ahead(Timestamp),
    /// From a clock that lost its battery.
    #[error("{0} lies more than 400 days back. Set the device's clock.")]
    Behind(Timestamp),
    /// Empty, too long, or with a zero byte.
    #[error("{0} must be 1 to 128 bytes of text without a zero byte.")]
    BadText(&'static str),
}

/// What became of a punch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Taken down.
    Taken {
        /// Id of the raw punch.
        id: Uuid,
        /// Inner id of the person.
        user: Uuid,
        /// What it says, as of now: an earlier punch that comes late may change it.
        direction: Direction,
        /// A double tap: kept, and without effect.
        ignored: bool,
    },
    /// It was here before; nothing was done.
    Replayed {
        /// Id of the raw punch.
        id: Uuid,
    },
    /// Not taken down.
    Refused(Refusal),
}

/// What a batch came to, before it is announced.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "announce it, or the boards do not hear of it"]
pub struct Recorded {
    /// Whose tenant.
    pub tenant: Uuid,
    /// One for each punch, in order.
    pub outcomes: Vec<Outcome>,
    /// People with a day that is another now; sorted.
    pub changed: Vec<Uuid>,
}

/// A punch that will be written unless it is a replay.
struct Prepared {
    index: usize,
    user: Uuid,
    work_date: Date,
    punch: Uuid,
    key: Option<Direction>,
    raw: store::RawRow,
}

/// Takes down a batch of one tenant. Seven statements, whatever its size.
pub async fn record(
    conn: &mut PgConnection,
    tenant: Uuid,
    batch: Vec<NewPunch>,
    ids: &Ids,
    now: Timestamp,
) -> sqlx::Result<Recorded> {
    let people = resolve(&mut *conn, tenant, &batch).await?;
    let mut outcomes: Vec<Option<Outcome>> = vec![None; batch.len()];
    let mut prepared = Vec::with_capacity(batch.len());
    for (index, punch) in batch.into_iter().enumerate() {
        match prepare(index, punch, &people, ids, now) {
            Ok(ready) => prepared.push(ready),
            Err(refusal) => outcomes[index] = Some(Outcome::Refused(refusal)),
        }
    }

    let mut users: Vec<Uuid> = prepared.iter().map(|one| one.user).collect();
    users.sort_unstable();
    users.dedup();
    store::lock_people(&mut *conn, tenant, &users).await?;
    let raws: Vec<store::RawRow> = prepared.iter().map(|one| one.raw.clone()).collect();
    let fresh: HashSet<Uuid> = store::insert_raws(&mut *conn, tenant, &raws)
        .await?
        .into_iter()
        .collect();
    let (fresh, replays): (Vec<_>, Vec<_>) = prepared
        .into_iter()
        .partition(|one| fresh.contains(&one.raw.id));
    answer_replays(&mut *conn, tenant, &replays, &mut outcomes).await?;
    let changed = understand(conn, tenant, &fresh, &mut outcomes).await?;
    Ok(Recorded {
        tenant,
        outcomes: outcomes.into_iter().flatten().collect(),
        changed,
    })
}

fn prepare(
    index: usize,
    new: NewPunch,
    people: &HashMap<(String, Who), (Uuid, Option<String>)>,
    ids: &Ids,
    now: Timestamp,
) -> Result<Prepared, Refusal> {
    let good = |text: &str| (1..=128).contains(&text.len()) && !text.contains('\0');
    for (name, value) in [("device", &new.device), ("source_id", &new.source_id)] {
        if !good(value) {
            return Err(Refusal::BadText(name));
        }
    }
    let place = match &new.who {
        Who::User(_) => String::new(),
        Who::Pin(_) => new.device.clone(),
    };
    let Some((user, zone)) = people.get(&(place, new.who.clone())) else {
        return Err(match new.who {
            Who::User(key) => Refusal::UnknownUser(key),
            Who::Pin(pin) => Refusal::UnknownPin {
                device: new.device,
                pin,
            },
        });
    };
    let Settled {
        at,
        local,
        zone,
        work_date,
    } = new.at.settle(zone.as_deref(), now)?;
    let (user_key, pin) = match new.who {
        Who::User(key) => (Some(key), None),
        Who::Pin(pin) => (None, Some(pin)),
    };
    let (source, received_at) = match new.source {
        Source::Api => ("api", now),
        Source::Sql => ("sql", now),
        Source::Demo { received_at } => ("demo", received_at),
    };
    Ok(Prepared {
        index,
        user: *user,
        work_date,
        punch: ids.uuid(),
        key: new.direction,
        raw: store::RawRow {
            id: new.ticket.unwrap_or_else(|| ids.uuid()),
            device: new.device,
            source_id: new.source_id,
            pin,
            user_key,
            at,
            local,
            zone,
            direction: new.direction.map(direction_word),
            source,
            received_at,
        },
    })
}

/// Everybody the batch names, with the zone of their site.
async fn resolve(
    conn: &mut PgConnection,
    tenant: Uuid,
    batch: &[NewPunch],
) -> sqlx::Result<HashMap<(String, Who), (Uuid, Option<String>)>> {
    let (mut keys, mut devices, mut pins) = (Vec::new(), Vec::new(), Vec::new());
    for punch in batch.iter().filter(|punch| !punch.device.contains('\0')) {
        match &punch.who {
            Who::User(key) if !key.contains('\0') => keys.push(key.clone()),
            Who::Pin(pin) if !pin.contains('\0') => {
                devices.push(punch.device.clone());
                pins.push(pin.clone());
            }
            _ => {}
        }
    }
    let mut people = HashMap::new();
    if !keys.is_empty() {
        for person in store::by_key(&mut *conn, tenant, &keys).await? {
            people.insert(
                (String::new(), Who::User(person.key)),
                (person.user, person.zone),
            );
        }
    }
    if !pins.is_empty() {
        for person in store::by_pin(conn, tenant, &devices, &pins).await? {
            people.insert(
                (person.device, Who::Pin(person.key)),
                (person.user, person.zone),
            );
        }
    }
    Ok(people)
}

async fn answer_replays(
    conn: &mut PgConnection,
    tenant: Uuid,
    replays: &[Prepared],
    outcomes: &mut [Option<Outcome>],
) -> sqlx::Result<()> {
    if replays.is_empty() {
        return Ok(());
    }
    let devices: Vec<String> = replays.iter().map(|one| one.raw.device.clone()).collect();
    let source_ids: Vec<String> = replays
        .iter()
        .map(|one| one.raw.source_id.clone())
        .collect();
    let known: HashMap<(String, String), Uuid> = store::known(conn, tenant, &devices, &source_ids)
        .await?
        .into_iter()
        .map(|(device, source_id, id)| ((device, source_id), id))
        .collect();
    for one in replays {
        let key = (one.raw.device.clone(), one.raw.source_id.clone());
        let id = known.get(&key).copied().unwrap_or(one.raw.id);
        outcomes[one.index] = Some(Outcome::Replayed { id });
    }
    Ok(())
}

/// Computes the days of the fresh punches anew and writes what came out differently.
async fn understand(
    conn: &mut PgConnection,
    tenant: Uuid,
    fresh: &[Prepared],
    outcomes: &mut [Option<Outcome>],
) -> sqlx::Result<Vec<Uuid>> {
    if fresh.is_empty() {
        return Ok(Vec::new());
    }
    let users: Vec<Uuid> = fresh.iter().map(|one| one.user).collect();
    let dates: Vec<Date> = fresh.iter().map(|one| one.work_date).collect();
    let before = store::facts(&mut *conn, tenant, &users, &dates).await?;

    let mut days: BTreeMap<(Uuid, Date), Vec<Fact>> = BTreeMap::new();
    let mut was = HashMap::new();
    for row in before {
        let fact = Fact {
            punch: row.punch,
            at: row.at,
            key: row.key.as_deref().and_then(parse_direction),
            device: row.device,
            source_id: row.source_id,
            received_at: row.received_at,
        };
        days.entry((row.user, row.work_date))
            .or_default()
            .push(fact);
        was.insert(
            row.punch,
            (row.direction, row.direction_source, row.ignored),
        );
    }
    let mut new = HashMap::new();
    for one in fresh {
        let fact = Fact {
            punch: one.punch,
            at: one.raw.at,
            key: one.key,
            device: one.raw.device.clone(),
            source_id: one.raw.source_id.clone(),
            received_at: one.raw.received_at,
        };
        days.entry((one.user, one.work_date))
            .or_default()
            .push(fact);
        new.insert(one.punch, one);
    }

    let (mut inserts, mut updates, mut rows) = (Vec::new(), Vec::new(), Vec::new());
    for ((user, work_date), facts) in &days {
        let (judged, day) = day::compute(facts);
        for one in judged {
            let direction = direction_word(one.direction);
            let by = if one.by_key { "key" } else { "alternated" };
            let ignored = one.ignored.then_some("double_tap");
            if let Some(fresh) = new.get(&one.punch) {
                inserts.push(store::JudgedRow {
                    punch: one.punch,
                    raw: fresh.raw.id,
                    user: *user,
                    at: fresh.raw.at,
                    work_date: *work_date,
                    direction,
                    direction_source: by,
                    ignored,
                });
                outcomes[fresh.index] = Some(Outcome::Taken {
                    id: fresh.raw.id,
                    user: *user,
                    direction: one.direction,
                    ignored: one.ignored,
                });
            } else if was
                .get(&one.punch)
                .is_some_and(|(was, was_by, was_ignored)| {
                    (was.as_str(), was_by.as_str(), was_ignored.as_deref())
                        != (direction, by, ignored)
                })
            {
                updates.push((one.punch, direction, by, ignored));
            }
        }
        if let Some(day) = day {
            rows.push(day_row(*user, *work_date, day));
        }
    }
    store::insert_punches(&mut *conn, tenant, &inserts).await?;
    if !updates.is_empty() {
        store::update_punches(&mut *conn, tenant, &updates).await?;
    }
    store::save_days(conn, tenant, &rows).await
}

/// A computed day as the table holds it.
pub(crate) fn day_row(user: Uuid, work_date: Date, day: day::Day) -> store::DayRow {
    store::DayRow {
        user,
        work_date,
        state: presence_word(day.state),
        first_in: day.first_in,
        since: day.since,
        last_at: day.last_at,
        device: day.device,
        lag_ms: day.lag_ms,
    }
}
