//! A value that cannot be written or read.

/// Why a value is not what hub code takes it for.
///
/// For hub code only: the text may quote the value, so it belongs neither into a log nor on the wire.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct PayloadError(Kind);

#[derive(Debug, thiserror::Error)]
enum Kind {
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[cfg(feature = "messagepack")]
    #[error("{0}")]
    MessagePack(Box<str>),
}

impl From<serde_json::Error> for PayloadError {
    fn from(error: serde_json::Error) -> Self {
        Self(Kind::Json(error))
    }
}

#[cfg(feature = "messagepack")]
impl serde::de::Error for PayloadError {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self(Kind::MessagePack(message.to_string().into()))
    }
}
