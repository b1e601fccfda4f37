//! What the devices said. Written once, never changed.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use uuid::Uuid;

/// A raw punch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawRow {
    /// Inner id.
    pub id: Uuid,
    /// The device's name.
    pub device: String,
    /// The device's (or the caller's) own id of it: a replay has the same.
    pub source_id: String,
    /// The PIN typed, if that is how they are known.
    pub pin: Option<String>,
    /// The customer's id, if that is how they are known.
    pub user_key: Option<String>,
    /// The instant.
    pub at: Timestamp,
    /// The digits on the device's clock.
    pub local: DateTime,
    /// The zone that made one of the other.
    pub zone: String,
    /// The key pressed: `in`, `out`, `break_out`, `break_in`.
    pub direction: Option<&'static str>,
    /// `api`, `sql`, `demo`.
    pub source: &'static str,
    /// When the server had it.
    pub received_at: Timestamp,
}

/// Writes those that are new; answers their ids. The others were here before, or stand further up in
/// `rows`: of two with the same key the first is the one that is kept.
///
/// Keys are taken in the order of the unique index, the same for every caller, so that two calls with
/// the same punches wait for each other and do not deadlock.
pub async fn insert_raws(
    conn: &mut PgConnection,
    tenant: Uuid,
    rows: &[RawRow],
) -> sqlx::Result<Vec<Uuid>> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let devices: Vec<String> = rows.iter().map(|row| row.device.clone()).collect();
    let source_ids: Vec<String> = rows.iter().map(|row| row.source_id.clone()).collect();
    let pins: Vec<Option<String>> = rows.iter().map(|row| row.pin.clone()).collect();
    let keys: Vec<Option<String>> = rows.iter().map(|row| row.user_key.clone()).collect();
    let ats: Vec<jiff_sqlx::Timestamp> = rows.iter().map(|row| row.at.to_sqlx()).collect();
    let locals: Vec<jiff_sqlx::DateTime> = rows.iter().map(|row| row.local.to_sqlx()).collect();
    let received: Vec<jiff_sqlx::Timestamp> =
        rows.iter().map(|row| row.received_at.to_sqlx()).collect();
    let zones: Vec<String> = rows.iter().map(|row| row.zone.clone()).collect();
    let directions: Vec<Option<String>> = rows
        .iter()
        .map(|row| row.direction.map(str::to_owned))
        .collect();
    let sources: Vec<String> = rows.iter().map(|row| row.source.to_owned()).collect();
    sqlx::query_scalar!(
        "INSERT INTO bellhop.punch_raw (id, tenant_id, device, source_id, pin, user_key, at,
                local_ts, zone, direction, source, received_at)
         SELECT n.id, $1, n.device, n.source_id, n.pin, n.user_key, n.at, n.local_ts, n.zone,
                n.direction, n.source, n.received
           FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[],
                       $8::timestamptz[], $9::timestamp[], $10::text[], $11::text[], $12::text[],
                       $2::timestamptz[]) WITH ORDINALITY
                AS n (id, device, source_id, pin, user_key, at, local_ts, zone, direction, source,
                      received, place)
          ORDER BY n.device, n.source_id, n.place
         ON CONFLICT (tenant_id, device, source_id) DO NOTHING
         RETURNING id",
        tenant,
        &received as _,
        &ids,
        &devices,
        &source_ids,
        &pins as _,
        &keys as _,
        &ats as _,
        &locals as _,
        &zones,
        &directions as _,
        &sources,
    )
    .fetch_all(conn)
    .await
}

/// The ids under which these `(device, source_id)` are known, as `(device, source_id, id)`.
///
/// A statement of its own after [`insert_raws`]: the one that lost to another transaction does not
/// see that one's row, the next one does.
pub async fn known(
    conn: &mut PgConnection,
    tenant: Uuid,
    devices: &[String],
    source_ids: &[String],
) -> sqlx::Result<Vec<(String, String, Uuid)>> {
    let rows = sqlx::query!(
        "SELECT r.device, r.source_id, r.id
           FROM (SELECT DISTINCT * FROM unnest($2::text[], $3::text[])) AS w (device, source_id)
           JOIN bellhop.punch_raw r
             ON r.tenant_id = $1 AND r.device = w.device AND r.source_id = w.source_id",
        tenant,
        devices,
        source_ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.device, row.source_id, row.id))
        .collect())
}
