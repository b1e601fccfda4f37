//! What would be logged at TRACE, caught on this thread: tests look in it for what must not be there.

use std::io::{Result, Write};
use std::sync::Arc;

use parking_lot::Mutex;
use tracing::subscriber::{DefaultGuard, NoSubscriber};
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Everything that this thread logs while this lives.
pub(crate) struct CaughtLog {
    lines: Lines,
    /// While there is only one subscriber, tracing asks the thread that first reaches an event
    /// whether anybody listens: some other test's, which would say no for all. With two it asks both.
    _second: tracing::Dispatch,
    _guard: DefaultGuard,
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl CaughtLog {
    pub(crate) fn start() -> Self {
        let lines = Lines::default();
        let writer = lines.clone();
        Self {
            lines,
            _second: tracing::Dispatch::new(NoSubscriber::new()),
            _guard: tracing_subscriber::fmt()
                .with_max_level(tracing::Level::TRACE)
                .with_span_events(FmtSpan::FULL)
                .with_ansi(false)
                .with_writer(move || writer.clone())
                .finish()
                .set_default(),
        }
    }

    /// What was logged so far.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.lines.0.lock()).into_owned()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}
