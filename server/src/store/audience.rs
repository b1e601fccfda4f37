//! Audiences as users: of many small publications at once, or of a large one page by page.

use std::sync::Arc;

use sqlx::PgConnection;
use uuid::Uuid;

use crate::delivery::{Audience, Publication};

/// Users a page of a large audience has at most.
pub const PAGE: i64 = 200;

/// Members of one publication's audience: `(index of the publication, user)`, sorted by user.
pub struct Member {
    /// Index into the batch.
    pub index: usize,
    /// Who.
    pub user: Uuid,
    /// Which membership made them one, `department:{id}`; `None`: named.
    pub via: Option<String>,
}

/// Ids with the index of the publication they belong to, column by column.
#[derive(Default)]
struct Column<T>(Vec<i32>, Vec<T>);

impl<T: Clone> Column<T> {
    fn extend(&mut self, index: i32, of: &[T]) {
        self.0.extend(std::iter::repeat_n(index, of.len()));
        self.1.extend_from_slice(of);
    }
}

/// A batch's audiences, column by column.
#[derive(Default)]
struct Columns {
    direct: Column<Uuid>,
    departments: Column<Uuid>,
    groups: Column<Uuid>,
    services: Column<Uuid>,
    roles: Column<String>,
    role_tenants: Vec<Uuid>,
    not_users: Column<Uuid>,
    not_departments: Column<Uuid>,
    not_groups: Column<Uuid>,
}

impl Columns {
    fn of(batch: &[Arc<Publication>]) -> Self {
        let mut all = Self::default();
        for (index, publication) in (0_i32..).zip(batch) {
            let audience = &publication.audience;
            all.direct.extend(index, &audience.users);
            all.departments.extend(index, &audience.departments);
            all.groups.extend(index, &audience.groups);
            all.roles.extend(index, &audience.roles);
            let tenants = std::iter::repeat_n(publication.tenant, audience.roles.len());
            all.role_tenants.extend(tenants);
            if audience.service {
                all.services.extend(index, &[publication.service]);
            }
            all.not_users.extend(index, &audience.except.users);
            all.not_departments
                .extend(index, &audience.except.departments);
            all.not_groups.extend(index, &audience.except.groups);
        }
        all
    }
}

/// Expands audiences to users, each once per publication. Inactive users and exceptions are left out.
///
/// One statement for the batch, by arrays, so that a batch of 1 and of 128 share one plan.
pub async fn expand(
    conn: &mut PgConnection,
    batch: &[Arc<Publication>],
) -> sqlx::Result<Vec<Member>> {
    let all = Columns::of(batch);
    let rows = sqlx::query!(
        r#"SELECT DISTINCT ON (m.user_id, m.i) m.i AS "i!", m.user_id AS "user!", m.via
             FROM (SELECT x.i, x.id AS user_id, NULL AS via, 0 AS rank
                     FROM unnest($1::int[], $2::uuid[]) AS x (i, id)
                   UNION ALL
                   SELECT x.i, d.user_id, 'department:' || o.key, 1
                     FROM unnest($3::int[], $4::uuid[]) AS x (i, id)
                     JOIN bellhop.department o ON o.id = x.id
                     JOIN bellhop.user_department d ON d.department_id = x.id
                   UNION ALL
                   SELECT x.i, g.user_id, 'group:' || o.key, 2
                     FROM unnest($5::int[], $6::uuid[]) AS x (i, id)
                     JOIN bellhop.custom_group o ON o.id = x.id
                     JOIN bellhop.group_member g ON g.group_id = x.id
                   UNION ALL
                   SELECT x.i, r.id, 'role:' || x.role, 3
                     FROM unnest($9::int[], $10::text[], $11::uuid[]) AS x (i, role, tenant)
                     JOIN bellhop.user_account r
                       ON r.tenant_id = x.tenant AND r.roles @> ARRAY[x.role]
                   UNION ALL
                   SELECT x.i, s.user_id, 'service', 4
                     FROM unnest($7::int[], $8::uuid[]) AS x (i, id)
                     JOIN bellhop.service_member s ON s.service_id = x.id) m
             JOIN bellhop.user_account u ON u.id = m.user_id AND u.active
            WHERE NOT EXISTS (SELECT FROM unnest($12::int[], $13::uuid[]) AS e (i, id)
                               WHERE e.i = m.i AND e.id = m.user_id)
              AND NOT EXISTS (SELECT FROM unnest($14::int[], $15::uuid[]) AS e (i, id)
                                JOIN bellhop.user_department d ON d.department_id = e.id
                               WHERE e.i = m.i AND d.user_id = m.user_id)
              AND NOT EXISTS (SELECT FROM unnest($16::int[], $17::uuid[]) AS e (i, id)
                                JOIN bellhop.group_member g ON g.group_id = e.id
                               WHERE e.i = m.i AND g.user_id = m.user_id)
            ORDER BY m.user_id, m.i, m.rank, m.via"#,
        &all.direct.0,
        &all.direct.1,
        &all.departments.0,
        &all.departments.1,
        &all.groups.0,
        &all.groups.1,
        &all.services.0,
        &all.services.1,
        &all.roles.0,
        &all.roles.1,
        &all.role_tenants,
        &all.not_users.0,
        &all.not_users.1,
        &all.not_departments.0,
        &all.not_departments.1,
        &all.not_groups.0,
        &all.not_groups.1,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            Some(Member {
                index: usize::try_from(row.i).ok()?,
                user: row.user,
                via: row.via,
            })
        })
        .collect())
}

/// About how many users each audience has, memberships counted one by one and each up to `most`: whether it
/// is small enough to be routed in the commit that accepts it.
pub async fn sizes(
    conn: &mut PgConnection,
    batch: &[Arc<Publication>],
    most: i64,
) -> sqlx::Result<Vec<i64>> {
    let all = Columns::of(batch);
    let rows = sqlx::query!(
        r#"SELECT m.i AS "i!", sum(m.count)::bigint AS "count!"
             FROM (SELECT x.i, (SELECT count(*) FROM (
                            SELECT FROM bellhop.user_department d
                             WHERE d.department_id = x.id LIMIT $9) few) AS count
                     FROM unnest($1::int[], $2::uuid[]) AS x (i, id)
                   UNION ALL
                   SELECT x.i, (SELECT count(*) FROM (
                            SELECT FROM bellhop.group_member g
                             WHERE g.group_id = x.id LIMIT $9) few)
                     FROM unnest($3::int[], $4::uuid[]) AS x (i, id)
                   UNION ALL
                   SELECT x.i, (SELECT count(*) FROM (
                            SELECT FROM bellhop.service_member s
                             WHERE s.service_id = x.id LIMIT $9) few)
                     FROM unnest($5::int[], $6::uuid[]) AS x (i, id)
                   UNION ALL
                   SELECT x.i, (SELECT count(*) FROM (
                            SELECT FROM bellhop.user_account r
                             WHERE r.tenant_id = x.tenant AND r.roles @> ARRAY[x.role] LIMIT $9) few)
                     FROM unnest($7::int[], $8::text[], $10::uuid[]) AS x (i, role, tenant)) m
            GROUP BY m.i"#,
        &all.departments.0,
        &all.departments.1,
        &all.groups.0,
        &all.groups.1,
        &all.services.0,
        &all.services.1,
        &all.roles.0,
        &all.roles.1,
        most,
        &all.role_tenants,
    )
    .fetch_all(conn)
    .await?;
    let mut sizes: Vec<i64> = batch
        .iter()
        .map(|one| i64::try_from(one.audience.users.len()).unwrap_or(i64::MAX))
        .collect();
    for row in rows {
        if let Some(size) = usize::try_from(row.i).ok().and_then(|i| sizes.get_mut(i)) {
            *size += row.count;
        }
    }
    Ok(sizes)
}

/// How many users a large audience has now, and how many its tenant allows.
pub async fn count(
    conn: &mut PgConnection,
    tenant: Uuid,
    service: Uuid,
    audience: &Audience,
) -> sqlx::Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"SELECT count(DISTINCT m.user_id) AS "count!",
                  (SELECT t.most_recipients::bigint FROM bellhop.tenant t WHERE t.id = $5) AS "most!"
             FROM (SELECT x AS user_id FROM unnest($1::uuid[]) AS x
                   UNION ALL
                   SELECT d.user_id FROM bellhop.user_department d WHERE d.department_id = ANY($2)
                   UNION ALL
                   SELECT g.user_id FROM bellhop.group_member g WHERE g.group_id = ANY($3)
                   UNION ALL
                   SELECT r.id FROM bellhop.user_account r WHERE r.tenant_id = $5 AND r.roles && $4
                   UNION ALL
                   SELECT s.user_id FROM bellhop.service_member s WHERE s.service_id = $6 AND $7) m
             JOIN bellhop.user_account u ON u.id = m.user_id AND u.active
            WHERE m.user_id <> ALL($8::uuid[])
              AND NOT EXISTS (SELECT FROM bellhop.user_department d
                               WHERE d.user_id = m.user_id AND d.department_id = ANY($9))
              AND NOT EXISTS (SELECT FROM bellhop.group_member g
                               WHERE g.user_id = m.user_id AND g.group_id = ANY($10))"#,
        &audience.users,
        &audience.departments,
        &audience.groups,
        &audience.roles,
        tenant,
        service,
        audience.service,
        &audience.except.users,
        &audience.except.departments,
        &audience.except.groups,
    )
    .fetch_one(conn)
    .await?;
    Ok((row.count, row.most))
}

/// A page of a large audience.
pub struct Page {
    /// Those who get it, ascending, each with the membership that made them one.
    pub members: Vec<(Uuid, Option<String>)>,
    /// Where the next page begins; `None`: this was the last.
    pub after: Option<Uuid>,
}

/// The page after `after`, as memberships are now. Each part of the audience gives its next users and no more,
/// so that a page costs the same whether it is the first or the last of a thousand; who is not active or
/// excepted is left out of it afterwards.
pub async fn page(
    conn: &mut PgConnection,
    tenant: Uuid,
    service: Uuid,
    audience: &Audience,
    after: Option<Uuid>,
) -> sqlx::Result<Page> {
    let rows = sqlx::query!(
        r#"WITH next AS (
               (SELECT x AS user_id, NULL AS via, 0 AS rank FROM unnest($1::uuid[]) AS x
                 WHERE x > $12 ORDER BY x LIMIT $13)
               UNION ALL
               (SELECT DISTINCT ON (d.user_id) d.user_id, 'department:' || o.key, 1
                  FROM bellhop.user_department d JOIN bellhop.department o ON o.id = d.department_id
                 WHERE d.department_id = ANY($2) AND d.user_id > $12
                 ORDER BY d.user_id LIMIT $13)
               UNION ALL
               (SELECT DISTINCT ON (g.user_id) g.user_id, 'group:' || o.key, 2
                  FROM bellhop.group_member g JOIN bellhop.custom_group o ON o.id = g.group_id
                 WHERE g.group_id = ANY($3) AND g.user_id > $12
                 ORDER BY g.user_id LIMIT $13)
               UNION ALL
               (SELECT r.id, 'role:' || (SELECT min(role) FROM unnest(r.roles) AS role WHERE role = ANY($4)), 3
                  FROM bellhop.user_account r
                 WHERE r.tenant_id = $5 AND r.roles && $4 AND r.id > $12
                 ORDER BY r.id LIMIT $13)
               UNION ALL
               (SELECT s.user_id, 'service', 4 FROM bellhop.service_member s
                 WHERE s.service_id = $6 AND $7 AND s.user_id > $12
                 ORDER BY s.user_id LIMIT $13)
               UNION ALL
               (SELECT DISTINCT d.user_id, 'recipient', 5 FROM bellhop.delivery d
                 WHERE d.notification_id = ANY($11) AND d.user_id > $12
                   AND d.at >= (SELECT min(bellhop.instant_of(id)) FROM unnest($11) AS id) - interval '1 minute'
                 ORDER BY d.user_id LIMIT $13)),
           page AS (
               SELECT DISTINCT ON (user_id) user_id, via FROM next
                ORDER BY user_id, rank LIMIT $13)
           SELECT p.user_id AS "user!", p.via,
                  u.active AND p.user_id <> ALL($8::uuid[])
                  AND NOT EXISTS (SELECT FROM bellhop.user_department d
                                   WHERE d.user_id = p.user_id AND d.department_id = ANY($9))
                  AND NOT EXISTS (SELECT FROM bellhop.group_member g
                                   WHERE g.user_id = p.user_id AND g.group_id = ANY($10)) AS "gets!"
             FROM page p JOIN bellhop.user_account u ON u.id = p.user_id
            ORDER BY p.user_id"#,
        &audience.users,
        &audience.departments,
        &audience.groups,
        &audience.roles,
        tenant,
        service,
        audience.service,
        &audience.except.users,
        &audience.except.departments,
        &audience.except.groups,
        &audience.of,
        after.unwrap_or(Uuid::nil()),
        PAGE,
    )
    .fetch_all(conn)
    .await?;
    let full = i64::try_from(rows.len()).is_ok_and(|count| count == PAGE);
    let after = rows.last().map(|row| row.user).filter(|_| full);
    Ok(Page {
        members: rows
            .into_iter()
            .filter(|row| row.gets)
            .map(|row| (row.user, row.via))
            .collect(),
        after,
    })
}
