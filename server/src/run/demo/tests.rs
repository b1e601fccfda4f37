//! The demo on a real database.

use std::time::Instant;

use app::model::approval::ApprovalTab;
use app::model::inbox::InboxTab;
use jiff::Timestamp;
use secrecy::SecretString;
use uuid::Uuid;

use super::{Seeded, seed};
use crate::auth::password::Passwords;
use crate::support::clock::Clock;
use crate::support::ids::Ids;
use crate::support::lifecycle::Lifecycle;
use crate::workplace::{Actor, Workplace, approvals, attendance, inbox};
use crate::{delivery, testing};

/// Nobody is connected.
struct Nobody;

impl delivery::Dispatch for Nobody {
    fn deliver(&self, _routed: &[delivery::Routed]) {}
    fn patch(&self, _tenant: Uuid, _group: &str, _patch: &app::protocol::Patch) {}
}

async fn start(now: &str) -> (Workplace, Seeded) {
    let clock = Clock::manual(now.parse().unwrap());
    let workplace = Workplace {
        pool: testing::database().await,
        dispatch: std::sync::Arc::new(Nobody),
        clock: clock.clone(),
        ids: Ids::new(clock),
        classes: std::sync::Arc::new(delivery::Classes::built_in()),
        pages: std::sync::Arc::default(),
        life: Lifecycle::new(),
    };
    let seeded = again(&workplace).await.expect("nobody was there");
    (workplace, seeded)
}

async fn again(workplace: &Workplace) -> Option<Seeded> {
    let now = workplace.clock.now();
    let seeded = seed(&workplace.pool, &workplace.ids, &Passwords::default(), now).await;
    let (tx, seeded) = seeded.unwrap()?;
    tx.commit().await.unwrap();
    Some(seeded)
}

async fn actor(workplace: &Workplace, seeded: &Seeded, key: &str) -> Actor {
    let user = sqlx::query_scalar("SELECT id FROM bellhop.user_account WHERE key = $1")
        .bind(key)
        .fetch_one(&workplace.pool)
        .await
        .unwrap();
    Actor {
        tenant: seeded.tenant_id,
        user,
        roles: Vec::new(),
    }
}

#[tokio::test]
async fn demo_seeds_once() {
    let begin = Instant::now();
    let (workplace, seeded) = start("2026-11-20T09:14:00Z").await;
    println!("seeded after {:?}, the database included", begin.elapsed());
    assert!(
        again(&workplace).await.is_none(),
        "a second start does nothing"
    );

    let board = attendance::board(&workplace, seeded.tenant_id)
        .await
        .unwrap();
    assert_eq!((board.tiles.people, board.rows.len()), (240, 240));
    assert!(board.tiles.present > 60, "{:?}", board.tiles);
    assert!(board.tiles.not_seen > 20, "{:?}", board.tiles);
    assert_eq!((board.sites.len(), board.departments.len()), (3, 12));

    let amara = actor(&workplace, &seeded, "amara").await;
    let waiting = approvals::list(&workplace, &amara, ApprovalTab::Waiting)
        .await
        .unwrap();
    assert!(
        (10..=25).contains(&waiting.counts.waiting),
        "{:?}",
        waiting.counts
    );
    assert!(
        waiting
            .rows
            .iter()
            .any(|row| row.subject.starts_with("Cold-chain sensors"))
    );
    assert!(waiting.rows[0].due_at < waiting.rows[1].due_at);
    assert!(waiting.counts.decided > 3, "{:?}", waiting.counts);
    let count = |state| {
        sqlx::query_scalar::<_, i64>("SELECT count(*) FROM bellhop.request WHERE state = $1")
            .bind(state)
            .fetch_one(&workplace.pool)
    };
    assert_eq!(count("in_review").await.unwrap(), 40);
    assert!(count("approved").await.unwrap() > 15);
    assert!(count("rejected").await.unwrap() > 2);

    let now = workplace.clock.now();
    for key in ["amara", "kwabena", "siobhan", "minhkhai"] {
        let who = actor(&workplace, &seeded, key).await;
        let page = inbox::page(
            &workplace.pool,
            who.tenant,
            who.user,
            InboxTab::All,
            None,
            now,
        )
        .await
        .unwrap();
        assert!(
            page.items.len() >= 3,
            "{key} has {} items",
            page.items.len()
        );
        assert!(
            page.items.windows(2).all(|two| two[0].at >= two[1].at),
            "{key}: newest first"
        );
    }
}

#[tokio::test]
async fn demo_passwords_sign_in_and_differ() {
    let (workplace, seeded) = start("2026-11-22T00:20:00Z").await;
    assert_eq!(seeded.logins.len(), 6);
    let passwords = Passwords::default();
    let login = &seeded.logins[0];
    let hash: Option<String> =
        sqlx::query_scalar("SELECT password_hash FROM bellhop.user_account WHERE login = $1")
            .bind(&login.login)
            .fetch_one(&workplace.pool)
            .await
            .unwrap();
    let typed = SecretString::from(login.password.clone());
    assert!(passwords.verify(typed, hash).await.unwrap());
    let mut all: Vec<_> = seeded.logins.iter().map(|login| &login.password).collect();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 6);
    let kept = serde_json::to_string(&seeded).unwrap();
    assert_eq!(
        serde_json::from_str::<Seeded>(&kept).unwrap().logins.len(),
        6
    );
    assert!(!format!("{seeded:?}").contains(&login.password));

    // Even past midnight on a Sunday somebody is at work.
    let board = attendance::board(&workplace, seeded.tenant_id)
        .await
        .unwrap();
    assert!(board.tiles.present >= 10, "{:?}", board.tiles);
    let future: i64 = sqlx::query_scalar("SELECT count(*) FROM bellhop.punch WHERE at > $1")
        .bind(jiff_sqlx::Timestamp::from(
            "2026-11-22T00:20:00Z".parse::<Timestamp>().unwrap(),
        ))
        .fetch_one(&workplace.pool)
        .await
        .unwrap();
    assert_eq!(future, 0);
}

/// A server on this database, with this data folder, at this address.
async fn parts(pool: &sqlx::PgPool, data: &std::path::Path, host: &str) -> crate::run::Parts {
    let mut config = testing::config();
    config.database.data = data.to_owned();
    config.database.database_url = None; // whatever the environment says
    config.http.host = host.parse().unwrap();
    let clock = Clock::system();
    let epochs = delivery::epoch::Epochs::new(clock.clone());
    epochs.open(pool).await.unwrap();
    crate::run::Parts {
        pool: pool.clone(),
        ids: Ids::new(clock.clone()),
        pusher: testing::phones::nobody(&clock),
        clock,
        epochs,
        life: Lifecycle::new(),
        config: std::sync::Arc::new(config),
    }
}

/// The same database was served to everybody from another data folder, with the demo's logins and key in it.
#[tokio::test]
async fn a_database_with_demo_data_is_served_on_loopback_only_from_whatever_folder() {
    let pool = testing::database().await;
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let refused = async |data: &std::path::Path| {
        let parts = parts(&pool, data, "0.0.0.0").await;
        super::Demo::load(&parts).await.unwrap_err().to_string()
    };
    let said = refused(first.path()).await;
    assert!(said.contains("reachable by others"), "{said}");
    let made = super::Demo::load(&parts(&pool, first.path(), "127.0.0.1").await).await;
    assert!(
        made.unwrap().is_some(),
        "nothing was made when it was refused"
    );
    for data in [first.path(), second.path()] {
        let said = refused(data).await;
        assert!(said.contains("the database has demo data"), "{said}");
    }
    let local = super::Demo::load(&parts(&pool, second.path(), "127.0.0.1").await).await;
    assert!(
        local.unwrap().is_none(),
        "its logins are in the other folder"
    );
}
