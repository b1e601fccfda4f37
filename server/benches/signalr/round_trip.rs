//! A call and its completion over a socket, one after the other: what a click waits for. Hub and
//! twin run side by side and are asked in turn, so that noise meets both.
//!
//! All of it on one processor. Left to the scheduler, a server beside its client takes 12 µs and one that
//! has to be woken on another processor 80, and which of the two gets which is luck that lasts a run: on
//! a machine that did nothing else, ratios of the pairs lay between 0.13 and 8.2.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use benches::samples::Samples;
use benches::table::{Row, Section};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::repeat::Repeated;
use crate::server::{Server, Who};
use crate::wire::{END, Socket, TEXT, frame};

/// Asked before it is the other's turn.
const BLOCK: usize = 50;
const WARM: usize = 40;

/// This thread, and what is started from it, on one processor as long as it lives.
struct OneProcessor(CpuSet);

impl OneProcessor {
    fn take() -> Result<Self> {
        let all = sched_getaffinity(None)?;
        let last = (0..CpuSet::MAX_CPU)
            .rev()
            .find(|number| all.is_set(*number));
        let mut one = CpuSet::new();
        one.set(last.context("no processor is allowed")?);
        sched_setaffinity(None, &one)?;
        Ok(Self(all))
    }
}

impl Drop for OneProcessor {
    fn drop(&mut self) {
        let _ = sched_setaffinity(None, &self.0);
    }
}

pub(crate) fn rows(quick: bool) -> Result<Section> {
    let (times, blocks) = if quick { (3, 20) } else { (15, 60) };
    let _together = OneProcessor::take()?;
    let (hub, twin) = (
        Server::start(Who::Hub, false)?,
        Server::start(Who::Twin, false)?,
    );
    let call = format!(
        "{{\"type\":1,\"invocationId\":\"1\",\"target\":\"Echo\",\"arguments\":[\"sixteen letters.\"]}}{END}"
    );
    let completion =
        format!("{{\"type\":3,\"invocationId\":\"1\",\"result\":\"sixteen letters.\"}}{END}");
    let sent = frame(TEXT, call.as_bytes());
    let mut hub = Client {
        socket: Socket::open(hub.address, "/hub")?,
        expected: completion.as_bytes(),
        _server: hub,
    };
    let mut twin = Client {
        socket: Socket::open(twin.address, "/hub")?,
        expected: call.as_bytes(),
        _server: twin,
    };
    for _ in 0..WARM {
        hub.block(&sent, &mut Samples::default())?;
        twin.block(&sent, &mut Samples::default())?;
    }
    let (mut hub50, mut hub99) = (Vec::new(), Vec::new());
    let (mut twin50, mut twin99) = (Vec::new(), Vec::new());
    for _ in 0..times {
        let (mut ours, mut bare) = (Samples::default(), Samples::default());
        for _ in 0..blocks {
            hub.block(&sent, &mut ours)?;
            twin.block(&sent, &mut bare)?;
        }
        hub50.push(ours.p50() * 1_000.0);
        hub99.push(ours.p99() * 1_000.0);
        twin50.push(bare.p50() * 1_000.0);
        twin99.push(bare.p99() * 1_000.0);
    }
    let (p50, p99) = (Repeated::of(hub50, twin50), Repeated::of(hub99, twin99));
    Ok(Section {
        title: "Round trip over TCP",
        rows: vec![
            Row::new("call to completion, p50", p50.ours, "µs"),
            Row::twin("axum echo, p50", p50.twin, "µs", p50.ours).times_at_most(1.3),
            Row::new("call to completion, p99", p99.ours, "µs"),
            Row::twin("axum echo, p99", p99.twin, "µs", p99.ours).times_at_most(1.3),
        ],
        notes: vec![
            "hub, twin and client share one processor".to_owned(),
            format!(
                "one connection each, {} round trips a repetition, {BLOCK} of one and {BLOCK} of the \
                 other in turn; call of {} bytes, completion of {}, the twin sends back the call",
                blocks * BLOCK,
                call.len(),
                completion.len()
            ),
            format!("p50: {p50}"),
            format!("p99: {p99}"),
        ],
    })
}

struct Client<'a> {
    socket: Socket,
    expected: &'a [u8],
    _server: Server,
}

impl Client<'_> {
    fn block(&mut self, call: &[u8], samples: &mut Samples) -> Result<()> {
        for _ in 0..BLOCK {
            let begun = Instant::now();
            self.socket.send(call)?;
            let mut answer = self.socket.receive()?;
            samples.add(begun.elapsed());
            // A sign of life may come between.
            if answer.starts_with(b"{\"type\":6}") {
                answer = self.socket.receive()?;
            }
            ensure!(
                answer == self.expected,
                "answered {:?}",
                String::from_utf8_lossy(&answer)
            );
        }
        Ok(())
    }
}
