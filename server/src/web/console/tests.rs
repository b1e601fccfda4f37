//! The console's pages over the product and a database: who may, whose it is, and what is answered.

use app::backend::Backend as _;
use app::model::admin::PageQuery;
use app::model::webhooks::{Deed, State, WebhookDraft};

use super::*;
use crate::testing::house::House;

async fn caller(house: &House, tenant: &str, roles: &[Role]) -> Caller {
    house.caller(tenant, "u2", roles).await
}

async fn bury(house: &House, id: &str) {
    sqlx::query(
        "INSERT INTO bellhop.dead_letter (user_id, seq, tenant_id, service_id, notification_id, state, reason, at)
         SELECT d.user_id, d.seq, d.tenant_id, n.service_id, n.id, 3, 'expired', now()
           FROM bellhop.delivery d JOIN bellhop.notification n ON n.id = d.notification_id
          WHERE d.notification_id = $1::uuid",
    )
    .bind(id)
    .execute(&house.pool)
    .await
    .unwrap();
}

#[tokio::test]
async fn only_administrators_look_and_change() {
    let house = House::open().await;
    let rooms = Rooms::new(house.product.clone(), Vec::new());
    let hr = caller(&house, "a", &[Role::Employee, Role::Hr]).await;
    let class = Class::built_in()[0].1.clone();
    let admin = caller(&house, "a", &[Role::Employee, Role::Admin]).await;
    let query = PageQuery::default;
    let refused = [
        rooms.overview(&hr).await.err(),
        rooms.connections(&hr, query()).await.err(),
        rooms.disconnect(&hr, Vec::new()).await.err(),
        rooms.groups(&hr, query()).await.err(),
        rooms.queued(&hr, query()).await.err(),
        rooms.undelivered(&hr, query()).await.err(),
        rooms.send_again(&hr, Vec::new(), true).await.err(),
        rooms.why(&hr, "", "u1").await.err(),
        rooms.classes(&hr).await.err(),
        rooms.put_class(&hr, "mine", class).await.err(),
        rooms.remove_class(&hr, "mine").await.err(),
        rooms.set_kind(&hr, "Fire", "info").await.err(),
        rooms.set_default_class(&hr, "info").await.err(),
        rooms.count_again(&hr, "").await.err(),
        rooms.send_all_again(&hr, "", "").await.err(),
        rooms.webhooks(&hr, "").await.err(),
        rooms.suggest_secret(&hr).await.err(),
        rooms.put_webhook(&hr, WebhookDraft::default()).await.err(),
        rooms.do_to_webhook(&hr, "", Deed::Remove).await.err(),
        rooms.change_secret(&hr, "", "").await.err(),
        rooms.test_webhook(&hr, "").await.err(),
        // Who runs the place need not see who came to work.
        rooms.board(&admin).await.err(),
    ];
    for error in refused {
        assert_eq!(error.map(|error| error.code()), Some("forbidden"));
    }
    assert!(rooms.board(&hr).await.is_ok());
    assert!(rooms.overview(&admin).await.is_ok());
}

#[tokio::test]
async fn the_undelivered_of_the_tenant_are_sent_again() {
    let house = House::open().await;
    let rooms = Rooms::new(house.product.clone(), Vec::new());
    for tenant in ["a", "b"] {
        let id = house.publish(tenant, "lost").await;
        bury(&house, &id).await;
    }
    let admin = caller(&house, "a", &[Role::Admin]).await;
    let query = PageQuery {
        search: "lost reason:expired open:yes".to_owned(),
        page: 0,
    };
    let page = rooms.undelivered(&admin, query.clone()).await.unwrap();
    assert_eq!((page.rows.len(), page.total), (1, 1));
    let theirs = caller(&house, "b", &[Role::Admin]).await;
    let ids = vec![page.rows[0].id.clone()];
    let other = rooms.send_again(&theirs, ids.clone(), false).await.unwrap();
    assert_eq!(other.count, 0, "another tenant's");
    assert_eq!(
        rooms
            .send_again(&admin, ids.clone(), true)
            .await
            .unwrap()
            .count,
        1
    );
    assert_eq!(
        rooms
            .send_again(&admin, ids.clone(), false)
            .await
            .unwrap()
            .count,
        1
    );
    assert_eq!(
        rooms.send_again(&admin, ids, false).await.unwrap().before,
        1
    );
    let page = rooms.undelivered(&admin, query).await.unwrap();
    assert_eq!(page.total, 0, "it was sent");
}

/// More than one step, some of whom are gone, some sent before, and some that end while somebody looks at the count.
#[tokio::test]
async fn all_that_match_are_sent_again_in_steps() {
    let house = House::open().await;
    let rooms = Rooms::new(house.product.clone(), Vec::new());
    let id = house.publish("a", "lost").await;
    bury(&house, &id).await;
    let many = "INSERT INTO bellhop.dead_letter
               (user_id, seq, tenant_id, service_id, notification_id, state, reason, at, sent_again)
         SELECT l.user_id, l.seq + n, l.tenant_id, l.service_id, l.notification_id, 3, 'expired', l.at,
                CASE WHEN n % 100 = 0 THEN bellhop.uuid_v7(now() - interval '2 days') END
           FROM bellhop.dead_letter l, generate_series(1, 1499) AS n WHERE l.seq = 1";
    sqlx::query(many).execute(&house.pool).await.unwrap();
    let admin = caller(&house, "a", &[Role::Admin]).await;
    let counted = rooms.count_again(&admin, "reason:expired").await.unwrap();
    assert_eq!((counted.count, counted.before), (1_486, 14));
    assert!(!counted.more && counted.dry_run);
    let begin = counted.next.unwrap();
    // Ends after the count: it was not in the question.
    let later = "INSERT INTO bellhop.dead_letter
               (user_id, seq, tenant_id, service_id, notification_id, state, reason, at)
         SELECT user_id, 9999, tenant_id, service_id, notification_id, 3, reason, now() + interval '1 minute'
           FROM bellhop.dead_letter WHERE seq = 1";
    sqlx::query(later).execute(&house.pool).await.unwrap();
    let first = rooms.send_all_again(&admin, "reason:expired", &begin).await;
    let first = first.unwrap();
    assert_eq!((first.count, first.before), (1_000, 0));
    let next = first.next.unwrap();
    let second = rooms.send_all_again(&admin, "reason:expired", &next).await;
    let second = second.unwrap();
    assert_eq!((second.count, second.next), (486, None));
    let left: i64 =
        sqlx::query_scalar("SELECT seq FROM bellhop.dead_letter WHERE sent_again IS NULL")
            .fetch_one(&house.pool)
            .await
            .unwrap();
    assert_eq!(left, 9_999, "that alone");
    let theirs = caller(&house, "b", &[Role::Admin]).await;
    let theirs = rooms.count_again(&theirs, "").await.unwrap();
    assert_eq!((theirs.count, theirs.before), (0, 0), "another tenant's");
    let wrong = rooms.send_all_again(&admin, "", "whatever").await;
    assert_eq!(wrong.unwrap_err().code(), "invalid");
}

#[tokio::test]
async fn why_leads_from_either_end() {
    let house = House::open().await;
    let rooms = Rooms::new(house.product.clone(), Vec::new());
    let id = house.publish("a", "t").await;
    let admin = caller(&house, "a", &[Role::Admin]).await;
    let ask = async |id: &str, user: &str| rooms.why(&admin, id, user).await.unwrap();
    assert_eq!(ask("", "").await, Answer::Ask);
    let Answer::Recipients { rows, .. } = ask(&id, "").await else {
        panic!("its recipients");
    };
    assert_eq!(rows[0].user, "u1");
    let Answer::Latest { rows, .. } = ask("", "user U1").await else {
        panic!("by name");
    };
    assert_eq!(rows[0].notification, id);
    let Answer::One(why) = ask(&id, "u1").await else {
        panic!("both");
    };
    assert_eq!((why.seq, why.state.as_str()), (Some(1), "queued"));
    assert!(!why.next.is_empty());
    for (id, user) in [("x", "u1"), (&id, "nobody"), ("", "nobody")] {
        match ask(id, user).await {
            Answer::Unknown(_) => {}
            Answer::One(why) => assert_eq!(why.verdict, "There is no such user in the tenant."),
            other => panic!("{other:?}"),
        }
    }
    let theirs = caller(&house, "b", &[Role::Admin]).await;
    let other = rooms.why(&theirs, &id, "u1").await.unwrap();
    assert!(matches!(other, Answer::Unknown(_)), "another tenant's");
}

#[tokio::test]
async fn classes_are_changed_and_refused_in_words() {
    let house = House::open().await;
    let rooms = Rooms::new(house.product.clone(), Vec::new());
    let admin = caller(&house, "a", &[Role::Admin]).await;
    let class = Class::built_in()[2].1.clone();
    rooms
        .put_class(&admin, "fire", class.clone())
        .await
        .unwrap();
    rooms.set_kind(&admin, "Fire", "fire").await.unwrap();
    let refused = rooms.remove_class(&admin, "fire").await.unwrap_err();
    assert!(refused.to_string().contains("Fire"), "{refused}");
    let all = rooms.classes(&admin).await.unwrap();
    assert_eq!(all.kinds, [("Fire".to_owned(), Some("fire".to_owned()))]);
    assert_eq!(all.classes.last().map(|row| &row.class), Some(&class));
    rooms.set_kind(&admin, "Fire", "").await.unwrap();
    rooms.remove_class(&admin, "fire").await.unwrap();
    for refused in [
        rooms.put_class(&admin, "Fire!", class).await,
        rooms.set_kind(&admin, "Fire", "nowhere").await,
        rooms.set_default_class(&admin, "nowhere").await,
    ] {
        assert_eq!(refused.unwrap_err().code(), "invalid");
    }
}

/// Makes one field of a draft wrong.
type Change = fn(&mut WebhookDraft);

#[tokio::test]
async fn webhooks_are_made_changed_and_refused_by_the_rules_of_the_api() {
    let house = House::open().await;
    let rooms = Rooms::new(house.product.clone(), Vec::new());
    let admin = caller(&house, "a", &[Role::Admin]).await;
    let draft = WebhookDraft {
        service: "app".to_owned(),
        key: "receipts".to_owned(),
        url: " https://app.example.com/receipts ".to_owned(),
        events: vec!["notification.acked".to_owned()],
        secret: rooms.suggest_secret(&admin).await.unwrap(),
        ..WebhookDraft::default()
    };
    let id = rooms.put_webhook(&admin, draft.clone()).await.unwrap();
    let all = rooms.webhooks(&admin, "").await.unwrap();
    assert_eq!(
        (all.rows.len(), all.services.as_slice()),
        (1, &["app".to_owned()][..])
    );
    let row = &all.rows[0];
    assert_eq!(
        (row.state, row.url.as_str()),
        (State::New, draft.url.trim())
    );
    assert!(!format!("{all:?}").contains("whsec_"));

    let wrong: [(&str, Change); 6] = [
        ("Id", |draft| draft.key = "receipts".to_owned()),
        ("Id", |draft| draft.key = "a b".to_owned()),
        ("Service", |draft| draft.service = "nothing".to_owned()),
        ("Address", |draft| {
            draft.url = "http://app.example.com".to_owned();
        }),
        ("Events", |draft| draft.events.clear()),
        ("Secret", |draft| draft.secret = "short".to_owned()),
    ];
    for (expected, change) in wrong {
        let mut draft = WebhookDraft {
            key: "more".to_owned(),
            ..draft.clone()
        };
        change(&mut draft);
        match rooms.put_webhook(&admin, draft).await.unwrap_err() {
            AppError::Invalid { field, .. } => assert_eq!(field, expected),
            other => panic!("{other:?}"),
        }
    }

    let edit = WebhookDraft {
        id: id.clone(),
        url: draft.url.clone(),
        events: vec!["notification.settled".to_owned()],
        ..WebhookDraft::default()
    };
    assert_eq!(rooms.put_webhook(&admin, edit.clone()).await.unwrap(), id);
    let state = async || rooms.webhooks(&admin, &id).await.unwrap().rows.remove(0);
    assert_eq!(state().await.events, edit.events);
    rooms.do_to_webhook(&admin, &id, Deed::Pause).await.unwrap();
    assert_eq!(state().await.state, State::Paused);
    let health = rooms.overview(&admin).await.unwrap().health;
    assert!(
        health.iter().all(|line| line.ok),
        "a pause is no trouble: {health:?}"
    );
    let secret = rooms.suggest_secret(&admin).await.unwrap();
    rooms.change_secret(&admin, &id, &secret).await.unwrap();
    assert!(state().await.old_secret_until.is_some());
    rooms
        .do_to_webhook(&admin, &id, Deed::Resume)
        .await
        .unwrap();
    assert_eq!(state().await.state, State::New);

    sqlx::query(
        "INSERT INTO bellhop.webhook_try (webhook_id, message_id, nth, about, at, status)
         VALUES ($1::uuid, gen_random_uuid(), 1, '2 acked', now(), 204)",
    )
    .bind(&id)
    .execute(&house.pool)
    .await
    .unwrap();
    let tries = rooms.webhooks(&admin, &id).await.unwrap().tries;
    assert_eq!((tries.len(), tries[0].about.as_str()), (1, "2 acked"));
    let theirs = caller(&house, "b", &[Role::Admin]).await;
    for which in ["", &id] {
        let seen = rooms.webhooks(&theirs, which).await.unwrap();
        assert!(seen.rows.is_empty() && seen.tries.is_empty());
    }
    let refused = [
        rooms.put_webhook(&theirs, edit).await.err(),
        rooms.do_to_webhook(&theirs, &id, Deed::Remove).await.err(),
        rooms.change_secret(&theirs, &id, &secret).await.err(),
        rooms.test_webhook(&theirs, &id).await.err(),
        rooms.webhooks(&admin, "no id").await.err(),
    ];
    for error in refused {
        assert_eq!(error.map(|error| error.code()), Some("not_found"));
    }
    sqlx::query("UPDATE bellhop.webhook SET failure = 'answered 500', failed_at = now()")
        .execute(&house.pool)
        .await
        .unwrap();
    assert_eq!(state().await.state, State::Failing);
    let health = rooms.overview(&admin).await.unwrap().health;
    assert!(
        health[0].text.starts_with("1 webhook did not take"),
        "{health:?}"
    );
    rooms
        .do_to_webhook(&admin, &id, Deed::Remove)
        .await
        .unwrap();
    assert!(rooms.webhooks(&admin, "").await.unwrap().rows.is_empty());
}
