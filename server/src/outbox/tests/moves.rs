//! The pure rules and the database, driven with the same histories: whatever happens in whatever order, both
//! stand in the same state.

use app::model::delivery::{AckBy, Event, Rule, Sufficient};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Runtime;

use super::{Desk, State};
use crate::store::debts::{self, Ending};
use crate::store::removals;

#[derive(Clone, Copy, Debug)]
enum Fact {
    Ack { device: usize, active: bool },
    Reached { device: usize },
    Expire,
    GiveUp,
    Remove,
    Sweep,
    Wait,
}

const DEVICES: [&str; 2] = ["phone", "laptop"];

fn fact() -> impl Strategy<Value = Fact> {
    prop_oneof![
        4 => (0..2_usize, any::<bool>()).prop_map(|(device, active)| Fact::Ack { device, active }),
        2 => (0..2_usize).prop_map(|device| Fact::Reached { device }),
        1 => Just(Fact::Expire),
        1 => Just(Fact::GiveUp),
        1 => Just(Fact::Remove),
        1 => Just(Fact::Sweep),
        1 => Just(Fact::Wait),
    ]
}

async fn same(desk: &mut Desk, class: &str, rule: Rule, facts: Vec<Fact>) {
    desk.seconds(1);
    let seq = desk.publish(desk.u1, class).await;
    let (mut state, mut had) = (State::Queued, [false; 2]);
    for fact in &facts {
        let event = match *fact {
            Fact::Ack { device, active } => {
                had[device] = true;
                desk.ack(desk.u1, DEVICES[device], seq, active).await;
                Some(Event::Ack {
                    active,
                    every: had == [true; 2],
                })
            }
            Fact::Reached { device } => {
                desk.reached(desk.u1, DEVICES[device], seq).await;
                Some(Event::Reached)
            }
            Fact::Expire | Fact::GiveUp => {
                let (to, event) = if matches!(fact, Fact::Expire) {
                    (State::Expired, Event::Expire)
                } else {
                    (State::Dead, Event::GiveUp)
                };
                let at: jiff_sqlx::Timestamp = sqlx::query_scalar(
                    "SELECT at FROM bellhop.delivery WHERE user_id = $1 AND seq = $2",
                )
                .bind(desk.u1)
                .bind(seq)
                .fetch_one(&desk.pool)
                .await
                .unwrap();
                let ending = Ending {
                    user: desk.u1,
                    seq,
                    at: at.to_jiff(),
                    state: to,
                    reason: "test",
                };
                let mut conn = desk.pool.acquire().await.unwrap();
                debts::end(&mut conn, &[ending], desk.clock.now())
                    .await
                    .unwrap();
                Some(event)
            }
            Fact::Remove => {
                let mut conn = desk.pool.acquire().await.unwrap();
                let whose = (desk.tenant, desk.u1);
                removals::ask(&mut conn, whose, false, desk.clock.now())
                    .await
                    .unwrap();
                drop(conn);
                while desk.removals().round(None).await.unwrap() > 0 {}
                Some(Event::Remove)
            }
            Fact::Sweep => {
                desk.sweep().await;
                None
            }
            Fact::Wait => {
                desk.seconds(4);
                desk.round().await;
                None
            }
        };
        if let Some(event) = event {
            state = state.after(event, rule);
        }
        assert_eq!(desk.state(desk.u1, seq).await, state, "{class} {facts:?}");
        if state.is_enough(rule)
            && !matches!(fact, Fact::Expire | Fact::GiveUp)
            && state == State::Acked
        {
            let owed: i64 = sqlx::query_scalar("SELECT count(*) FROM bellhop.debt WHERE seq = $1")
                .bind(seq)
                .fetch_one(&desk.pool)
                .await
                .unwrap();
            assert_eq!(owed, 0, "a debt of what was acked: {class} {facts:?}");
        }
    }
    // Whatever is not enough has a next step once it was swept.
    desk.seconds(8);
    desk.sweep().await;
    desk.sweep().await;
    let owed: i64 = sqlx::query_scalar("SELECT count(*) FROM bellhop.debt WHERE seq = $1")
        .bind(seq)
        .fetch_one(&desk.pool)
        .await
        .unwrap();
    if !state.is_enough(rule) {
        assert_eq!(owed, 1, "no next step: {class} {facts:?}");
    }
}

#[test]
fn the_database_moves_as_the_rules_say() {
    let runtime = Runtime::new().unwrap();
    let mut desk = runtime.block_on(async {
        let desk = Desk::open().await;
        for (key, ack_by, sufficient) in classes() {
            let rules = serde_json::json!({"life": 86_400, "ack_by": ack_by, "sufficient": sufficient,
                                           "ladder": [{"after": 5, "do": "again"}]});
            desk.class(key, &rules.to_string()).await;
        }
        for device in DEVICES {
            desk.device(desk.u1, device).await;
        }
        desk
    });
    let mut runner = TestRunner::new(Config {
        cases: 60,
        failure_persistence: None,
        max_shrink_iters: 0, // the histories go on in one database
        ..Config::default()
    });
    let histories = (0..classes().len(), prop::collection::vec(fact(), 1..10));
    let desk = std::cell::RefCell::new(&mut desk);
    runner
        .run(&histories, |(class, facts)| {
            let (key, ack_by, sufficient) = classes()[class];
            let rule = Rule {
                ack_by,
                sufficient,
                hidden: false,
            };
            runtime.block_on(same(&mut desk.borrow_mut(), key, rule, facts));
            Ok(())
        })
        .unwrap();
}

fn classes() -> [(&'static str, AckBy, Sufficient); 4] {
    [
        ("any", AckBy::AnyDevice, Sufficient::Acked),
        ("read", AckBy::AnyDevice, Sufficient::Reached),
        ("every", AckBy::EveryDevice, Sufficient::Acked),
        ("active", AckBy::ActiveDevice, Sufficient::Reached),
    ]
}
