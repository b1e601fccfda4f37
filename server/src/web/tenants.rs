//! What the screens show and touch, in two tenants whose users, services, departments and groups have
//! equal ids: each caller's own tenant, and nothing of the other's.

use app::backend::{Backend as _, Caller};
use app::model::admin::{GroupRow, PageQuery};
use app::model::approval::{ApprovalTab, Decision, RequestState, Verdict};
use app::model::attendance::Presence;
use app::model::inbox::{InboxCounts, InboxTab, Mark};
use app::model::person::Role;
use app::model::webhooks::WebhookDraft;
use serde_json::json;

use super::Rooms;
use crate::support::clock::Clock;
use crate::testing::house::{self, House};

const EVERYBODY: [Role; 3] = [Role::Employee, Role::Hr, Role::Admin];

/// The house with `u1` of both tenants in front of the screens. Display names, which are nobody's id, tell the
/// tenants' users apart.
async fn open() -> (House, Rooms, Caller, Caller) {
    let pool = house::furnished().await;
    sqlx::raw_sql(
        "INSERT INTO bellhop.site SELECT bellhop.uuid_v7(), id, 'site', 'Site of ' || key, 'UTC'
           FROM bellhop.tenant;
         UPDATE bellhop.user_account u SET name = u.key || ' of ' || t.key, site_id = s.id
           FROM bellhop.tenant t JOIN bellhop.site s ON s.tenant_id = t.id WHERE t.id = u.tenant_id;
         UPDATE bellhop.department d SET name = 'Dept of ' || t.key
           FROM bellhop.tenant t WHERE t.id = d.tenant_id",
    )
    .execute(&pool)
    .await
    .unwrap();
    let house = House::open_on(pool.clone(), pool, Clock::system()).await;
    let rooms = Rooms::new(house.product.clone(), Vec::new());
    let a = house.caller("a", "u1", &EVERYBODY).await;
    let b = house.caller("b", "u1", &EVERYBODY).await;
    (house, rooms, a, b)
}

fn all() -> PageQuery {
    PageQuery::default()
}

fn of(search: &str) -> PageQuery {
    PageQuery {
        search: search.to_owned(),
        page: 0,
    }
}

#[tokio::test]
async fn connections_are_shown_and_closed_within_the_tenant() {
    let (house, rooms, a, b) = open().await;
    // One in `a`, three of two users in `b`.
    let mut ours = house.connect_as("a", "u1", "device=d").await;
    let mut theirs = Vec::new();
    for (user, device) in [("u1", "d"), ("u1", "e"), ("u2", "d")] {
        let query = format!("device={device}");
        theirs.push(house.connect_as("b", user, &query).await);
    }
    ours.expect_nothing().await;
    for one in &mut theirs {
        one.expect_nothing().await;
    }

    let overview = rooms.overview(&a).await.unwrap();
    assert_eq!((overview.connections, overview.users_online), (1, 1));
    assert_eq!(overview.websocket, 1);
    let seen = rooms.overview(&b).await.unwrap();
    assert_eq!((seen.connections, seen.users_online), (3, 2));
    assert_eq!(seen.groups, overview.groups + 1, "of one user more");

    for query in [all(), of("u1"), of("d")] {
        let page = rooms.connections(&a, query.clone()).await.unwrap();
        assert_eq!((page.rows.len(), page.total), (1, 1), "{query:?}");
        assert_eq!(page.rows[0].name, "u1 of a");
    }
    let page = rooms.connections(&b, all()).await.unwrap();
    assert_eq!((page.rows.len(), page.total), (3, 3));
    assert!(page.rows.iter().all(|row| row.name.ends_with(" of b")));
    let found = rooms.connections(&b, of(" of a")).await.unwrap();
    assert_eq!((found.rows.len(), found.total), (0, 0), "by name");
    let mine = rooms.connections(&a, all()).await.unwrap().rows;
    let found = rooms.connections(&b, of(&mine[0].id)).await.unwrap();
    assert_eq!((found.rows.len(), found.total), (0, 0), "by its id");

    // By the ids of all, each closes its own.
    let mut ids: Vec<String> = page.rows.into_iter().map(|row| row.id).collect();
    assert_eq!(rooms.disconnect(&a, ids.clone()).await.unwrap(), 0);
    for one in &mut theirs {
        one.expect_nothing().await;
    }
    ids.push(mine[0].id.clone());
    assert_eq!(rooms.disconnect(&b, ids.clone()).await.unwrap(), 3);
    for one in &mut theirs {
        let (why, again) = one.closed().await;
        assert!(again && why.unwrap().contains("administrator"));
    }
    ours.expect_nothing().await;
    assert_eq!(rooms.disconnect(&a, ids).await.unwrap(), 1);
    assert!(ours.closed().await.1);
}

#[tokio::test]
async fn groups_are_shown_within_the_tenant() {
    let (house, rooms, a, b) = open().await;
    let mut here = vec![house.connect_as("a", "u1", "").await];
    for user in ["u1", "u2"] {
        here.push(house.connect_as("b", user, "").await);
    }
    for one in &mut here {
        one.expect_nothing().await;
    }
    let ours = rooms.groups(&a, all()).await.unwrap();
    let theirs = rooms.groups(&b, all()).await.unwrap();
    let count = |rows: &[GroupRow]| i64::try_from(rows.len()).unwrap();
    assert_eq!(count(&ours.rows), ours.total);
    assert_eq!(count(&theirs.rows), theirs.total);
    let row = |rows: &[GroupRow], name: &str| {
        let found = rows.iter().find(|row| row.name == name).cloned();
        found.map(|row| (row.connections, row.users, row.members))
    };
    let names = |of: &[&str]| of.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    for name in ["user:u1", "service:app", "dept:dept", "group:club"] {
        let only = Some((1, 1, names(&["u1 of a"])));
        assert_eq!(row(&ours.rows, name), only, "{name}");
    }
    assert_eq!(row(&ours.rows, "user:u2"), None);
    let both = Some((2, 2, names(&["u1 of b", "u2 of b"])));
    assert_eq!(row(&theirs.rows, "service:app"), both);
    let club = rooms.groups(&b, of("club")).await.unwrap();
    assert_eq!(club.total, 1);
    assert_eq!(club.rows[0].members, ["u1 of b"]);
}

#[tokio::test]
async fn what_is_owed_is_shown_within_the_tenant() {
    let (house, rooms, a, b) = open().await;
    let mut reader = house.connect_as("b", "u1", "device=d").await;
    let id = house.publish("b", "word of b, acked").await;
    assert_eq!(reader.titles(1).await, ["word of b, acked"]);
    let acked = reader.call("AcknowledgeNotification", json!([id])).await;
    assert_eq!(acked, Ok(json!(1)));
    let body =
        json!({"kind": "NewTask", "title": "word of b, owed", "audience": {"users": ["u2"]}});
    assert_eq!(house.post("b", &body).await.0, 202);

    // What is going on in `b` is no business of `a`.
    let overview = rooms.overview(&a).await.unwrap();
    assert_eq!((overview.queued, overview.acked_last_hour), (0, 0));
    assert_eq!(overview.oldest_queued_at, None);
    let ids = [
        house.publish("a", "word of a, first").await,
        house.publish("a", "word of a, second").await,
    ];
    let overview = rooms.overview(&a).await.unwrap();
    assert_eq!((overview.queued, overview.acked_last_hour), (2, 0));
    let seen = rooms.overview(&b).await.unwrap();
    assert_eq!((seen.queued, seen.acked_last_hour), (1, 1));
    assert!(seen.oldest_queued_at < overview.oldest_queued_at);

    for query in [all(), of("word of"), of("u1")] {
        let page = rooms.queued(&a, query.clone()).await.unwrap();
        let found: Vec<&str> = page.rows.iter().map(|row| &*row.notification).collect();
        assert_eq!(found, ids, "{query:?}");
        assert_eq!(page.total, 2, "{query:?}");
        let whose = page.rows.iter().all(|row| row.name == "u1 of a");
        assert!(whose, "{page:?}");
        let away = page.rows.iter().all(|row| !row.online);
        assert!(away, "the one who is connected is u1 of b: {page:?}");
    }
    for query in [all(), of("word of"), of("u2")] {
        let page = rooms.queued(&b, query.clone()).await.unwrap();
        assert_eq!((page.rows.len(), page.total), (1, 1), "{query:?}");
        assert_eq!(page.rows[0].title, "word of b, owed");
    }
}

#[tokio::test]
async fn trouble_with_webhooks_is_that_of_the_tenant() {
    let (house, rooms, a, b) = open().await;
    let draft = WebhookDraft {
        service: "app".to_owned(),
        key: "receipts".to_owned(),
        url: "https://app.example.com/receipts".to_owned(),
        events: vec!["notification.acked".to_owned()],
        secret: rooms.suggest_secret(&b).await.unwrap(),
        ..WebhookDraft::default()
    };
    rooms.put_webhook(&b, draft).await.unwrap();
    sqlx::query("UPDATE bellhop.webhook SET failure = 'answered 500', failed_at = now()")
        .execute(&house.pool)
        .await
        .unwrap();
    let about = async |caller: &Caller| {
        let health = rooms.overview(caller).await.unwrap().health;
        health.iter().any(|line| line.text.contains("webhook"))
    };
    assert!(about(&b).await);
    assert!(!about(&a).await);
}

#[tokio::test]
async fn an_inbox_is_read_and_marked_within_the_tenant() {
    let (house, rooms, a, b) = open().await;
    let first = house.publish("a", "for a").await;
    let second = house.publish("b", "for b").await;
    let titles = async |caller: &Caller, tab| {
        let page = rooms.inbox(caller, tab, None).await.unwrap();
        let titles = page.items.into_iter().map(|item| item.title);
        (titles.collect::<Vec<_>>(), page.counts)
    };
    let fresh = InboxCounts {
        unseen: 1,
        unread: 1,
    };
    let for_a = (vec!["for a".to_owned()], fresh);
    assert_eq!(titles(&a, InboxTab::All).await, for_a);
    let for_b = (vec!["for b".to_owned()], fresh);
    assert_eq!(titles(&b, InboxTab::All).await, for_b);

    for mark in [Mark::Seen, Mark::Read, Mark::Archive] {
        let ids = vec![first.clone()];
        let counts = rooms.mark(&b, ids, mark).await.unwrap();
        assert_eq!(counts, fresh, "{mark:?} of another tenant's");
    }
    let ids = vec![first, second];
    let counts = rooms.mark(&b, ids, Mark::Archive).await.unwrap();
    assert_eq!(counts, InboxCounts::default());
    assert_eq!(titles(&a, InboxTab::Unread).await, for_a);
    let put_away = titles(&b, InboxTab::Archive).await;
    assert_eq!(put_away.0, ["for b"]);
    assert_eq!(rooms.badges(&a).await.unwrap().inbox, fresh);
    let none = InboxCounts::default();
    assert_eq!(rooms.badges(&b).await.unwrap().inbox, none);
}

#[tokio::test]
async fn requests_are_listed_read_and_decided_within_the_tenant() {
    let (house, rooms, a, b) = open().await;
    let mut made = Vec::new();
    for tenant in ["a", "b"] {
        let request = json!({"kind": "leave", "subject": format!("A week of {tenant}"),
                             "requester": "u2", "approvers": ["u1"], "source_id": "same"});
        let answer = house.say(tenant, "/api/v1/requests", &request).await;
        assert_eq!(answer["duplicate"], json!(false));
        made.push(answer["id"].as_str().unwrap().to_owned());
    }
    let lists = async |caller: &Caller, tab| {
        let list = rooms.approvals(caller, tab).await.unwrap();
        let rows = list.rows.into_iter().map(|row| row.subject);
        (rows.collect::<Vec<_>>(), list.counts)
    };
    let (rows, counts) = lists(&a, ApprovalTab::Waiting).await;
    assert_eq!((rows, counts.waiting), (vec!["A week of a".to_owned()], 1));
    let asker = house.caller("a", "u2", &EVERYBODY).await;
    let (rows, counts) = lists(&asker, ApprovalTab::Mine).await;
    assert_eq!((rows, counts.mine), (vec!["A week of a".to_owned()], 1));

    // Not even with all roles, which show the whole of the own tenant.
    let decision = |request: &str| Decision {
        request: request.to_owned(),
        revision: 1,
        verdict: Verdict::Approve,
        comment: String::new(),
    };
    for caller in [&a, &asker] {
        let refused = rooms.request(caller, &made[1]).await.unwrap_err();
        assert_eq!(refused.code(), "not_found");
        let refused = rooms.decide(caller, decision(&made[1])).await.unwrap_err();
        assert_eq!(refused.code(), "not_found");
    }
    let detail = rooms.request(&b, &made[1]).await.unwrap();
    assert_eq!(detail.row.state, RequestState::InReview);
    let decided = rooms.decide(&b, decision(&made[1])).await.unwrap();
    assert_eq!(decided.row.state, RequestState::Approved);

    let (rows, counts) = lists(&a, ApprovalTab::Decided).await;
    assert_eq!((rows.len(), counts.decided), (0, 0));
    let (rows, counts) = lists(&a, ApprovalTab::Waiting).await;
    assert_eq!((rows.len(), counts.waiting), (1, 1));
    assert_eq!(rooms.badges(&a).await.unwrap().approvals, counts);
    let (rows, counts) = lists(&b, ApprovalTab::Waiting).await;
    assert_eq!((rows.len(), counts.waiting), (0, 0));
}

#[tokio::test]
async fn the_board_shows_who_came_to_work_in_the_tenant() {
    let (house, rooms, a, b) = open().await;
    let now = house.product.parts.clock.now().to_string();
    let punch =
        json!({"user": "u1", "device": "Gate", "at": now, "direction": "in", "source_id": "1"});
    house.say("a", "/api/v1/punches", &punch).await;
    for (caller, key, present) in [(&a, "a", 1), (&b, "b", 0)] {
        let board = rooms.board(caller).await.unwrap();
        let people: Vec<&str> = board.rows.iter().map(|row| &*row.name).collect();
        assert_eq!(people, [format!("u1 of {key}"), format!("u2 of {key}")]);
        let state = [Presence::NotSeen, Presence::In][usize::from(present == 1)];
        assert_eq!(board.rows[0].state, state, "u1 of {key}");
        assert_eq!((board.tiles.people, board.tiles.present), (2, present));
        let sites: Vec<&str> = board.sites.iter().map(|site| &*site.name).collect();
        assert_eq!(sites, [format!("Site of {key}")]);
        assert_eq!(board.departments, [format!("Dept of {key}")]);
        let badges = rooms.badges(caller).await.unwrap();
        assert_eq!(badges.present, Some(present));
    }
}
