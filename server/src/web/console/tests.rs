//! The console's pages over the product and a database: who may, whose it is, and what is answered.

use app::backend::Backend as _;
use app::model::admin::PageQuery;

use super::*;
use crate::testing::house::House;

async fn caller(house: &House, tenant: &str, roles: &[Role]) -> Caller {
    let user = house.id_of(tenant, "u2").await;
    let tenant: Uuid =
        sqlx::query_scalar("SELECT tenant_id FROM bellhop.user_account WHERE id = $1")
            .bind(user)
            .fetch_one(&house.pool)
            .await
            .unwrap();
    Caller {
        tenant: tenant.as_u128(),
        user: user.as_u128(),
        roles: roles.to_vec(),
        session: 0,
    }
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
    let refused = [
        rooms.undelivered(&hr, PageQuery::default()).await.err(),
        rooms.send_again(&hr, Vec::new(), true).await.err(),
        rooms.why(&hr, "", "u1").await.err(),
        rooms.classes(&hr).await.err(),
        rooms.put_class(&hr, "mine", class).await.err(),
        rooms.remove_class(&hr, "mine").await.err(),
        rooms.set_kind(&hr, "Fire", "info").await.err(),
        rooms.set_default_class(&hr, "info").await.err(),
    ];
    for error in refused {
        assert_eq!(error.map(|error| error.code()), Some("forbidden"));
    }
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
    assert_eq!(all.kinds, [("Fire".to_owned(), "fire".to_owned())]);
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
