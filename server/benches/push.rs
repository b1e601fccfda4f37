//! From the loss of a user's only connection to the push at the provider's door, for what is published right after it.

use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result, bail};
use axum::http::{HeaderMap, Method};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::client::Http;
use crate::hub::Hub;
use crate::product::{Product, Setup, publication};
use benches::samples::Samples;
use benches::table::{Row, Section};

/// Fewer than the stand-ins keep phones.
const USERS: usize = 150;
/// Apart from those of other rows.
const FIRST: usize = 46_000;
const EVERY: Duration = Duration::from_millis(100);
/// When the class pushes to who is away, seconds.
const AWAY: f64 = 5.0;
const PATIENCE: Duration = Duration::from_secs(30);

/// A phone at the stand-ins.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Phone {
    id: String,
    token_or_subscription: String,
}

pub(crate) async fn rows(setup: &Setup) -> Result<Section> {
    let product = setup.start().await?;
    let url = product.ready.phones.clone();
    let url = url.context("the demo has no phones")?;
    let address = url.trim_start_matches("http://").parse()?;
    let mut stand_ins = Http::open(address, HeaderMap::new()).await?;
    product.provision_some(FIRST..FIRST + USERS, &[]).await?;
    let mut connected = Vec::with_capacity(USERS);
    for number in FIRST..FIRST + USERS {
        connected.push(register(&product, &mut stand_ins, number).await?);
    }
    let mut back_end = product.back_end().await?;
    let mut lost = Vec::with_capacity(USERS);
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    for (number, (phone, hub)) in connected.into_iter().enumerate() {
        ticks.tick().await;
        drop(hub);
        lost.push((phone, wall_clock()?));
        let body = publication(FIRST + number, number);
        back_end.post("/api/v1/notifications", body).await?;
    }
    let mut pushed = Samples::default();
    let begun = Instant::now();
    for (phone, at) in &lost {
        let came = loop {
            if let Some(came) = received(&mut stand_ins, phone).await? {
                break came;
            }
            if begun.elapsed() > PATIENCE {
                bail!("{phone} was not pushed to");
            }
            sleep(Duration::from_millis(100)).await;
        };
        pushed.add((came - *at).try_into()?);
    }
    product.stop()?;
    let (p50, p99) = (pushed.p50() / 1_000.0, pushed.p99() / 1_000.0);
    Ok(Section {
        title: "Lost connection to push",
        rows: vec![
            Row::new("connection lost to push handed over, p50", p50, "s"),
            Row::new("the same, p99", p99, "s"),
            Row::new(
                "beyond what the class waits, p50",
                (p50 - AWAY) * 1_000.0,
                "ms",
            ),
            Row::new("the same, p99", (p99 - AWAY) * 1_000.0, "ms"),
        ],
        notes: vec![
            format!(
                "{USERS} users with a phone, one connection each, which ends; ten a second; each is published to at once after it"
            ),
            format!(
                "class standard: {AWAY} s to who is away, spread by up to a tenth (500 ms); the provider is a stand-in beside \
                 the server, so its own time is not in it"
            ),
            "a connection that falls silent without an end is noticed by its missing pong; until then the ladder counts it \
             as here"
                .to_owned(),
        ],
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "compared with what another process notes"
)]
fn wall_clock() -> Result<Timestamp> {
    Ok(Timestamp::try_from(SystemTime::now())?)
}

/// Makes the user a phone and registers it over a connection that stays.
async fn register(product: &Product, stand_ins: &mut Http, number: usize) -> Result<(String, Hub)> {
    let wanted = json!({"platform": "fcm"}).to_string();
    let made = stand_ins.json(Method::POST, "/devices", wanted).await?;
    let phone: Phone = serde_json::from_slice(&made.body)?;
    let mut hub = Hub::open(product.address, &product.hub_path(number)?).await?;
    let arguments = json!(["fcm", phone.token_or_subscription]).to_string();
    hub.calls("RegisterPushToken", &[arguments]).await?;
    Ok((phone.id, hub))
}

/// When its first push came.
async fn received(stand_ins: &mut Http, phone: &str) -> Result<Option<Timestamp>> {
    let answer = stand_ins.get(&format!("/devices/{phone}")).await?;
    let told: Value = serde_json::from_slice(&answer.body)?;
    let at = told["received"][0]["at"].as_str();
    Ok(at.map(str::parse).transpose()?)
}
