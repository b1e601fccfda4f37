//! Backlogs: what users are still owed, a page each, many users a statement.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx as _;
use sqlx::PgConnection;
use uuid::Uuid;

/// Rows a page.
pub const PAGE: usize = 100;

/// One connection's question.
pub struct Question {
    /// Whose backlog.
    pub user: Uuid,
    /// After which number.
    pub from: i64,
    /// Nothing after that number was routed before this: older days are not looked at. At most 31 days
    /// are looked at anyway, for no notification lives longer than 28.
    pub since: Timestamp,
    /// What was only "reached" by some device is owed too (devices that ack for themselves).
    pub reached_too: bool,
    /// Numbers beyond `from` that this device has acked, as Postgres prints a multirange: owed still, because
    /// every device must ack, but not to this one.
    pub acked: String,
}

/// Questions column by column, as both statements are given them. What is owed is said in both as well: a page wants the
/// oldest hundred, a count their classes.
#[derive(Default)]
struct Asked<'a> {
    indices: Vec<i32>,
    users: Vec<Uuid>,
    froms: Vec<i64>,
    reached_too: Vec<bool>,
    /// Microseconds.
    since: Vec<i64>,
    acked: Vec<&'a str>,
}

impl<'a> Asked<'a> {
    fn of(questions: impl Iterator<Item = &'a Question>) -> Self {
        let mut asked = Self::default();
        for (index, question) in (0_i32..).zip(questions) {
            asked.indices.push(index);
            asked.users.push(question.user);
            asked.froms.push(question.from);
            asked.reached_too.push(question.reached_too);
            asked.since.push(question.since.as_microsecond());
            asked.acked.push(&question.acked);
        }
        asked
    }
}

/// One owed item. `index` says whose question it answers.
pub struct Owed {
    /// Index of the question.
    pub index: usize,
    /// The user's number of it.
    pub seq: i64,
    /// The notification.
    pub id: Uuid,
    /// When it was accepted.
    pub at: Timestamp,
    /// When it was routed to this user.
    pub routed_at: Timestamp,
    /// Kind.
    pub kind: String,
    /// Title.
    pub title: String,
    /// Body.
    pub body: String,
    /// JSON object as text.
    pub data: String,
    /// `info`, `warning`, `critical`.
    pub severity: String,
    /// Thread.
    pub thread_key: Option<String>,
    /// Outer id of whom the user stands in for.
    pub on_behalf_of: Option<String>,
    /// Its class's key.
    pub class: String,
    /// It takes others back.
    pub is_withdrawal: bool,
}

/// The answers: rows sorted by question and number, and the last number each question's user had
/// been given when it was read, in the same snapshot.
pub struct Answers {
    /// At most [`PAGE`] a question.
    pub rows: Vec<Owed>,
    /// One a question.
    pub last: Vec<i64>,
    /// One a question: where its page ends if it has [`PAGE`] rows, those without a notification
    /// counted, so that more may follow.
    pub full: Vec<Option<i64>>,
}

/// Reads a page for each question. Each notification is looked up by itself (LIMIT 1): as a plain join
/// it may be planned as a hash of the whole table. 500 users with 10 rows each take about 24 ms; one user a
/// statement would be ten times dearer (`docs/architecture.md`, storage).
pub async fn pages(
    conn: &mut PgConnection,
    questions: &[Question],
    now: Timestamp,
) -> sqlx::Result<Answers> {
    let asked = Asked::of(questions.iter());
    let rows = sqlx::query!(
        r#"SELECT q.i AS "i!", s.last_seq AS "last!", o.seq AS "seq?", o.id AS "id?",
                  o.at AS "at?", o.routed_at AS "routed_at?", o.kind AS "kind?", o.title AS "title?",
                  o.body AS "body?", o.data AS "data?", o.severity AS "severity?", o.thread_key,
                  o.on_behalf_of AS "on_behalf_of?", o.class AS "class?", (o.rule & 8) <> 0 AS "hidden?"
             FROM (SELECT i, user_id, after, reached_too, since, acked::int8multirange AS acked
                     FROM unnest($1::int[], $2::uuid[], $3::bigint[], $4::bool[], $6::bigint[], $7::text[])
                          AS q (i, user_id, after, reached_too, since, acked)) q
             JOIN bellhop.user_stream s ON s.user_id = q.user_id
             LEFT JOIN LATERAL (
                  SELECT d.seq, d.at AS routed_at, d.rule, n.*,
                         CASE WHEN d.for_user IS NOT NULL THEN
                              (SELECT u.key FROM bellhop.user_account u WHERE u.id = d.for_user) END AS on_behalf_of
                    FROM (SELECT d.seq, d.notification_id, d.at, d.for_user, d.rule FROM bellhop.delivery d
                           WHERE d.user_id = q.user_id AND d.seq > q.after
                             AND (d.state = 0 OR d.state = 1 AND (q.reached_too OR (d.rule & 3) <> 0))
                             AND NOT q.acked @> d.seq
                             AND d.expires_at > $5 AND d.at > $5::timestamptz - interval '31 days'
                             AND d.at > timestamptz 'epoch' + q.since * interval '1 microsecond'
                           ORDER BY d.seq LIMIT 100) d
                    LEFT JOIN LATERAL (
                         SELECT n.id, n.at, n.kind, n.title, n.body, n.data, n.severity, n.thread_key,
                                n.class
                           FROM bellhop.notification n
                          WHERE n.id = d.notification_id
                            AND n.at = bellhop.instant_of(d.notification_id)
                          LIMIT 1) n ON true) o ON true
            ORDER BY q.i, o.seq"#,
        &asked.indices,
        &asked.users,
        &asked.froms,
        &asked.reached_too,
        now.to_sqlx(),
        &asked.since,
        &asked.acked as &[&str],
    )
    .fetch_all(conn)
    .await?;
    let mut answers = Answers {
        rows: Vec::with_capacity(rows.len()),
        last: vec![0; questions.len()],
        full: vec![None; questions.len()],
    };
    let mut counts = vec![0; questions.len()];
    for row in rows {
        let Ok(index) = usize::try_from(row.i) else {
            continue;
        };
        answers.last[index] = row.last;
        counts[index] += 1;
        answers.full[index] = row.seq.filter(|_| counts[index] == PAGE);
        let (Some(seq), Some(id), Some(at), Some(routed_at)) =
            (row.seq, row.id, row.at, row.routed_at)
        else {
            continue;
        };
        answers.rows.push(Owed {
            index,
            seq,
            id,
            at: at.to_jiff(),
            routed_at: routed_at.to_jiff(),
            kind: row.kind.unwrap_or_default(),
            title: row.title.unwrap_or_default(),
            body: row.body.unwrap_or_default(),
            data: row.data.unwrap_or_default(),
            severity: row.severity.unwrap_or_default(),
            thread_key: row.thread_key,
            on_behalf_of: row.on_behalf_of,
            class: row.class.unwrap_or_default(),
            is_withdrawal: row.hidden.unwrap_or_default(),
        });
    }
    Ok(answers)
}

/// How much of one class one connection is owed.
pub struct Count {
    /// Index of the question.
    pub index: usize,
    /// The class's key.
    pub class: String,
    /// How many.
    pub owed: i64,
    /// The highest number among them.
    pub through: i64,
}

/// How much of these classes each question's user is owed, withdrawals apart. Of one who is owed more than 20,000, among the
/// oldest 20,000: a look-up of a notification costs 4 us.
pub async fn counts(
    conn: &mut PgConnection,
    questions: &[&Question],
    classes: &[&str],
    now: Timestamp,
) -> sqlx::Result<Vec<Count>> {
    let asked = Asked::of(questions.iter().copied());
    let rows = sqlx::query!(
        r#"SELECT q.i AS "i!", n.class AS "class!", count(*) AS "owed!", max(d.seq) AS "through!"
             FROM (SELECT i, user_id, after, reached_too, since, acked::int8multirange AS acked
                     FROM unnest($1::int[], $2::uuid[], $3::bigint[], $4::bool[], $6::bigint[], $7::text[])
                          AS q (i, user_id, after, reached_too, since, acked)) q
            CROSS JOIN LATERAL (
                  SELECT d.seq, d.notification_id FROM bellhop.delivery d
                   WHERE d.user_id = q.user_id AND d.seq > q.after
                     AND (d.state = 0 OR d.state = 1 AND (q.reached_too OR (d.rule & 3) <> 0))
                     AND (d.rule & 8) = 0 AND NOT q.acked @> d.seq
                     AND d.expires_at > $5 AND d.at > $5::timestamptz - interval '31 days'
                     AND d.at > timestamptz 'epoch' + q.since * interval '1 microsecond'
                   ORDER BY d.seq LIMIT 20000) d
            CROSS JOIN LATERAL (
                  SELECT n.class FROM bellhop.notification n
                   WHERE n.id = d.notification_id AND n.at = bellhop.instant_of(d.notification_id)
                   LIMIT 1) n
            WHERE n.class = ANY ($8)
            GROUP BY q.i, n.class
            ORDER BY q.i, n.class"#,
        &asked.indices,
        &asked.users,
        &asked.froms,
        &asked.reached_too,
        now.to_sqlx(),
        &asked.since,
        &asked.acked as &[&str],
        classes as &[&str],
    )
    .fetch_all(conn)
    .await?;
    let counts = rows.into_iter().filter_map(|row| {
        Some(Count {
            index: usize::try_from(row.i).ok()?,
            class: row.class,
            owed: row.owed,
            through: row.through,
        })
    });
    Ok(counts.collect())
}
