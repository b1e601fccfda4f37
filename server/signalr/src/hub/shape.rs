//! What the dispatcher must know of a method before it may call it.

/// How a method streams, if it does.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// It answers with a stream: clients must `stream` it, and `invoke` the others.
    pub streams: bool,
    /// How many streams the client sends beside the arguments.
    pub uploads: usize,
    /// It looks at [`Call::cancelled`](crate::Call::cancelled), which costs an allocation per call.
    pub cancellable: bool,
}

impl Shape {
    /// Values in, one value out.
    pub const PLAIN: Self = Self {
        streams: false,
        uploads: 0,
        cancellable: false,
    };

    /// Values in, a stream out.
    pub const STREAM: Self = Self {
        streams: true,
        uploads: 0,
        cancellable: false,
    };

    /// As this, with so many streams sent by the client.
    #[must_use]
    pub const fn with_uploads(self, uploads: usize) -> Self {
        Self { uploads, ..self }
    }
}
