//! Whose punch it is.

use sqlx::PgConnection;
use uuid::Uuid;

/// Somebody who punched, with the zone their days are counted in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PunchPerson {
    /// Inner id.
    pub user: Uuid,
    /// IANA zone of their site; `None` without a site.
    pub zone: Option<String>,
    /// Who was asked for: the customer's id, or the PIN.
    pub key: String,
    /// The device on which the PIN means them; empty when asked for by id.
    pub device: String,
}

/// By the customer's ids. Also who has left: their last punches may come late.
pub async fn by_key(
    conn: &mut PgConnection,
    tenant: Uuid,
    keys: &[String],
) -> sqlx::Result<Vec<PunchPerson>> {
    sqlx::query_as!(
        PunchPerson,
        r#"SELECT u.id AS user, s.zone AS "zone?", u.key, '' AS "device!"
             FROM bellhop.user_account u LEFT JOIN bellhop.site s ON s.id = u.site_id
            WHERE u.tenant_id = $1 AND u.key = ANY($2)"#,
        tenant,
        keys,
    )
    .fetch_all(conn)
    .await
}

/// By PINs, each on its device.
pub async fn by_pin(
    conn: &mut PgConnection,
    tenant: Uuid,
    devices: &[String],
    pins: &[String],
) -> sqlx::Result<Vec<PunchPerson>> {
    sqlx::query_as!(
        PunchPerson,
        r#"SELECT u.id AS user, s.zone AS "zone?", du.pin AS key, du.device
             FROM (SELECT DISTINCT * FROM unnest($2::text[], $3::text[])) AS w (device, pin)
             JOIN bellhop.device_user du
               ON du.tenant_id = $1 AND du.device = w.device AND du.pin = w.pin
             JOIN bellhop.user_account u ON u.id = du.user_id AND u.tenant_id = $1
             LEFT JOIN bellhop.site s ON s.id = u.site_id"#,
        tenant,
        devices,
        pins,
    )
    .fetch_all(conn)
    .await
}

/// Holds back every other punch of these people until the transaction ends: a day is computed
/// from all of its punches or it is wrong.
pub async fn lock_people(
    conn: &mut PgConnection,
    tenant: Uuid,
    users: &[Uuid],
) -> sqlx::Result<()> {
    sqlx::query!(
        "SELECT id FROM bellhop.user_account WHERE tenant_id = $1 AND id = ANY($2)
          ORDER BY id FOR NO KEY UPDATE",
        tenant,
        users,
    )
    .fetch_all(conn)
    .await?;
    Ok(())
}
