//! One message to 10,000: from the request that shouts to the last client having it. And what it
//! allocates for each of them, counted in this process.

use anyhow::{Result, ensure};
use benches::table::{Row, Section};

use crate::app;
use crate::crowd::Crowd;
use crate::heap;
use crate::pipe::Site;
use crate::repeat::Repeated;
use crate::server::{Server, Who};
use crate::wire::{HANDSHAKE, payload};

const WARM: usize = 3;
/// For the count of allocations.
const COUNTED: usize = 1_000;

pub(crate) async fn rows(quick: bool) -> Result<Section> {
    let (count, times) = if quick { (10_000, 7) } else { (10_000, 21) };
    let (hub, twin) = (
        Server::start(Who::Hub, false)?,
        Server::start(Who::Twin, false)?,
    );
    let (mut ours, mut bare) = (Crowd::start()?, Crowd::start()?);
    ours.open(hub.address, "/crowd", count, true)?;
    bare.open(twin.address, "/crowd?read=4096", count, false)?;
    for _ in 0..WARM {
        ours.shout()?;
        bare.shout()?;
    }
    let (mut our_all, mut our_half) = (Vec::new(), Vec::new());
    let (mut bare_all, mut bare_half) = (Vec::new(), Vec::new());
    let (mut our_work, mut bare_work) = (Vec::new(), Vec::new());
    for _ in 0..times {
        let before = hub.worked()?;
        let wave = ours.shout()?;
        our_work.push(hub.worked_since(before)?.as_secs_f64() * 1e3);
        our_all.push(wave.all.as_secs_f64() * 1e3);
        our_half.push(wave.half.as_secs_f64() * 1e3);
        let before = twin.worked()?;
        let wave = bare.shout()?;
        bare_work.push(twin.worked_since(before)?.as_secs_f64() * 1e3);
        bare_all.push(wave.all.as_secs_f64() * 1e3);
        bare_half.push(wave.half.as_secs_f64() * 1e3);
    }
    drop((ours, bare, hub, twin));
    let (all, half) = (
        Repeated::of(our_all, bare_all),
        Repeated::of(our_half, bare_half),
    );
    let work = Repeated::of(our_work, bare_work);
    let (hub_put, hub_written) = hub_allocations().await?;
    let (twin_put, twin_written) = twin_allocations().await?;
    Ok(Section {
        title: "One broadcast to 10,000",
        rows: vec![
            Row::new("sent to the last has it", all.ours, "ms").at_most(100.0),
            Row::twin("axum, a channel each", all.twin, "ms", all.ours),
            Row::new("sent to half of them have it", half.ours, "ms"),
            Row::twin("axum, a channel each", half.twin, "ms", half.ours),
            Row::new("server's processor time", work.ours, "ms"),
            Row::twin("axum's", work.twin, "ms", work.ours),
            Row::new("allocations a receiver, to queue", hub_put, "").at_most(1.01),
            Row::new("allocations a receiver, until written", hub_written, ""),
            Row::new("*twin's, to queue*", twin_put, ""),
            Row::new("*twin's, until written*", twin_written, ""),
        ],
        notes: vec![
            format!(
                "{times} messages of 254 bytes to {count} connections each, hub and twin in turn, \
                 after {WARM} to warm up; the clients are one thread of another process"
            ),
            format!("the last: {all}"),
            format!(
                "allocations counted in process with {COUNTED} connections: to queue is the call of \
                 `send`, until written includes it; one to queue is the slot, since an empty queue \
                 holds no memory"
            ),
        ],
    })
}

async fn hub_allocations() -> Result<(f64, f64)> {
    let (app, all) = app::hub();
    allocations(app, move || app::shout(&all).is_ok()).await
}

async fn twin_allocations() -> Result<(f64, f64)> {
    let (app, tell) = app::twin();
    allocations(app, move || {
        tell();
        true
    })
    .await
}

/// A receiver: while it is queued, and until all have read it.
async fn allocations(app: axum::Router, shout: impl Fn() -> bool) -> Result<(f64, f64)> {
    let mut site = Site::new(app);
    let mut pipes = Vec::new();
    for _ in 0..COUNTED {
        pipes.push(site.open("/crowd", HANDSHAKE).await?);
    }
    ensure!(shout(), "nobody could be told");
    let mut length = 0;
    for pipe in &mut pipes {
        length = pipe.receive().await?.len() + 4; // with the head of its frame
    }
    let mut message = vec![0; length];
    for _ in 0..WARM {
        shout();
        for pipe in &mut pipes {
            pipe.fill(&mut message).await?;
        }
    }
    let (queued, put) = heap::during(async { shout() }).await;
    ensure!(queued, "nobody could be told");
    let (read, written) = heap::during(async {
        for pipe in &mut pipes {
            pipe.fill(&mut message).await?;
        }
        anyhow::Ok(())
    })
    .await;
    read?;
    ensure!(payload(&message).is_some(), "not a whole message");
    #[expect(clippy::cast_precision_loss, reason = "counts fit")]
    let each = |calls: u64| calls as f64 / COUNTED as f64;
    Ok((each(put), each(put + written)))
}
