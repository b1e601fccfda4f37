//! Who somebody is, as far as approvals need it.

use sqlx::PgConnection;
use uuid::Uuid;

/// A user who is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonRow {
    /// Inner id.
    pub id: Uuid,
    /// The customer's own id.
    pub key: String,
    /// Display name.
    pub name: String,
    /// Inner id of the manager.
    pub manager: Option<Uuid>,
}

/// Active users by the customer's ids, in no order; unknown ones are left out.
pub async fn people_by_key(
    conn: &mut PgConnection,
    tenant: Uuid,
    keys: &[String],
) -> sqlx::Result<Vec<PersonRow>> {
    sqlx::query_as!(
        PersonRow,
        "SELECT id, key, name, manager_id AS manager FROM bellhop.user_account
          WHERE tenant_id = $1 AND key = ANY($2) AND active",
        tenant,
        keys,
    )
    .fetch_all(conn)
    .await
}

/// Active users by inner ids, in no order; unknown ones are left out.
pub async fn people_by_id(
    conn: &mut PgConnection,
    tenant: Uuid,
    ids: &[Uuid],
) -> sqlx::Result<Vec<PersonRow>> {
    sqlx::query_as!(
        PersonRow,
        "SELECT id, key, name, manager_id AS manager FROM bellhop.user_account
          WHERE tenant_id = $1 AND id = ANY($2) AND active",
        tenant,
        ids,
    )
    .fetch_all(conn)
    .await
}
