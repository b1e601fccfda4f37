//! Attendance on a real database.

use app::model::attendance::{Board, BoardRow, Direction, Presence};
use jiff::Timestamp;
use serde_json::json;

use super::{NewPunch, Outcome, Refusal, Source, When, Who, board, punch};
use crate::workplace::fixture::{Place, Tenant};
use crate::workplace::topics::Topic;

const START: &str = "2026-11-20T18:00:00Z";

fn at(who: &str, instant: &str) -> NewPunch {
    NewPunch {
        ticket: None,
        who: Who::User(who.to_owned()),
        device: "Gate-1 face".to_owned(),
        at: When::Instant(instant.parse().unwrap()),
        direction: None,
        source_id: format!("{who} {instant}"),
        source: Source::Api,
    }
}

async fn all(place: &Place, tenant: &Tenant, batch: Vec<NewPunch>) -> Vec<Outcome> {
    punch(&place.workplace, tenant.id, batch).await.unwrap()
}

async fn row(place: &Place, tenant: &Tenant, user: &str) -> BoardRow {
    let board: Board = board(&place.workplace, tenant.id).await.unwrap();
    board.rows.into_iter().find(|row| row.user == user).unwrap()
}

fn directions(outcomes: &[Outcome]) -> Vec<Direction> {
    outcomes
        .iter()
        .map(|outcome| match outcome {
            Outcome::Taken { direction, .. } => *direction,
            other => panic!("{other:?}"),
        })
        .collect()
}

#[tokio::test]
async fn punch_replay_changes_nothing() {
    let place = Place::open(START).await;
    let tenant = place.tenant("merrow").await;
    place.user(&tenant, "olena", None, Some("leeds")).await;
    let batch = || {
        vec![
            at("olena", "2026-11-20T08:56:00Z"),
            at("olena", "2026-11-20T12:31:00Z"),
        ]
    };
    let first = all(&place, &tenant, batch()).await;
    assert_eq!(directions(&first), [Direction::In, Direction::Out]);
    let before = row(&place, &tenant, "olena").await;
    let patches = place.patches(&tenant, Topic::Attendance).len();

    place.clock.advance(3_600_000);
    for (was, again) in first.iter().zip(all(&place, &tenant, batch()).await) {
        let (Outcome::Taken { id: was, .. }, Outcome::Replayed { id: again }) = (was, again) else {
            panic!("a replay answers the first one's id")
        };
        assert_eq!(*was, again);
    }
    // Also twice in one batch, and beside something new.
    let mut mixed = batch();
    mixed.extend(batch());
    mixed.push(at("olena", "2026-11-20T13:02:00Z"));
    let mixed = all(&place, &tenant, mixed).await;
    assert!(
        mixed[..4]
            .iter()
            .all(|one| matches!(one, Outcome::Replayed { .. }))
    );
    assert_eq!(directions(&mixed[4..]), [Direction::In]);

    assert_eq!(before.since.as_deref(), Some("12:31"));
    assert_eq!(place.patches(&tenant, Topic::Attendance).len(), patches + 1);
    let raws = "SELECT count(*) FROM bellhop.punch_raw WHERE tenant_id = $1";
    assert_eq!(place.count(raws, &tenant).await, 3);
}

#[tokio::test]
async fn replays_at_the_same_instant_are_one_punch() {
    let place = Place::open(START).await;
    let tenant = place.tenant("merrow").await;
    place.user(&tenant, "olena", None, Some("leeds")).await;
    let one = || all(&place, &tenant, vec![at("olena", "2026-11-20T08:56:00Z")]);
    let (a, b, c, d) = tokio::join!(one(), one(), one(), one());
    let taken = [a, b, c, d]
        .iter()
        .flatten()
        .filter(|outcome| matches!(outcome, Outcome::Taken { .. }))
        .count();
    assert_eq!(taken, 1);
    assert_eq!(place.patches(&tenant, Topic::Attendance).len(), 1);
}

#[tokio::test]
async fn punches_of_many_at_once_leave_true_tiles() {
    let place = Place::open(START).await;
    let tenant = place.tenant("merrow").await;
    for user in 0..12 {
        place
            .user(&tenant, &format!("u{user}"), None, Some("leeds"))
            .await;
    }
    let one = |user: usize, hour: usize| {
        let instant = format!("2026-11-20T{hour:02}:00:00Z");
        let batch = vec![at(&format!("u{user}"), &instant)];
        let (place, tenant) = (&place, &tenant);
        async move { all(place, tenant, batch).await }
    };
    futures_util::future::join_all(
        (0..12).flat_map(|user| [one(user, 8), one(user, 12), one(user, 13)]),
    )
    .await;
    let board = board(&place.workplace, tenant.id).await.unwrap();
    assert_eq!(
        (board.tiles.present, board.tiles.not_seen, board.as_of),
        (12, 0, 36)
    );
    let last = place.patches(&tenant, Topic::Attendance).pop().unwrap();
    assert_eq!(last.rev, 36);
    assert_eq!(
        last.counts.unwrap(),
        serde_json::to_value(board.tiles).unwrap()
    );
}

#[tokio::test]
async fn late_punch_reorders_the_day() {
    let place = Place::open(START).await;
    let tenant = place.tenant("merrow").await;
    place.user(&tenant, "rhys", None, Some("leeds")).await;
    let morning = all(&place, &tenant, vec![at("rhys", "2026-11-20T08:00:00Z")]).await;
    assert_eq!(directions(&morning), [Direction::In]);
    let evening = all(&place, &tenant, vec![at("rhys", "2026-11-20T17:00:00Z")]).await;
    assert_eq!(directions(&evening), [Direction::Out]);
    assert_eq!(row(&place, &tenant, "rhys").await.state, Presence::Out);

    // A gate that was cut off delivers noon: what was "out" becomes "in".
    let noon = all(&place, &tenant, vec![at("rhys", "2026-11-20T12:00:00Z")]).await;
    assert_eq!(directions(&noon), [Direction::Out]);
    let now = row(&place, &tenant, "rhys").await;
    assert_eq!(
        (now.state, now.since.as_deref()),
        (Presence::In, Some("17:00"))
    );
    assert_eq!(now.first_in.as_deref(), Some("08:00"));

    // An earlier first punch turns all of them once more.
    all(&place, &tenant, vec![at("rhys", "2026-11-20T07:00:00Z")]).await;
    let turned: Vec<String> =
        sqlx::query_scalar("SELECT direction FROM bellhop.punch WHERE tenant_id = $1 ORDER BY at")
            .bind(tenant.id)
            .fetch_all(&place.workplace.pool)
            .await
            .unwrap();
    assert_eq!(turned, ["in", "out", "in", "out"]);
    let patch = place.patches(&tenant, Topic::Attendance).pop().unwrap();
    assert_eq!(patch.upsert[0]["state"], "out");
    assert_eq!(patch.upsert[0]["first_in"], "07:00");
}

#[tokio::test]
async fn double_tap_is_kept_raw_and_ignored() {
    let place = Place::open(START).await;
    let tenant = place.tenant("merrow").await;
    place.user(&tenant, "gurpreet", None, Some("leeds")).await;
    let batch = vec![
        at("gurpreet", "2026-11-20T08:51:00Z"),
        at("gurpreet", "2026-11-20T08:51:20Z"),
    ];
    let outcomes = all(&place, &tenant, batch).await;
    assert!(
        matches!(outcomes[1], Outcome::Taken { ignored: true, .. }),
        "{outcomes:?}"
    );
    let now = row(&place, &tenant, "gurpreet").await;
    assert_eq!(
        (now.state, now.since.as_deref()),
        (Presence::In, Some("08:51"))
    );
    let ignored = "SELECT count(*) FROM bellhop.punch p JOIN bellhop.punch_raw r ON r.id = p.raw_id
                    WHERE p.tenant_id = $1 AND p.ignored = 'double_tap'";
    assert_eq!(place.count(ignored, &tenant).await, 1);
}

#[tokio::test]
async fn same_pin_on_two_devices_is_two_people() {
    let place = Place::open(START).await;
    let tenant = place.tenant("merrow").await;
    let yuki = place.user(&tenant, "yuki", None, Some("leeds")).await;
    let fatima = place.user(&tenant, "fatima", None, Some("rotterdam")).await;
    place.pin(&yuki, "Gate-1", "17").await;
    place.pin(&fatima, "Dock-2", "17").await;
    let pin = |device: &str, source_id: &str| NewPunch {
        who: Who::Pin("17".to_owned()),
        device: device.to_owned(),
        source_id: source_id.to_owned(),
        ..at("", "2026-11-20T07:21:00Z")
    };
    // Two devices may also use the same source id for different punches.
    let batch = vec![pin("Gate-1", "1"), pin("Dock-2", "1"), pin("Gate-9", "1")];
    let outcomes = all(&place, &tenant, batch).await;
    let who: Vec<_> = outcomes
        .iter()
        .map(|outcome| match outcome {
            Outcome::Taken { user, .. } => Some(*user),
            _ => None,
        })
        .collect();
    assert_eq!(who, [Some(yuki.user), Some(fatima.user), None]);
    let nobody = Refusal::UnknownPin {
        device: "Gate-9".to_owned(),
        pin: "17".to_owned(),
    };
    assert_eq!(outcomes[2], Outcome::Refused(nobody));
    assert_eq!(
        row(&place, &tenant, "yuki").await.since.as_deref(),
        Some("07:21")
    );
    assert_eq!(
        row(&place, &tenant, "fatima").await.since.as_deref(),
        Some("08:21"),
        "site time"
    );
}

#[tokio::test]
async fn board_uses_site_date() {
    // 18:00 UTC: still the 20th in Leeds, 23:30 of the 20th in Kochi.
    let place = Place::open(START).await;
    let tenant = place.tenant("merrow").await;
    place.user(&tenant, "tom", None, Some("leeds")).await;
    place.user(&tenant, "priya", None, Some("kochi")).await;
    place.user(&tenant, "nowhere", None, None).await;
    let batch = vec![
        at("tom", "2026-11-20T08:59:00Z"),
        at("priya", "2026-11-20T17:50:00Z"),
        at("nowhere", "2026-11-20T09:00:00Z"),
    ];
    assert!(
        all(&place, &tenant, batch)
            .await
            .iter()
            .all(|one| matches!(one, Outcome::Taken { .. }))
    );
    let both = board(&place.workplace, tenant.id).await.unwrap();
    assert_eq!((both.tiles.people, both.tiles.present), (2, 2));
    assert_eq!(both.rows[0].since.as_deref(), Some("23:20"));

    // An hour later it is the 21st in Kochi: Priya's evening belongs to yesterday there.
    place.clock.advance(3_600_000);
    assert_eq!(row(&place, &tenant, "priya").await.state, Presence::NotSeen);
    assert_eq!(row(&place, &tenant, "tom").await.state, Presence::In);
    let outcomes = all(&place, &tenant, vec![at("priya", "2026-11-20T18:45:00Z")]).await;
    assert_eq!(
        directions(&outcomes),
        [Direction::In],
        "a new day starts with in"
    );
    let patch = place.patches(&tenant, Topic::Attendance).pop().unwrap();
    assert_eq!(
        patch.counts.unwrap(),
        json!({"people": 2, "present": 2, "on_break": 0, "out": 0, "not_seen": 0})
    );
    assert_eq!(patch.upsert[0]["since"], "00:15");
}

#[tokio::test]
async fn the_same_user_and_device_in_two_tenants_are_strangers() {
    let place = Place::open(START).await;
    let (a, b) = (place.tenant("merrow").await, place.tenant("vale").await);
    place.user(&a, "tom", None, Some("leeds")).await;
    place.user(&b, "tom", None, Some("leeds")).await;
    let taken = all(&place, &a, vec![at("tom", "2026-11-20T08:59:00Z")]).await;
    assert_eq!(row(&place, &b, "tom").await.state, Presence::NotSeen);
    assert!(place.patches(&b, Topic::Attendance).is_empty());
    let other = all(&place, &b, vec![at("tom", "2026-11-20T08:59:00Z")]).await;
    assert_ne!(
        taken, other,
        "the same source id in another tenant is another punch"
    );
    assert_eq!(row(&place, &b, "tom").await.state, Presence::In);
}

#[tokio::test]
async fn what_cannot_be_right_is_refused_and_spares_its_neighbours() {
    let place = Place::open(START).await;
    let tenant = place.tenant("merrow").await;
    place.user(&tenant, "tom", None, Some("leeds")).await;
    let batch = vec![
        at("ghost", "2026-11-20T08:00:00Z"),
        at("tom", "2026-11-20T23:00:00Z"),
        NewPunch {
            device: "Gate\0".to_owned(),
            ..at("tom", "2026-11-20T08:30:00Z")
        },
        NewPunch {
            who: Who::User("a\0".to_owned()),
            ..at("x", "2026-11-20T08:30:00Z")
        },
        at("tom", "2026-11-20T08:59:00Z"),
    ];
    let outcomes = all(&place, &tenant, batch).await;
    let ahead: Timestamp = "2026-11-20T23:00:00Z".parse().unwrap();
    assert_eq!(
        outcomes[0],
        Outcome::Refused(Refusal::UnknownUser("ghost".to_owned()))
    );
    assert_eq!(outcomes[1], Outcome::Refused(Refusal::Ahead(ahead)));
    assert_eq!(outcomes[2], Outcome::Refused(Refusal::BadText("device")));
    assert!(matches!(outcomes[3], Outcome::Refused(_)));
    assert_eq!(directions(&outcomes[4..]), [Direction::In]);
}
