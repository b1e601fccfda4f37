//! What ended without an ack, over all services of the tenant: a list of it, and sending it again, by ids or all that
//! match.

use std::collections::{BTreeMap, BTreeSet};

use app::backend::Caller;
use app::error::AppError;
use app::model::admin::{DeadLetterRow, Page, PageQuery, SentAgain};
use app::model::person::Role;
use app::protocol::topic;
use uuid::Uuid;

use super::super::backend::{PAGE, Rooms, need, skip, tenant, user};
use super::moment;
use crate::delivery::dead_letters::{MOST, Outcome, Sender, step};
use crate::store::dead_letters::{self as letters, Cursor, Filter, Letter};
use crate::store::people;

/// Steps of one count: as many as the list counts itself.
const MOST_STEPS: usize = 10;

/// A search's words: `reason:`, `kind:`, `user:` and `open:yes` filter, the rest is looked for.
fn filter(search: &str) -> Filter {
    let mut filter = Filter::default();
    let mut rest: Vec<&str> = Vec::new();
    for word in search.split_whitespace() {
        match word.split_once(':') {
            Some(("reason", value)) => value.clone_into(&mut filter.reason),
            Some(("kind", value)) => value.clone_into(&mut filter.kind),
            Some(("user", value)) => value.clone_into(&mut filter.user),
            Some(("open", "yes")) => filter.open = true,
            _ => rest.push(word),
        }
    }
    filter.search = rest.join(" ").replace('\0', "");
    filter
}

fn letter_row(row: Letter) -> DeadLetterRow {
    DeadLetterRow {
        id: format!("{}/{}", row.user.simple(), row.seq),
        notification: row.notification.to_string(),
        kind: row.kind.unwrap_or_default(),
        title: row.title.unwrap_or_default(),
        service: row.service_key.unwrap_or_default(),
        user: row.key.unwrap_or_default(),
        name: row.name.unwrap_or_default(),
        reason: row.reason,
        at: moment(row.at.to_jiff()),
        sent_again: row.sent_again.map(|by| by.to_string()),
    }
}

/// Inner ids and numbers; what is none is passed over.
fn picked(ids: &[String]) -> (Vec<Uuid>, Vec<i64>) {
    let read = |id: &String| {
        let (user, seq) = id.split_once('/')?;
        Some((Uuid::try_parse(user).ok()?, seq.parse().ok()?))
    };
    let ids: BTreeSet<(Uuid, i64)> = ids.iter().filter_map(read).collect();
    ids.into_iter().unzip()
}

fn sent_again(dry_run: bool, outcomes: &[Outcome]) -> SentAgain {
    let mut answer = SentAgain {
        dry_run,
        ..SentAgain::default()
    };
    let mut refused: BTreeMap<&str, i64> = BTreeMap::new();
    for outcome in outcomes {
        match outcome {
            Outcome::Would | Outcome::Sent(_) => answer.count += 1,
            Outcome::Before(_) => answer.before += 1,
            Outcome::Refused(_, why) => *refused.entry(why).or_default() += 1,
        }
    }
    answer.refused = refused
        .into_iter()
        .map(|(why, count)| (why.to_owned(), count))
        .collect();
    answer
}

impl Rooms {
    pub(in crate::web) async fn undelivered_page(
        &self,
        caller: &Caller,
        query: PageQuery,
    ) -> Result<Page<DeadLetterRow>, AppError> {
        need(caller, Role::Admin)?;
        let as_of = self.console_revision(caller, topic::ADMIN_QUEUED);
        let filter = filter(&query.search);
        let offset = i64::try_from(skip(&query)).unwrap_or(i64::MAX);
        let most = i64::try_from(PAGE).unwrap_or(i64::MAX);
        let mut conn = self.connection().await?;
        let rows = letters::page(&mut conn, tenant(caller), &filter, None, offset, most).await;
        let rows = self.database(rows)?.into_iter().map(letter_row).collect();
        let total = letters::count(&mut conn, tenant(caller), &filter).await;
        let total = self.database(total)?;
        Ok(Page { rows, total, as_of })
    }

    pub(in crate::web) async fn send_letters_again(
        &self,
        caller: &Caller,
        ids: Vec<String>,
        dry_run: bool,
    ) -> Result<SentAgain, AppError> {
        need(caller, Role::Admin)?;
        let (users, seqs) = picked(&ids);
        if users.is_empty() || users.len() > MOST {
            return Err(AppError::Invalid {
                field: "Messages".to_owned(),
                problem: format!("Select 1 to {MOST}."),
            });
        }
        let tenant = tenant(caller);
        let mut conn = self.connection().await?;
        let rows = self.database(letters::picked(&mut conn, tenant, &users, &seqs).await)?;
        drop(conn);
        let publisher = self.publisher(caller).await?;
        let sender = self.sender(caller, &publisher);
        if dry_run {
            return Ok(sent_again(
                true,
                &self.database(sender.dry_run(&rows).await)?,
            ));
        }
        let outcomes = self.database(sender.send(&rows).await)?;
        let answer = sent_again(false, &outcomes);
        self.sent(caller, &publisher, &answer);
        Ok(answer)
    }

    /// What sending all again that match would do. Counted up to [`MOST_STEPS`] times [`MOST`].
    pub(in crate::web) async fn count_letters(
        &self,
        caller: &Caller,
        search: &str,
    ) -> Result<SentAgain, AppError> {
        need(caller, Role::Admin)?;
        let tenant = tenant(caller);
        let begin = Cursor::now(self.product().parts.clock.now());
        let mut filter = filter(search);
        let publisher = self.publisher(caller).await?;
        let sender = self.sender(caller, &publisher);
        let mut conn = self.connection().await?;
        let all = if filter.open {
            0
        } else {
            self.database(letters::count(&mut conn, tenant, &filter).await)?
        };
        filter.open = true;
        let open = self.database(letters::count(&mut conn, tenant, &filter).await)?;
        drop(conn);
        let mut answer = SentAgain {
            dry_run: true,
            ..SentAgain::default()
        };
        let mut after = Some(begin);
        for _ in 0..MOST_STEPS {
            // One connection at a time: several such counts would wait for each other's second one.
            let mut conn = self.connection().await?;
            let found = self.database(step(&mut conn, tenant, &filter, after).await)?;
            drop(conn);
            let outcomes = self.database(sender.dry_run(&found.letters).await)?;
            answer.add(sent_again(true, &outcomes));
            after = found.next;
            if after.is_none() {
                break;
            }
        }
        answer.before += (all - open).max(0);
        answer.more = after.is_some();
        answer.next = Some(begin.to_string());
        Ok(answer)
    }

    /// Sends the next of those that match and were not sent again.
    pub(in crate::web) async fn send_step(
        &self,
        caller: &Caller,
        search: &str,
        after: &str,
    ) -> Result<SentAgain, AppError> {
        need(caller, Role::Admin)?;
        let after = Cursor::read(after).ok_or_else(|| AppError::Invalid {
            field: "Messages".to_owned(),
            problem: "Count them again first.".to_owned(),
        })?;
        let mut filter = filter(search);
        filter.open = true;
        let mut conn = self.connection().await?;
        let found = step(&mut conn, tenant(caller), &filter, Some(after)).await;
        let found = self.database(found)?;
        drop(conn);
        let publisher = self.publisher(caller).await?;
        let sender = self.sender(caller, &publisher);
        let outcomes = self.database(sender.send(&found.letters).await)?;
        let mut answer = sent_again(false, &outcomes);
        answer.next = found.next.map(|next| next.to_string());
        self.sent(caller, &publisher, &answer);
        Ok(answer)
    }

    /// As whom an administrator publishes.
    async fn publisher(&self, caller: &Caller) -> Result<String, AppError> {
        let mut conn = self.connection().await?;
        let me = self.database(people::me(&mut conn, user(caller)).await)?;
        Ok(format!("user:{}", me.ok_or(AppError::SignedOut)?.key))
    }

    fn sender<'a>(&'a self, caller: &Caller, publisher: &'a str) -> Sender<'a> {
        let product = self.product();
        Sender {
            pool: &product.parts.pool,
            committer: &product.committer,
            classes: &product.workplace.classes,
            ids: &product.parts.ids,
            clock: &product.parts.clock,
            tenant: tenant(caller),
            publisher,
        }
    }

    fn sent(&self, caller: &Caller, publisher: &str, answer: &SentAgain) {
        self.product().hub.console().queue_changed(tenant(caller));
        let count = answer.count;
        tracing::info!(publisher, count, "an administrator sent messages again");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_search_filter() {
        let found = filter("reason:expired fire alarm kind:Fire open:yes a:b");
        assert_eq!(found.reason, "expired");
        assert_eq!(found.kind, "Fire");
        assert!(found.open);
        assert_eq!(found.search, "fire alarm a:b");
    }

    #[test]
    fn what_is_no_id_is_passed_over() {
        let user = Uuid::from_u128(7);
        let ids = [
            "x".to_owned(),
            "1/2".to_owned(),
            format!("{}/3", user.simple()),
            format!("{user}/3"),
        ];
        assert_eq!(picked(&ids), (vec![user], vec![3]));
    }
}
