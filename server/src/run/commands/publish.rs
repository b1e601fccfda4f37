//! `bellhop publish`: one notification from a shell, over the same API as everybody.

use anyhow::{Context as _, bail};
use clap::Args;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::target::Server;

#[derive(Args, Debug)]
pub struct Publish {
    #[command(flatten)]
    server: Server,
    /// The client method: a letter, then letters, digits, underscores
    #[arg(long)]
    kind: String,
    /// One line
    #[arg(long)]
    title: String,
    /// A sentence or two
    #[arg(long, default_value = "")]
    body: String,
    /// A JSON object
    #[arg(long, default_value = "{}")]
    data: String,
    /// Ids of users; may be repeated
    #[arg(long = "user", value_name = "ID")]
    users: Vec<String>,
    /// Ids of departments; may be repeated
    #[arg(long = "department", value_name = "ID")]
    departments: Vec<String>,
    /// Ids of groups; may be repeated
    #[arg(long = "group", value_name = "ID")]
    groups: Vec<String>,
    /// Everybody who is a member of the key's service
    #[arg(long)]
    service: bool,
    /// `info`, `warning`, `critical`
    #[arg(long, value_name = "WORD")]
    severity: Option<String>,
    /// How hard it is tried: a delivery class
    #[arg(long, value_name = "KEY")]
    class: Option<String>,
    /// What belongs together
    #[arg(long, value_name = "KEY")]
    thread_key: Option<String>,
    /// Worth delivering for so many seconds
    #[arg(long, value_name = "SECONDS")]
    expires_in: Option<u64>,
    /// The same key again publishes nothing
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
}

/// Runs the command; prints the server's answer.
pub async fn run(args: Publish) -> anyhow::Result<()> {
    let (url, key) = args.server.find()?;
    let data: Value = serde_json::from_str(&args.data).context("--data is no JSON")?;
    let mut body = json!({
        "kind": args.kind, "title": args.title, "body": args.body, "data": data,
        "audience": {"users": args.users, "departments": args.departments,
                     "groups": args.groups, "service": args.service},
        "idempotency_key": args.idempotency_key, "severity": args.severity, "class": args.class,
        "thread_key": args.thread_key, "expires_in": args.expires_in,
    });
    if let Some(fields) = body.as_object_mut() {
        fields.retain(|_, value| !value.is_null()); // what was not said is the server's to choose
    }
    let answer = reqwest::Client::builder()
        .build()?
        .post(format!("{url}/api/v1/notifications"))
        .bearer_auth(key.expose_secret())
        .json(&body)
        .send()
        .await
        .with_context(|| format!("{url} does not answer"))?;
    let status = answer.status();
    let text = answer.text().await?;
    if !status.is_success() {
        let problem: Value = serde_json::from_str(&text).unwrap_or_default();
        let field = problem["field"]
            .as_str()
            .map(|field| format!("{field}: "))
            .unwrap_or_default();
        bail!(
            "{status}: {field}{}",
            problem["detail"].as_str().unwrap_or(&text)
        );
    }
    anstream::println!("{text}");
    Ok(())
}
