//! The public API, as any back end calls it. Whoever reads its errors sits at a shell: each says what to do.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use http::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::hub::{root, short};
use super::recipient::Server;

/// As many deliveries as one page of the API has.
const PAGE: usize = 200;

/// One server, called with one key.
pub struct Api {
    server: Server,
    key: SecretString,
}

/// What became of a publication that was asked for.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    Accepted {
        id: Uuid,
        duplicate: bool,
    },
    /// The server said no to this one: asking again is no use.
    Refused(String),
    /// No answer, or "later": ask again under the same key.
    Later(String),
}

/// What is read of a notification.
#[derive(Deserialize)]
struct Page {
    deliveries: Vec<Delivery>,
}

#[derive(Deserialize)]
struct Delivery {
    user: Arc<str>,
    state: String,
}

impl Api {
    /// With a key or a service's token.
    #[must_use]
    pub fn new(server: Server, key: SecretString) -> Self {
        Self { server, key }
    }

    /// Publishes.
    pub async fn publish(&self, body: &Value) -> Answer {
        #[derive(Deserialize)]
        struct Published {
            id: Uuid,
            duplicate: bool,
        }
        let (status, text) = match self.ask(Method::POST, "/notifications", Some(body)).await {
            Ok(answer) => answer,
            Err(error) => return Answer::Later(format!("no answer: {error}")),
        };
        if status.is_success() {
            return match serde_json::from_str::<Published>(&text) {
                Ok(Published { id, duplicate }) => Answer::Accepted { id, duplicate },
                Err(error) => {
                    Answer::Refused(format!("{} without an id: {error}", status.as_u16()))
                }
            };
        }
        let why = format!("{} {}", status.as_u16(), code(&text));
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            Answer::Later(why)
        } else {
            Answer::Refused(why)
        }
    }

    /// Whether the server would serve now.
    pub async fn ready(&self) -> anyhow::Result<()> {
        let url = format!("{}/health/ready", self.server.base);
        let answer = self.server.http.get(&url).send().await;
        let answer = answer
            .map_err(|error| anyhow::anyhow!(root(&error)))
            .with_context(|| {
                format!(
                    "{} does not answer: is this the server's address, and does it run?",
                    self.server.base
                )
            })?;
        let status = answer.status();
        if !status.is_success() {
            let said = answer.text().await.unwrap_or_default();
            bail!(
                "{url} says {status}: {}. Wait until the server is ready",
                code(&said)
            );
        }
        Ok(())
    }

    /// Makes the group and the users in it, or finds them made.
    pub async fn provision(&self, group: &str, users: &[Arc<str>]) -> anyhow::Result<()> {
        let path = format!("/groups/{group}");
        self.provisioned(Method::PUT, &path, Some(&json!({"name": "Bellhop verify"})))
            .await?;
        for some in users.chunks(500) {
            let items: Vec<Value> = some
                .iter()
                .map(
                    |user| json!({"id": user, "name": format!("Verify {user}"), "groups": [group]}),
                )
                .collect();
            self.provisioned(Method::PUT, "/users", Some(&json!({ "items": items })))
                .await?;
        }
        Ok(())
    }

    /// Deactivates the users and deletes the group; what was theirs stays readable.
    pub async fn dismiss(&self, group: &str, users: &[Arc<str>]) -> anyhow::Result<()> {
        for user in users {
            self.provisioned(Method::DELETE, &format!("/users/{user}"), None)
                .await?;
        }
        self.provisioned(Method::DELETE, &format!("/groups/{group}"), None)
            .await
    }

    async fn provisioned(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<()> {
        let asked = self.ask(method, path, body).await;
        let (status, text) = asked
            .map_err(|error| anyhow::anyhow!(error))
            .with_context(|| format!("{path} was not answered"))?;
        match status {
            status if status.is_success() => Ok(()),
            StatusCode::UNAUTHORIZED => bail!(unauthorized(&text)),
            StatusCode::FORBIDDEN => bail!(
                "the key may not provision users: give one with the scopes publish, read and provision, or \
                 name users that exist with --tokens"
            ),
            _ => bail!("{path} was answered {status}: {}", short(&text)),
        }
    }

    /// The states of a notification's deliveries, by user. `None`: the API knows of no such notification.
    pub async fn states(&self, id: Uuid) -> anyhow::Result<Option<HashMap<Arc<str>, String>>> {
        let mut found = HashMap::new();
        let mut after: Arc<str> = "".into();
        loop {
            let path = match &*after {
                "" => format!("/notifications/{id}"),
                after => {
                    let after: String =
                        url::form_urlencoded::byte_serialize(after.as_bytes()).collect();
                    format!("/notifications/{id}?after={after}")
                }
            };
            let asked = self.ask(Method::GET, &path, None).await;
            let (status, text) = asked.map_err(|error| anyhow::anyhow!(error))?;
            match status {
                StatusCode::NOT_FOUND => return Ok(None),
                StatusCode::UNAUTHORIZED => bail!(unauthorized(&text)),
                StatusCode::FORBIDDEN => bail!(
                    "the key may not read deliveries: give one with the scope `read` too, else nobody can say \
                     whether acks are kept"
                ),
                status if status.is_success() => {}
                _ => bail!("{path} was answered {status}: {}", short(&text)),
            }
            let page: Page = serde_json::from_str(&text).with_context(|| format!("read {path}"))?;
            let count = page.deliveries.len();
            for delivery in page.deliveries {
                after = delivery.user.clone();
                found.insert(delivery.user, delivery.state);
            }
            if count < PAGE {
                return Ok(Some(found));
            }
        }
    }

    /// Acknowledges in a user's name, so that nothing of a run stays owed.
    pub async fn acknowledge(&self, token: &SecretString, ids: &[Uuid]) -> bool {
        let asked = self
            .server
            .http
            .post(format!("{}/api/v1/acks", self.server.base))
            .bearer_auth(token.expose_secret())
            .json(&json!({ "ids": ids }))
            .send()
            .await;
        asked.is_ok_and(|answer| answer.status().is_success())
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, String), String> {
        let url = format!("{}/api/v1{path}", self.server.base);
        let mut ask = self
            .server
            .http
            .request(method, url)
            .bearer_auth(self.key.expose_secret());
        if let Some(body) = body {
            ask = ask.json(body);
        }
        let answer = ask.send().await.map_err(|error| root(&error))?;
        let status = answer.status();
        let text = answer.text().await.map_err(|error| root(&error))?;
        Ok((status, text))
    }
}

fn unauthorized(text: &str) -> String {
    let code = code(text);
    format!("the server does not take the key ({code}): `bellhop key create` makes one")
}

/// The stable word of a problem.
fn code(text: &str) -> String {
    let problem: Value = serde_json::from_str(text).unwrap_or_default();
    match problem.get("code").and_then(Value::as_str) {
        Some(code) => code.to_owned(),
        None => short(text),
    }
}
