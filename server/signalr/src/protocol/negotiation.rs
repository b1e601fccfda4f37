//! The body of a negotiate answer, for the server that writes it and the client that reads it.

use serde::{Deserialize, Serialize};

/// A transport by its name on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TransportKind {
    /// One socket for both directions.
    WebSockets,
    /// An event stream down, POSTs up.
    ServerSentEvents,
    /// Polls down, POSTs up.
    LongPolling,
}

/// What kind of frames a transport carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TransferFormat {
    /// UTF-8 only.
    Text,
    /// Any bytes.
    Binary,
}

impl TransportKind {
    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::WebSockets => "WebSockets",
            Self::ServerSentEvents => "ServerSentEvents",
            Self::LongPolling => "LongPolling",
        }
    }

    /// The formats it can carry.
    pub fn formats(self) -> &'static [TransferFormat] {
        match self {
            Self::WebSockets | Self::LongPolling => &[TransferFormat::Text, TransferFormat::Binary],
            Self::ServerSentEvents => &[TransferFormat::Text],
        }
    }
}

/// One entry of the server's list, which is in its order of preference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AvailableTransport {
    /// A [`TransportKind`] by name; a client skips names it does not know.
    pub transport: String,
    /// [`TransferFormat`]s by name.
    pub transfer_formats: Vec<String>,
}

impl From<TransportKind> for AvailableTransport {
    fn from(kind: TransportKind) -> Self {
        let formats = kind.formats().iter().map(|format| match format {
            TransferFormat::Text => "Text".to_owned(),
            TransferFormat::Binary => "Binary".to_owned(),
        });
        Self {
            transport: kind.name().to_owned(),
            transfer_formats: formats.collect(),
        }
    }
}

/// A connection, an error, or the way to another server. Unknown fields are skipped when read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NegotiateResponse {
    /// The server refuses, in words; nothing else is set then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The version the server answers in, 0 or 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub negotiate_version: Option<u32>,
    /// The name others may know. In version 0 also the secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_id: Option<String>,
    /// The secret that goes into `id=`; never log it. From version 1 on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_token: Option<String>,
    /// In the server's order of preference.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub available_transports: Vec<AvailableTransport>,
    /// Set only when the client asked and the server agrees: clients abort when it comes unasked.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub use_stateful_reconnect: bool,
    /// How long the client's credentials last, if it may refresh them at `refresh`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_lifetime_seconds: Option<u64>,
    /// Negotiate again there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The bearer token for `url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token: Option<String>,
}
