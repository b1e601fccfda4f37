//! PINs of attendance devices: a PIN means somebody on one device only.

use sqlx::PgConnection;
use uuid::Uuid;

/// Sets the user's PINs, pairwise; `Err(index)` for the first that is another user's.
pub async fn set(
    conn: &mut PgConnection,
    tenant: Uuid,
    user: Uuid,
    devices: &[String],
    pins: &[String],
) -> sqlx::Result<Result<bool, usize>> {
    let gone = sqlx::query!(
        "DELETE FROM bellhop.device_user
          WHERE tenant_id = $1 AND user_id = $2
            AND NOT EXISTS (SELECT FROM unnest($3::text[], $4::text[]) AS n (device, pin)
                             WHERE n.device = device_user.device AND n.pin = device_user.pin)",
        tenant,
        user,
        devices,
        pins,
    )
    .execute(&mut *conn)
    .await?;
    let come = sqlx::query!(
        "INSERT INTO bellhop.device_user (tenant_id, device, pin, user_id)
         SELECT $1, n.device, n.pin, $2 FROM unnest($3::text[], $4::text[]) AS n (device, pin)
         ON CONFLICT DO NOTHING",
        tenant,
        user,
        devices,
        pins,
    )
    .execute(&mut *conn)
    .await?;
    let taken = sqlx::query_scalar!(
        r#"SELECT (n.n - 1)::bigint AS "index!"
             FROM unnest($3::text[], $4::text[]) WITH ORDINALITY AS n (device, pin, n)
             JOIN bellhop.device_user d
               ON d.tenant_id = $1 AND d.device = n.device AND d.pin = n.pin
            WHERE d.user_id <> $2 ORDER BY n.n LIMIT 1"#,
        tenant,
        user,
        devices,
        pins,
    )
    .fetch_optional(conn)
    .await?;
    Ok(match taken.and_then(|index| usize::try_from(index).ok()) {
        Some(index) => Err(index),
        None => Ok(gone.rows_affected() + come.rows_affected() > 0),
    })
}
