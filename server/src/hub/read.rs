//! Read receipts between people, where their tenant wants them: who opened something of a thread is told to the
//! others who take part in it and are connected. No number, no record; missed is missed, as with `Typing`.
//!
//! Who takes part: whoever was given something of the thread themselves, and, of a request's, whoever has joined it,
//! for which they had to be allowed to see it. Nobody else learns that the thread exists.
//!
//! Costs two statements a call of `MarkRead`, and none while the switch is off. Bounds: 100 items a call, 200 users
//! a thread.

use std::collections::BTreeSet;
use std::sync::Arc;

use app::protocol::{READ_RECEIPT, ReadReceipt};
use jiff::Timestamp;
use uuid::Uuid;

use super::client::Client;
use super::frames::ToMany;
use super::workflow::{Hub, Shared};
use crate::store::inbox as store;
use crate::workplace::topics::Topic;

impl Hub {
    /// A user has marked these as read, at that moment.
    pub async fn tell_read(&self, tenant: Uuid, user: Uuid, ids: &[Uuid], at: Timestamp) {
        self.shared.tell_read(tenant, user, ids, at).await;
    }
}

impl Shared {
    /// A user has marked these as read, at that moment.
    pub(super) async fn tell_read(&self, tenant: Uuid, user: Uuid, ids: &[Uuid], at: Timestamp) {
        if !self.classes.read_receipts(tenant) {
            return;
        }
        if let Err(error) = self.find_and_tell(tenant, user, ids, at).await {
            tracing::debug!(%error, "read receipts not told");
        }
    }

    async fn find_and_tell(
        &self,
        tenant: Uuid,
        user: Uuid,
        ids: &[Uuid],
        at: Timestamp,
    ) -> sqlx::Result<()> {
        let mut conn = self.pool.acquire().await?;
        let read = store::read_at(&mut conn, user, ids, at).await?;
        // The latest of a thread stands for it: the others are older.
        let mut told: BTreeSet<(Uuid, &str)> = BTreeSet::new();
        let mut to_tell = Vec::new();
        for one in &read {
            if told.insert((one.service, &one.thread)) {
                let users = store::participants(&mut conn, one.service, &one.thread, at).await?;
                to_tell.push((one, users));
            }
        }
        drop(conn);
        for (one, users) in to_tell {
            let receipt = ReadReceipt {
                thread_key: one.thread.clone(),
                notification_id: one.notification.to_string(),
                user: one.user.clone(),
                name: one.name.clone(),
                at: at.to_string(),
            };
            let key: Arc<str> =
                format!("{READ_RECEIPT}\n{}\n{}\n{user}", one.service, one.thread).into();
            let message = ToMany::new(READ_RECEIPT, &receipt);
            for client in self.of_thread(tenant, user, &one.thread, &users) {
                client.tell(Some(&key), &message);
            }
        }
        Ok(())
    }

    /// Each connection once, without those of whoever read it.
    fn of_thread(
        &self,
        tenant: Uuid,
        reader: Uuid,
        thread: &str,
        users: &[Uuid],
    ) -> Vec<Arc<Client>> {
        let mut clients: Vec<Arc<Client>> = Vec::new();
        for user in users {
            clients.extend(self.registry.of_user(*user));
        }
        let topic = Topic::parse(thread, reader);
        if let Some(topic) = topic.filter(|topic| matches!(topic, Topic::Request(_))) {
            for client in self.registry.of_group(tenant, &topic.group()) {
                if !users.contains(&client.user) {
                    clients.push(client);
                }
            }
        }
        clients.retain(|client| client.user != reader && client.tenant == tenant);
        clients
    }
}
