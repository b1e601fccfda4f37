//! What an idle connection costs: the resident memory of the server's process before and with
//! thousands of WebSockets that have shaken hands. The kernel's buffers are not in it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Result;
use benches::table::{Row, Section};

use crate::crowd::Crowd;
use crate::server::{Server, Who};

/// Connected and gone before the first look, so that what is made once is made.
const WARM: usize = 200;

struct Seen {
    /// KiB a connection.
    each: f64,
    /// Allocations of each size, a connection; 0 is the bytes of those over 16 KiB.
    live: BTreeMap<usize, f64>,
}

pub(crate) fn rows(quick: bool) -> Result<Section> {
    let (count, settle) = if quick {
        (2_000, Duration::from_secs(2))
    } else {
        // Longer than the ping interval of 15 s, so that each has been pinged; shorter than the 30 s
        // after which a silent client is cut.
        (10_000, Duration::from_secs(20))
    };
    let negotiated = measure(Who::Hub, "/hub", count, true, settle)?;
    let skipped = measure(Who::Hub, "/hub", count, false, settle)?;
    let small = measure(Who::Twin, "/hub?read=4096", count, false, settle)?;
    let bare = measure(Who::Twin, "/hub", count, false, settle)?;
    Ok(Section {
        title: "Idle WebSocket connections",
        rows: vec![
            Row::new("server memory, each, negotiated", negotiated.each, "KiB").at_most(10.0),
            Row::new("each, negotiation skipped", skipped.each, "KiB").at_most(10.0),
            Row::twin(
                "axum, read buffer of 4 KiB",
                small.each,
                "KiB",
                negotiated.each,
            ),
            Row::twin("axum as it comes", bare.each, "KiB", negotiated.each),
        ],
        notes: vec![
            format!(
                "{count} connections, resident memory {} s after the last handshake, less that after \
                 {WARM} had come and gone; each has pinged once, as official clients do",
                settle.as_secs()
            ),
            format!("negotiated: {}", breakdown(&negotiated)),
            format!("axum, read buffer of 4 KiB: {}", breakdown(&small)),
        ],
    })
}

fn measure(who: Who, path: &str, count: usize, negotiated: bool, settle: Duration) -> Result<Seen> {
    let server = Server::start(who, true)?;
    let mut crowd = Crowd::start()?;
    crowd.open(server.address, path, WARM, negotiated)?;
    crowd.close()?;
    std::thread::sleep(Duration::from_secs(2));
    let (before, before_live) = (server.resident()?, server.live()?);
    crowd.open(server.address, path, count, negotiated)?;
    std::thread::sleep(settle);
    let (with, with_live) = (server.resident()?, server.live()?);
    let of = |live: &BTreeMap<usize, i64>, size| live.get(&size).copied().unwrap_or_default();
    let count = f64::from(u32::try_from(count)?);
    let mut live = BTreeMap::new();
    for size in with_live.keys().copied() {
        #[expect(clippy::cast_precision_loss, reason = "counts fit")]
        let each = (of(&with_live, size) - of(&before_live, size)) as f64 / count;
        live.insert(size, each);
    }
    Ok(Seen {
        each: (with - before) / count,
        live,
    })
}

/// Allocations that there is about one of per connection, largest first, and what remains.
fn breakdown(seen: &Seen) -> String {
    let mut text = "allocations of bytes × number each:".to_owned();
    let mut sum = 0.0;
    let mut rest = 0.0;
    for (size, each) in seen.live.iter().rev() {
        #[expect(clippy::cast_precision_loss, reason = "sizes fit")]
        let bytes = match size {
            0 => *each,
            size => *size as f64 * each,
        };
        sum += bytes;
        if *size > 0 && *each >= 0.5 && bytes >= 64.0 {
            let _ = write!(text, " {size} × {each:.1},");
        } else {
            rest += bytes;
        }
    }
    let _ = write!(
        text,
        " others {rest:.0}; together {:.2} KiB, resident {:.2}: the allocator rounds up, and reuses pages",
        sum / 1024.0,
        seen.each
    );
    text
}
