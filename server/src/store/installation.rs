//! The installation's one row.

use sqlx::PgConnection;

/// The stream epoch: it goes up when numbers may have been turned back.
pub async fn epoch(conn: &mut PgConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar!("SELECT epoch FROM bellhop.installation")
        .fetch_one(conn)
        .await
}

/// The database was put back to an earlier point: begins a new epoch, which it answers. No device has
/// what its user was not given yet.
///
/// A backup brings devices and streams of one moment; the cut is for those of different ones.
pub async fn restored(conn: &mut PgConnection) -> sqlx::Result<i64> {
    let epoch =
        sqlx::query_scalar!("UPDATE bellhop.installation SET epoch = epoch + 1 RETURNING epoch")
            .fetch_one(&mut *conn)
            .await?;
    sqlx::query!(
        "UPDATE bellhop.device d
            SET through = least(d.through, s.last_seq), through_at = NULL,
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
