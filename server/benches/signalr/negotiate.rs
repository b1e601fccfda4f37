//! Clients that come, a second: negotiate on a connection that is kept, upgrade on a new one, both
//! with a token that is checked; then they hang up. A storm of reconnects is made of these.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use benches::table::{Row, Section};

use crate::check;
use crate::repeat::{Repeated, rate};
use crate::server::{Server, Who};
use crate::wire::{Socket, negotiate, token};

/// Clients that come at once, a thread each.
const THREADS: usize = 8;
const PATH: &str = "/checked/hub";

pub(crate) fn rows(quick: bool) -> Result<Section> {
    let (length, times) = if quick {
        (Duration::from_millis(700), 3)
    } else {
        (Duration::from_secs(2), 9)
    };
    let (hub, twin) = (
        Server::start(Who::Hub, false)?,
        Server::start(Who::Twin, false)?,
    );
    flat_out(&hub, length / 2)?;
    flat_out(&twin, length / 2)?;
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    let (mut our_work, mut bare_work) = (Vec::new(), Vec::new());
    for _ in 0..times {
        let seen = flat_out(&hub, length)?;
        ours.push(seen.rate);
        our_work.push(seen.work);
        let seen = flat_out(&twin, length)?;
        bare.push(seen.rate);
        bare_work.push(seen.work);
    }
    let (rates, work) = (Repeated::of(ours, bare), Repeated::of(our_work, bare_work));
    Ok(Section {
        title: "Negotiate and upgrade, token checked",
        rows: vec![
            Row::new("clients come", rates.ours, "/s"),
            Row::twin("axum POST and upgrade", rates.twin, "/s", rates.ours).times_at_least(0.8),
            Row::new("server's processor time, each", work.ours, "µs"),
            Row::twin("axum's", work.twin, "µs", work.ours),
        ],
        notes: vec![
            format!(
                "{THREADS} clients at once, {} s a repetition; HS256 checked at both requests; the \
                 twin answers negotiate with constant ids and keeps nothing",
                length.as_secs_f64()
            ),
            format!("clients: {rates}"),
            format!("processor time: {work}"),
        ],
    })
}

struct Seen {
    rate: f64,
    /// Microseconds of the server's processor time, each.
    work: f64,
}

fn flat_out(server: &Server, length: Duration) -> Result<Seen> {
    let address = server.address;
    let before = server.worked()?;
    let begun = Instant::now();
    let threads: Vec<_> = (0..THREADS)
        .map(|number| std::thread::spawn(move || come(address, number, begun, length)))
        .collect();
    let mut count = 0;
    for thread in threads {
        let come = thread.join().ok().context("a client's thread panicked")?;
        count += come?;
    }
    let rate = rate(count, begun.elapsed());
    let worked = server.worked_since(before)?;
    let each = worked.as_secs_f64() * 1e6 / f64::from(u32::try_from(count)?);
    Ok(Seen { rate, work: each })
}

fn come(address: SocketAddr, number: usize, begun: Instant, length: Duration) -> Result<usize> {
    let bearer = check::token(&format!("user-{number}"))?;
    let header = format!("authorization: Bearer {bearer}\r\n");
    let asked = negotiate(PATH, &header);
    let mut asking = Socket::connect(address)?;
    let mut count = 0;
    while begun.elapsed() < length {
        let answer = asking.ask(&asked)?;
        let path = format!("{PATH}?id={}", token(&answer)?);
        Socket::connect(address)?.upgrade(&path, &header)?;
        count += 1;
    }
    Ok(count)
}
