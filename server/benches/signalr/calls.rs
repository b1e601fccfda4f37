//! Calls a second of one connection on one core, in this process: frame in, decoded, dispatched,
//! encoded, frame out. The client costs a copy of prepared bytes and the look at their number.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use benches::table::{Row, Section};
use signalr::protocol::{Invocation, Message, Outcome, Payload, Protocol};

use crate::app;
use crate::heap;
use crate::pipe::{Pipe, Site};
use crate::repeat::{Repeated, rate};
use crate::wire::{BINARY, TEXT, frame};

/// Calls under way at once; each is a frame of its own.
const WINDOW: usize = 32;
const SAID: &str = "sixteen letters.";

/// One way to call.
struct Kind {
    protocol: Protocol,
    window: usize,
}

struct Seen {
    hub: f64,
    twin: f64,
    spread: String,
    /// Allocations a call.
    hub_allocations: f64,
    twin_allocations: f64,
    /// Bytes of a call and of its completion, without the WebSocket's framing.
    bytes: (usize, usize),
}

pub(crate) async fn rows(quick: bool) -> Result<Section> {
    let json = measure(Protocol::Json, WINDOW, quick).await?;
    let binary = measure(Protocol::MessagePack, WINDOW, quick).await?;
    let single = measure(Protocol::Json, 1, quick).await?;
    let mut rows = Vec::new();
    let mut notes = Vec::new();
    for (name, seen, target) in [
        ("JSON, 32 under way", json, Some(200_000.0)),
        ("MessagePack, 32 under way", binary, Some(200_000.0)),
        ("JSON, one after the other", single, None),
    ] {
        let row = Row::new(name, seen.hub, "/s");
        rows.push(match target {
            Some(target) => row.at_least(target),
            None => row,
        });
        rows.push(Row::twin(
            "axum echoes the frame",
            seen.twin,
            "/s",
            seen.hub,
        ));
        rows.push(Row::new("allocations a call", seen.hub_allocations, ""));
        rows.push(Row::new("*twin's*", seen.twin_allocations, ""));
        let (call, completion) = seen.bytes;
        notes.push(format!(
            "{name}: call of {call} bytes, completion of {completion}; the twin sends back the call; {}",
            seen.spread
        ));
    }
    notes.push(
        "one thread runs hyper, the connection and the client, over a pipe in memory: no system \
         calls in it; a frame each call; a second is one of its processor time; allocations counted in a \
         run of their own"
            .to_owned(),
    );
    Ok(Section {
        title: "Calls in process, one core",
        rows,
        notes,
    })
}

async fn measure(protocol: Protocol, window: usize, quick: bool) -> Result<Seen> {
    let kind = Kind { protocol, window };
    let (length, times) = if quick {
        (Duration::from_millis(300), 3)
    } else {
        (Duration::from_secs(1), 9)
    };
    let call = kind.call(0);
    let completion = kind.completion(0);
    let (mut hub, mut twin) = (Vec::new(), Vec::new());
    for _ in 0..times {
        hub.push(flat_out(app::hub().0, &kind, &completion, length).await?);
        twin.push(flat_out(app::twin().0, &kind, &call, length).await?);
    }
    let hub_allocations = allocations(app::hub().0, &kind, &completion).await?;
    let twin_allocations = allocations(app::twin().0, &kind, &call).await?;
    let repeated = Repeated::of(hub, twin);
    Ok(Seen {
        hub: repeated.ours,
        twin: repeated.twin,
        spread: repeated.to_string(),
        hub_allocations,
        twin_allocations,
        bytes: (call.len(), completion.len()),
    })
}

/// So many calls and nothing else, for a profiler: the hub's, JSON.
pub(crate) async fn exercise(calls: usize, window: usize) -> Result<()> {
    let kind = Kind {
        protocol: Protocol::Json,
        window,
    };
    let mut site = Site::new(app::hub().0);
    let (mut pipe, sent, length) = open(&mut site, &kind, &kind.completion(0)).await?;
    let mut answers = vec![0; length];
    for _ in 0..calls / window {
        exchange(&mut pipe, &sent, &mut answers).await?;
    }
    Ok(())
}

async fn allocations(app: axum::Router, kind: &Kind, expected: &[u8]) -> Result<f64> {
    const CALLS: usize = 1_000;
    let mut site = Site::new(app);
    let (mut pipe, sent, length) = open(&mut site, kind, expected).await?;
    let mut answers = vec![0; length];
    for _ in 0..CALLS {
        exchange(&mut pipe, &sent, &mut answers).await?;
    }
    let (done, calls) = heap::during(async {
        for _ in 0..CALLS {
            exchange(&mut pipe, &sent, &mut answers).await?;
        }
        anyhow::Ok(())
    })
    .await;
    done?;
    #[expect(clippy::cast_precision_loss, reason = "counts fit")]
    Ok(calls as f64 / (CALLS * kind.window) as f64)
}

/// Calls a second of processor time, over a new connection.
async fn flat_out(
    app: axum::Router,
    kind: &Kind,
    expected: &[u8],
    length: Duration,
) -> Result<f64> {
    let mut site = Site::new(app);
    let (mut pipe, calls, answered) = open(&mut site, kind, expected).await?;
    let mut answers = vec![0; answered];
    let warm = Instant::now();
    while warm.elapsed() < length / 5 {
        exchange(&mut pipe, &calls, &mut answers).await?;
    }
    let (begun, before) = (Instant::now(), worked()?);
    let mut count = 0;
    while begun.elapsed() < length {
        exchange(&mut pipe, &calls, &mut answers).await?;
        count += kind.window;
    }
    Ok(rate(count, worked()?.saturating_sub(before)))
}

/// Processor time of this thread so far, which does all the work: what others took of the core is not
/// in it.
fn worked() -> Result<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let first = text.split(' ').next().unwrap_or_default();
    Ok(Duration::from_nanos(first.parse()?))
}

/// A connection, the frames of one window, and how many bytes answer them. `expected` is the payload
/// that answers the first.
async fn open(site: &mut Site, kind: &Kind, expected: &[u8]) -> Result<(Pipe, Vec<u8>, usize)> {
    let name = kind.protocol.name();
    let handshake = format!("{{\"protocol\":\"{name}\",\"version\":1}}\u{1e}");
    let mut pipe = site.open("/hub", &handshake).await?;
    let opcode = if kind.protocol == Protocol::Json {
        TEXT
    } else {
        BINARY
    };
    let mut sent = Vec::new();
    for number in 0..kind.window {
        sent.extend(frame(opcode, &kind.call(number)));
    }
    pipe.send(&sent).await?;
    for number in 0..kind.window {
        let answer = pipe.receive().await?;
        // Ids are of one length, so the others differ only in theirs.
        ensure!(
            answer.len() == expected.len() && (number > 0 || answer == expected),
            "answered {:?}",
            String::from_utf8_lossy(&answer)
        );
    }
    // Frames of a server have a head of two bytes up to 125.
    Ok((pipe, sent, kind.window * (expected.len() + 2)))
}

async fn exchange(pipe: &mut Pipe, sent: &[u8], answers: &mut [u8]) -> Result<()> {
    pipe.send(sent).await?;
    pipe.fill(answers).await
}

impl Kind {
    fn call(&self, number: usize) -> Vec<u8> {
        let call = Message::Invocation(Invocation {
            id: Some((1_000 + number).to_string()),
            target: "Echo".to_owned(),
            arguments: vec![said()],
            stream_ids: Vec::new(),
        });
        self.protocol.encode(&call).to_vec()
    }

    fn completion(&self, number: usize) -> Vec<u8> {
        let completion = Message::Completion {
            id: (1_000 + number).to_string(),
            outcome: Outcome::Value(said()),
        };
        self.protocol.encode(&completion).to_vec()
    }
}

fn said() -> Payload {
    Payload::of(SAID).unwrap_or(Payload::null())
}
