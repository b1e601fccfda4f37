//! What goes by age, and what does not.

use jiff::SignedDuration;
use sqlx::Connection as _;

use super::{Desk, State};
use crate::outbox::retention::Retention;

const DAY: i64 = 86_400;

impl Desk {
    pub(super) fn retention(&self) -> Retention {
        Retention {
            pool: self.pool.clone(),
            clock: self.clock.clone(),
            days: 30,
        }
    }

    /// Partitions around now, as the server makes them.
    async fn partitions(&self) {
        let mut conn = self.pool.acquire().await.unwrap();
        crate::store::ledger::ensure_partitions(&mut conn, self.clock.now())
            .await
            .unwrap();
    }
}

/// With a class that lives as long as it may, the last rung is parked until the end; a partition goes only after
/// that.
#[tokio::test]
async fn partition_with_debt_is_not_dropped() {
    let mut desk = Desk::open().await;
    let seq = desk.publish(desk.u1, "decision").await;
    desk.seconds(5);
    desk.sweep().await;
    desk.seconds(29 * DAY);
    desk.partitions().await;
    let gone = desk.retention().pass().await.unwrap();
    assert_eq!(gone.ended, 0);
    assert_eq!(
        desk.state(desk.u1, seq).await,
        State::Queued,
        "29 days are within 30"
    );
    assert_eq!(desk.debts().await, 1);
    // The server was down when it expired, so nobody ended it; its day goes, and it is a dead letter first.
    desk.seconds(3 * DAY);
    desk.partitions().await;
    let gone = desk.retention().pass().await.unwrap();
    assert_eq!(gone.ended, 1);
    assert!(
        gone.partitions
            .iter()
            .any(|child| child.starts_with("delivery_")),
        "{gone:?}"
    );
    let letter: (String, i16) =
        sqlx::query_as("SELECT reason, state FROM bellhop.dead_letter WHERE seq = $1")
            .bind(seq)
            .fetch_one(&desk.pool)
            .await
            .unwrap();
    assert_eq!(letter, ("retention".to_owned(), 5));
    assert_eq!(desk.debts().await, 0);
    let again = desk.retention().pass().await.unwrap();
    assert_eq!(again.partitions, Vec::<String>::new());
}

/// `DROP` and `CREATE … PARTITION OF` lock the parent: with a report reading for minutes, every publisher stood.
#[tokio::test]
async fn long_reader_does_not_lock_out_writers_at_rotation() {
    let desk = Desk::open().await;
    desk.publish(desk.u1, "info").await;
    desk.seconds(40 * DAY);
    desk.partitions().await;
    let mut conn = desk.pool.acquire().await.unwrap();
    let mut report = conn.begin().await.unwrap();
    sqlx::query("SELECT count(*) FROM bellhop.delivery")
        .execute(&mut *report)
        .await
        .unwrap();
    let retention = desk.retention();
    let writers = async {
        for _ in 0..50 {
            let begun = std::time::Instant::now();
            desk.publish(desk.u1, "info").await;
            assert!(
                begun.elapsed().as_secs() < 5,
                "a writer stood behind the rotation"
            );
        }
    };
    let (gone, ()) = tokio::join!(retention.pass(), writers);
    let gone = gone.unwrap().partitions;
    assert!(
        !gone.iter().any(|child| child.starts_with("delivery_")),
        "{gone:?}: it is being read"
    );
    report.rollback().await.unwrap();
    let gone = retention.pass().await.unwrap().partitions;
    assert!(
        gone.iter().any(|child| child.starts_with("delivery_")),
        "{gone:?}: taken up again"
    );
}

#[tokio::test]
async fn keys_and_devices_go_by_age() {
    let desk = Desk::open().await;
    for (age, key) in [(8, "old"), (6, "young")] {
        sqlx::query("INSERT INTO bellhop.idempotency VALUES ($1, $2, '', $1, 1, $3)")
            .bind(desk.service)
            .bind(key.as_bytes())
            .bind(jiff_sqlx::ToSqlx::to_sqlx(
                desk.clock.now() - SignedDuration::from_hours(24 * age),
            ))
            .execute(&desk.pool)
            .await
            .unwrap();
    }
    desk.device(desk.u1, "lost").await;
    desk.seconds(61 * DAY);
    desk.device(desk.u1, "here").await;
    sqlx::query("UPDATE bellhop.idempotency SET at = at + interval '61 days'")
        .execute(&desk.pool)
        .await
        .unwrap();
    let gone = desk.retention().pass().await.unwrap();
    assert_eq!((gone.keys, gone.devices), (1, 1));
    assert_eq!(
        desk.count("SELECT count(*) FROM bellhop.device WHERE key = 'here'")
            .await,
        1
    );
}
