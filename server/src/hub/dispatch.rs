//! From a commit to the connections that are here. Never blocks: what a connection cannot take now,
//! its gate notes and the pager reads later.

use std::sync::Arc;

use app::protocol::Patch;
use uuid::Uuid;

use super::frames::{self, Facts, Template, ToMany};
use super::line::{Encoding, Line};
use super::workflow::{Hub, Shared};
use crate::delivery::{Dispatch, Routed};

impl Dispatch for Hub {
    fn deliver(&self, routed: &[Routed]) {
        for one in routed {
            let publication = &one.publication;
            let mut template = None;
            for (user, seq) in &one.recipients {
                for client in self.shared.registry.of_user(*user) {
                    let template = template.get_or_insert_with(|| {
                        Template::new(Facts {
                            id: publication.id,
                            at: publication.at(),
                            kind: &publication.kind,
                            has_method: self
                                .shared
                                .classes
                                .has_method(publication.tenant, &publication.kind),
                            title: &publication.title,
                            body: &publication.body,
                            data: &publication.data,
                            severity: publication.severity,
                            thread_key: publication.thread_key.as_deref(),
                            // Stand-ins are owed theirs by a rung, which has them read it.
                            on_behalf_of: None,
                        })
                    });
                    let outcome = client.offer(*seq, publication.id, template);
                    if outcome.written {
                        self.shared.recorder.written(&client, *seq);
                    }
                    if outcome.wants_page {
                        self.shared.pager.ask(client);
                    }
                }
            }
            if !one.recipients.is_empty() {
                self.shared.watch.moved(&[publication.id]);
                self.shared.console.queue_changed(publication.tenant);
            }
        }
    }

    fn patch(&self, tenant: Uuid, group: &str, patch: &Patch) {
        self.shared.send_patch(tenant, group, patch);
    }
}

impl Shared {
    pub(crate) fn send_patch(&self, tenant: Uuid, group: &str, patch: &Patch) {
        let members = self.registry.of_group(tenant, group);
        if members.is_empty() {
            return;
        }
        let key: Arc<str> = patch.topic.as_str().into();
        // Encoded once for each protocol that a member speaks, shared by all who speak it.
        let newest = ToMany::new(app::protocol::PATCH, patch);
        for client in members {
            // Conflated and losable: whoever misses it notices by the revision. Unsent ones become one
            // that builds on what the oldest built on; only slow connections pay for that.
            let encoding = client.line.encoding();
            // A stream joins no topic: it has no way to ask.
            let (Line::Hub(conn), Encoding::Hub(protocol)) = (&client.line, encoding) else {
                continue;
            };
            let _ = conn.send_merged(&key, newest.frame(encoding), |unsent, newer| {
                match frames::patch_of(protocol, unsent) {
                    Some(unsent) => {
                        let merged = unsent.merge(patch.clone());
                        frames::invocation(encoding, app::protocol::PATCH, &merged)
                    }
                    None => newer,
                }
            });
        }
    }
}
