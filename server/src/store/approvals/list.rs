//! The lists: which requests are in whose tab, how many, and one line about each.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use uuid::Uuid;

/// Rows of a list at most.
const LIMIT: i64 = 200;

/// Which list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    /// I can decide.
    Waiting,
    /// I decided, since the instant given beside it.
    Decided,
    /// I asked.
    Mine,
}

/// How many requests each tab of a user has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountsRow {
    /// Whose.
    pub user: Uuid,
    /// They can decide.
    pub waiting: i64,
    /// They decided.
    pub decided: i64,
    /// They asked, and it is in review.
    pub mine: i64,
}

/// In which tabs of a user one request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlaceRow {
    /// Whose.
    pub user: Uuid,
    /// They can decide.
    pub waiting: bool,
    /// They decided.
    pub decided: bool,
    /// They asked.
    pub mine: bool,
}

/// One line about a request.
#[derive(Clone, Debug)]
pub struct SummaryRow {
    /// Inner id.
    pub id: Uuid,
    /// Running number inside the tenant.
    pub number: i64,
    /// Chooses the icon.
    pub kind: String,
    /// One line.
    pub subject: String,
    /// The key fact.
    pub amount: String,
    /// Goes up with every edit.
    pub revision: i32,
    /// `in_review`, `approved`, `rejected`, `withdrawn`.
    pub state: String,
    /// When it was sent.
    pub submitted_at: Timestamp,
    /// When it was over.
    pub decided_at: Option<Timestamp>,
    /// The customer's id of the requester.
    pub requester: String,
    /// Display name of the requester.
    pub requester_name: String,
    /// Name of their first department, or empty.
    pub department: String,
    /// Step that is open, or was the last one looked at.
    pub step: i32,
    /// Number of steps.
    pub steps: i64,
    /// When the open step should be decided.
    pub due_at: Option<Timestamp>,
    /// Display names of those who can decide now.
    pub waits_on: Vec<String>,
    /// Who did the last thing to it after it was sent.
    pub last_actor: Option<String>,
}

/// Ids of a tab's requests, in the order of the list.
pub async fn ids_of(
    conn: &mut PgConnection,
    tenant: Uuid,
    user: Uuid,
    tab: Tab,
    since: Timestamp,
) -> sqlx::Result<Vec<Uuid>> {
    match tab {
        Tab::Waiting => {
            sqlx::query_scalar!(
                "SELECT r.id
                   FROM bellhop.assignment a
                   JOIN bellhop.request_step s ON s.id = a.step_id AND s.state = 'open'
                   JOIN bellhop.request r ON r.id = s.request_id
                  WHERE a.assignee_id = $1 AND a.state = 'pending' AND r.tenant_id = $2
                  ORDER BY s.due_at NULLS LAST, r.submitted_at, r.id LIMIT $3",
                user,
                tenant,
                LIMIT,
            )
            .fetch_all(conn)
            .await
        }
        Tab::Decided => {
            sqlx::query_scalar!(
                "SELECT r.id
                   FROM bellhop.assignment a
                   JOIN bellhop.request_step s ON s.id = a.step_id
                   JOIN bellhop.request r ON r.id = s.request_id
                  WHERE a.assignee_id = $1 AND a.state IN ('approved', 'rejected')
                    AND a.decided_at > $3 AND r.tenant_id = $2
                  GROUP BY r.id ORDER BY max(a.decided_at) DESC, r.id LIMIT $4",
                user,
                tenant,
                since.to_sqlx(),
                LIMIT,
            )
            .fetch_all(conn)
            .await
        }
        Tab::Mine => {
            sqlx::query_scalar!(
                "SELECT id FROM bellhop.request WHERE requester_id = $1 AND tenant_id = $2
                  ORDER BY submitted_at DESC, id LIMIT $3",
                user,
                tenant,
                LIMIT,
            )
            .fetch_all(conn)
            .await
        }
    }
}

/// Counts of several users; decisions since `since`.
pub async fn counts(
    conn: &mut PgConnection,
    tenant: Uuid,
    users: &[Uuid],
    since: Timestamp,
) -> sqlx::Result<Vec<CountsRow>> {
    sqlx::query_as!(
        CountsRow,
        r#"SELECT w.id AS "user!",
                  (SELECT count(*) FROM bellhop.assignment a
                     JOIN bellhop.request_step s ON s.id = a.step_id AND s.state = 'open'
                    WHERE a.assignee_id = w.id AND a.state = 'pending' AND a.tenant_id = $2)
                    AS "waiting!",
                  (SELECT count(DISTINCT s.request_id) FROM bellhop.assignment a
                     JOIN bellhop.request_step s ON s.id = a.step_id
                    WHERE a.assignee_id = w.id AND a.state IN ('approved', 'rejected')
                      AND a.decided_at > $3 AND a.tenant_id = $2) AS "decided!",
                  (SELECT count(*) FROM bellhop.request r
                    WHERE r.requester_id = w.id AND r.state = 'in_review' AND r.tenant_id = $2)
                    AS "mine!"
             FROM unnest($1::uuid[]) AS w (id)"#,
        users,
        tenant,
        since.to_sqlx(),
    )
    .fetch_all(conn)
    .await
}

/// In which tabs of each of `users` the request is.
pub async fn places(
    conn: &mut PgConnection,
    tenant: Uuid,
    request: Uuid,
    users: &[Uuid],
) -> sqlx::Result<Vec<PlaceRow>> {
    sqlx::query_as!(
        PlaceRow,
        r#"SELECT w.id AS "user!",
                  EXISTS (SELECT FROM bellhop.request_step s
                            JOIN bellhop.assignment a ON a.step_id = s.id
                           WHERE s.request_id = $1 AND s.state = 'open'
                             AND a.assignee_id = w.id AND a.state = 'pending') AS "waiting!",
                  EXISTS (SELECT FROM bellhop.request_step s
                            JOIN bellhop.assignment a ON a.step_id = s.id
                           WHERE s.request_id = $1 AND a.assignee_id = w.id
                             AND a.state IN ('approved', 'rejected')) AS "decided!",
                  EXISTS (SELECT FROM bellhop.request r
                           WHERE r.id = $1 AND r.tenant_id = $2 AND r.requester_id = w.id)
                    AS "mine!"
             FROM unnest($3::uuid[]) AS w (id)"#,
        request,
        tenant,
        users,
    )
    .fetch_all(conn)
    .await
}

/// One line about each, in the order of `ids`; unknown ones are left out.
pub async fn summaries(
    conn: &mut PgConnection,
    tenant: Uuid,
    ids: &[Uuid],
) -> sqlx::Result<Vec<SummaryRow>> {
    let rows = sqlx::query!(
        r#"SELECT r.id, r.number, r.kind, r.subject, r.amount, r.revision, r.state, r.submitted_at,
                  r.decided_at, u.key AS requester, u.name AS requester_name,
                  coalesce((SELECT d.name FROM bellhop.user_department ud
                              JOIN bellhop.department d ON d.id = ud.department_id
                             WHERE ud.user_id = u.id ORDER BY d.key LIMIT 1), '') AS "department!",
                  coalesce(o.seq, (SELECT max(s.seq) FROM bellhop.request_step s
                                    WHERE s.request_id = r.id AND s.state <> 'waiting'
                                      AND s.opened_at IS NOT NULL), 1) AS "step!",
                  (SELECT count(*) FROM bellhop.request_step s WHERE s.request_id = r.id)
                    AS "steps!",
                  o.due_at AS "due_at?",
                  coalesce((SELECT array_agg(p.name ORDER BY p.name) FROM bellhop.assignment a
                              JOIN bellhop.user_account p ON p.id = a.assignee_id
                             WHERE a.step_id = o.id AND a.state = 'pending'), '{}') AS "waits_on!",
                  (SELECT p.name FROM bellhop.request_event e
                     JOIN bellhop.user_account p ON p.id = e.actor_id
                    WHERE e.request_id = r.id AND e.kind <> 'submitted'
                    ORDER BY e.id DESC LIMIT 1) AS last_actor
             FROM unnest($2::uuid[]) WITH ORDINALITY AS want (id, place)
             JOIN bellhop.request r ON r.id = want.id AND r.tenant_id = $1
             JOIN bellhop.user_account u ON u.id = r.requester_id
             LEFT JOIN bellhop.request_step o ON o.request_id = r.id AND o.state = 'open'
            ORDER BY want.place"#,
        tenant,
        ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| SummaryRow {
            id: row.id,
            number: row.number,
            kind: row.kind,
            subject: row.subject,
            amount: row.amount,
            revision: row.revision,
            state: row.state,
            submitted_at: row.submitted_at.to_jiff(),
            decided_at: row.decided_at.map(jiff_sqlx::Timestamp::to_jiff),
            requester: row.requester,
            requester_name: row.requester_name,
            department: row.department,
            step: row.step,
            steps: row.steps,
            due_at: row.due_at.map(jiff_sqlx::Timestamp::to_jiff),
            waits_on: row.waits_on,
            last_actor: row.last_actor,
        })
        .collect())
}
