//! Acknowledgements a second: devices that hold thousands of items and acknowledge them, one call an item
//! and then a hundred items a call. A call is over when its commit is.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::json;
use tokio::task::JoinSet;

use crate::hub::{Hub, messages};
use crate::product::{KIND, Product, Setup, publication_to, user};
use crate::twins::postgres::rate;
use benches::table::{Row, Section};

const DEVICES: usize = 32;
/// Of each device.
const ITEMS: usize = 2_000;
/// Their users, apart from those of other rows.
const FIRST: usize = 40_000;
/// Calls under way on one connection.
const WINDOW: usize = 64;
/// Items in one call.
const MANY: usize = 100;

/// A device that has received everything.
struct Device {
    hub: Hub,
    ids: Vec<String>,
}

pub(crate) async fn rows(setup: &Setup) -> Result<Section> {
    let product = setup.start().await?;
    let users = FIRST..FIRST + DEVICES;
    product.provision_some(users.clone(), &[]).await?;
    publish(&product).await?;
    let mut devices = Vec::new();
    for number in users {
        let hub = Hub::open(product.address, &product.hub_path(number)?).await?;
        devices.push(receive(hub).await?);
    }
    let half = ITEMS / 2;
    let (devices, one) = timed(devices, move |device| one_by_one(device, 0..half)).await?;
    let (_, many) = timed(devices, move |device| a_hundred(device, half..ITEMS)).await?;
    product.stop()?;
    let count = DEVICES * half;
    Ok(Section {
        title: "Acknowledging, 32 devices",
        rows: vec![
            Row::new("one item a call", rate(count, one), "/s").at_least(20_000.0),
            Row::new("a hundred items a call", rate(count, many), "/s").at_least(20_000.0),
        ],
        notes: vec![format!(
            "{count} items each way, a user a device; {WINDOW} calls under way on a connection, or one of {MANY} items; \
             begun at the first call, ended with the last answer, which comes after the commit"
        )],
    })
}

/// Everything to everybody, a thousand a request.
async fn publish(product: &Product) -> Result<()> {
    let users: Vec<String> = (FIRST..FIRST + DEVICES).map(user).collect();
    let mut back_end = product.back_end().await?;
    for thousand in 0..ITEMS / 1_000 {
        let marks = thousand * 1_000..(thousand + 1) * 1_000;
        let audience = json!({ "users": users });
        let all: Vec<_> = marks.map(|mark| publication_to(&audience, mark)).collect();
        let body = json!({ "notifications": all }).to_string();
        back_end.post("/api/v1/notifications/batch", body).await?;
    }
    Ok(())
}

async fn receive(mut hub: Hub) -> Result<Device> {
    let mut ids = Vec::with_capacity(ITEMS);
    while ids.len() < ITEMS {
        let frame = hub.invoked(KIND).await?;
        for message in messages(&frame).filter(|message| message.contains(KIND)) {
            let (_, rest) = message
                .split_once("\"notificationId\":\"")
                .context("an item without an id")?;
            ids.push(rest.get(..36).context("an id cut off")?.to_owned());
        }
    }
    Ok(Device { hub, ids })
}

/// All devices at once; from the first call to the last answer.
async fn timed<F>(
    devices: Vec<Device>,
    mut act: impl FnMut(Device) -> F,
) -> Result<(Vec<Device>, Duration)>
where
    F: Future<Output = Result<Device>> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    let begun = Instant::now();
    for device in devices {
        tasks.spawn(act(device));
    }
    let mut done = Vec::new();
    while let Some(device) = tasks.join_next().await {
        done.push(device??);
    }
    Ok((done, begun.elapsed()))
}

async fn one_by_one(mut device: Device, items: std::ops::Range<usize>) -> Result<Device> {
    let Some(ids) = device.ids.get(items) else {
        bail!("not all items came");
    };
    for some in ids.chunks(WINDOW) {
        let calls: Vec<String> = some.iter().map(|id| format!("[\"{id}\"]")).collect();
        device.hub.calls("AcknowledgeNotification", &calls).await?;
    }
    Ok(device)
}

async fn a_hundred(mut device: Device, items: std::ops::Range<usize>) -> Result<Device> {
    let Some(ids) = device.ids.get(items) else {
        bail!("not all items came");
    };
    for some in ids.chunks(MANY) {
        let call = json!([some]).to_string();
        device.hub.calls("AcknowledgeMany", &[call]).await?;
    }
    Ok(device)
}
