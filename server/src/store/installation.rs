//! The installation's one row.

use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

/// What a starting server reads of it.
pub struct Installation {
    /// The stream epoch.
    pub epoch: i64,
    /// Where the database lived when a server last started on it.
    pub home: Option<String>,
}

/// Reads it, and keeps others who start from doing so until the caller's transaction ends.
pub async fn lock(conn: &mut PgConnection) -> sqlx::Result<Installation> {
    sqlx::query_as!(
        Installation,
        "SELECT epoch, home FROM bellhop.installation FOR NO KEY UPDATE"
    )
    .fetch_one(conn)
    .await
}

/// The stream epoch, without a lock.
pub async fn epoch(conn: &mut PgConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar!("SELECT epoch FROM bellhop.installation")
        .fetch_one(conn)
        .await
}

/// Was any user ever given a number?
pub async fn gave_numbers(conn: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM bellhop.user_stream WHERE last_seq > 0) AS "any!""#
    )
    .fetch_one(conn)
    .await
}

/// Notes where the database lives.
pub async fn set_home(conn: &mut PgConnection, home: &str) -> sqlx::Result<()> {
    sqlx::query!("UPDATE bellhop.installation SET home = $1", home)
        .execute(conn)
        .await?;
    Ok(())
}

/// Notes which tenant is the demo's.
pub async fn note_demo(conn: &mut PgConnection, tenant: Uuid) -> sqlx::Result<()> {
    sqlx::query!("UPDATE bellhop.installation SET demo_tenant = $1", tenant)
        .execute(conn)
        .await?;
    Ok(())
}

/// Is the demo's tenant in this database?
pub async fn has_demo(conn: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM bellhop.installation i JOIN bellhop.tenant t ON t.id = i.demo_tenant) AS "has!""#
    )
    .fetch_one(conn)
    .await
}

/// Where the database lives now: another cluster, another timeline of it (a recovery to a point in
/// time, a promoted standby) or another database in it has another answer. A file system that was put
/// back and a dump read back into its place have the same.
///
/// # Errors
/// 42501 where the operator of the database keeps this from the server's role.
pub async fn home(conn: &mut PgConnection) -> sqlx::Result<String> {
    sqlx::query_scalar!(
        r#"SELECT s.system_identifier::text || ':' || d.oid::text || ':'
                  || left(pg_walfile_name(pg_current_wal_lsn()), 8) AS "home!"
             FROM pg_control_system() s, pg_database d
            WHERE d.datname = current_database()"#
    )
    .fetch_one(conn)
    .await
}

/// Numbers may have been turned back: begins a new epoch, which it answers. No device has what its user
/// was not given yet.
///
/// The epoch is the time it begins at: one more than the last would be given out again by a second
/// restore of the same backup. A backup brings devices and streams of one moment; the cut is for those of
/// different ones.
pub async fn begin_epoch(conn: &mut PgConnection, now: Timestamp) -> sqlx::Result<i64> {
    let epoch = sqlx::query_scalar!(
        "UPDATE bellhop.installation SET epoch = greatest(epoch + 1, $1) RETURNING epoch",
        now.as_millisecond(),
    )
    .fetch_one(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE bellhop.device d
            SET through = least(d.through, s.last_seq), beyond_since = NULL,
                reached_through = least(d.reached_through, s.last_seq),
                acked = d.acked * int8multirange(int8range(NULL, s.last_seq, '(]'))
           FROM bellhop.user_stream s
          WHERE s.user_id = d.user_id
            AND (d.through > s.last_seq OR d.reached_through > s.last_seq
                 OR upper(d.acked) > s.last_seq + 1)",
    )
    .execute(conn)
    .await?;
    Ok(epoch)
}
