//! How things are written as Server-Sent Events (the HTML standard, 9.2.6).

use bytes::Bytes;

/// Says that the stream is alive; ignored by whoever reads events.
pub(crate) const KEEP_ALIVE: Bytes = Bytes::from_static(b":\n\n");

/// Name of the last event. No kind has a hyphen, so it is nobody's notification.
pub(crate) const END: &str = "end-of-stream";

/// How long the client waits before it comes back: 1 to 3 s, another time for each connection, so
/// that they do not all come back at once. Takes the place of the event source's own default.
pub(crate) fn retry(id: &str) -> Bytes {
    let spread = id.bytes().fold(0_u32, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(u32::from(byte))
    });
    format!("retry: {}\n\n", 1_000 + spread % 2_000).into()
}

/// One event. With a cursor it moves where its reader goes on; `name` is a kind or one of ours, which
/// hold no line end.
pub(crate) fn event(cursor: Option<(i64, i64)>, name: &str, json: &str) -> Bytes {
    let mut out = Vec::with_capacity(json.len() + name.len() + 64);
    if let Some((epoch, seq)) = cursor {
        out.extend_from_slice(format!("id: {epoch}:{seq}\n").as_bytes());
    }
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    // JSON has line ends between its values only, and a reader puts one where a line ended.
    for line in json.split(['\n', '\r']) {
        out.extend_from_slice(b"\ndata: ");
        out.extend_from_slice(line.as_bytes());
    }
    out.extend_from_slice(b"\n\n");
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_split_at_line_ends() {
        assert_eq!(
            event(Some((3, 42)), "NewTask", "{\"a\":1}"),
            "id: 3:42\nevent: NewTask\ndata: {\"a\":1}\n\n"
        );
        assert_eq!(
            event(None, "Moved", "[1,\r\n2\n]"),
            "event: Moved\ndata: [1,\ndata: \ndata: 2\ndata: ]\n\n"
        );
    }

    #[test]
    fn clients_come_back_at_different_times() {
        let times: std::collections::BTreeSet<Bytes> = (0..100_u32)
            .map(|number| retry(&format!("01993b00-0000-7000-8000-{number:012}")))
            .collect();
        assert!(times.len() > 90, "{times:?}");
    }
}
