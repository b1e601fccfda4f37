//! A connection of one's own, for the hot paths: committing and acknowledging.
//!
//! Kept between batches: one that is given back to the pool is asked by it whether it lives, and the next batch's
//! statements would go to sleeping processes of the database instead of one that is awake. That cost a
//! publication at rest half a millisecond.
//!
//! And its statements are planned once, by index. By itself the database compares: a plan for an array of two seems
//! cheaper than one for any, so it plans anew at each execution, which takes longer than executing; and for an array of
//! some hundred reading a whole table seems cheaper than looking up each, until the table has grown.

use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, Postgres};
use tokio::time::Instant;

use super::{Pool, SURELY_ALIVE};

/// So long it is kept at most: processes of old connections grow.
const KEPT: Duration = Duration::from_mins(10);

/// Opened when it is needed.
pub struct Line {
    pool: Pool,
    conn: Option<PoolConnection<Postgres>>,
    taken: Instant,
    used: Instant,
}

impl Line {
    /// Not open yet.
    #[must_use]
    pub fn new(pool: Pool) -> Self {
        Self {
            pool,
            conn: None,
            taken: Instant::now(),
            used: Instant::now(),
        }
    }

    /// A connection that lives, as far as one can know.
    ///
    /// # Errors
    /// The database is away, or all connections are taken.
    pub async fn open(&mut self) -> sqlx::Result<&mut PgConnection> {
        use sqlx::Connection as _;
        let idle = self.used.elapsed();
        self.used = Instant::now();
        if let Some(conn) = &mut self.conn
            && (self.taken.elapsed() >= KEPT || idle >= SURELY_ALIVE && conn.ping().await.is_err())
        {
            self.drop_it();
        }
        let conn = if let Some(conn) = self.conn.take() {
            conn
        } else {
            self.taken = Instant::now();
            let mut conn = self.pool.acquire().await?;
            // Never for others: they plan by their parameters' values.
            conn.close_on_drop();
            sqlx::query!(
                "SELECT set_config('plan_cache_mode', 'force_generic_plan', false) AS plans,
                        set_config('enable_seqscan', 'off', false) AS scans"
            )
            .fetch_one(&mut *conn)
            .await?;
            conn
        };
        Ok(self.conn.insert(conn))
    }

    /// After an error that may have left it in the middle of something: the next one is new.
    pub fn drop_it(&mut self) {
        self.conn = None;
    }
}
