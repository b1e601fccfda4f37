//! Departments and custom groups: a key, a name and members. The two tables are alike, so the
//! functions are twins; they differ in nothing but the table.

use sqlx::PgConnection;
use uuid::Uuid;

use super::Outcome;

/// Which of the twins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Department,
    Group,
}

/// Makes or renames one.
pub async fn put(
    conn: &mut PgConnection,
    kind: Kind,
    tenant: Uuid,
    id: Uuid,
    key: &str,
    name: &str,
) -> sqlx::Result<Outcome> {
    let made = match kind {
        Kind::Department => {
            sqlx::query!(
                "INSERT INTO bellhop.department (id, tenant_id, key, name) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (tenant_id, key) DO NOTHING",
                id,
                tenant,
                key,
                name,
            )
            .execute(&mut *conn)
            .await?
        }
        Kind::Group => {
            sqlx::query!(
                "INSERT INTO bellhop.custom_group (id, tenant_id, key, name) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (tenant_id, key) DO NOTHING",
                id,
                tenant,
                key,
                name,
            )
            .execute(&mut *conn)
            .await?
        }
    };
    if made.rows_affected() == 1 {
        return Ok(Outcome::Created);
    }
    let changed = match kind {
        Kind::Department => {
            sqlx::query!(
                "UPDATE bellhop.department SET name = $3
                  WHERE tenant_id = $1 AND key = $2 AND name <> $3",
                tenant,
                key,
                name,
            )
            .execute(conn)
            .await?
        }
        Kind::Group => {
            sqlx::query!(
                "UPDATE bellhop.custom_group SET name = $3
                  WHERE tenant_id = $1 AND key = $2 AND name <> $3",
                tenant,
                key,
                name,
            )
            .execute(conn)
            .await?
        }
    };
    Ok(if changed.rows_affected() == 1 {
        Outcome::Changed
    } else {
        Outcome::Unchanged
    })
}

/// Removes one with its memberships; answers who was a member. Nobody and nothing: an empty list.
pub async fn remove(
    conn: &mut PgConnection,
    kind: Kind,
    tenant: Uuid,
    key: &str,
) -> sqlx::Result<Vec<Uuid>> {
    match kind {
        Kind::Department => {
            let members = sqlx::query_scalar!(
                "SELECT m.user_id FROM bellhop.user_department m
                   JOIN bellhop.department d ON d.id = m.department_id
                  WHERE d.tenant_id = $1 AND d.key = $2",
                tenant,
                key,
            )
            .fetch_all(&mut *conn)
            .await?;
            sqlx::query!(
                "DELETE FROM bellhop.department WHERE tenant_id = $1 AND key = $2",
                tenant,
                key,
            )
            .execute(conn)
            .await?;
            Ok(members)
        }
        Kind::Group => {
            let members = sqlx::query_scalar!(
                "SELECT m.user_id FROM bellhop.group_member m
                   JOIN bellhop.custom_group g ON g.id = m.group_id
                  WHERE g.tenant_id = $1 AND g.key = $2",
                tenant,
                key,
            )
            .fetch_all(&mut *conn)
            .await?;
            sqlx::query!(
                "DELETE FROM bellhop.custom_group WHERE tenant_id = $1 AND key = $2",
                tenant,
                key,
            )
            .execute(conn)
            .await?;
            Ok(members)
        }
    }
}
