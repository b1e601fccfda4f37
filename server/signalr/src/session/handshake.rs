//! The first exchange: which protocol is spoken. A failure is answered in words, if it still can be.

use std::time::Duration;

use super::Input;
use crate::{
    Connection,
    protocol::{HandshakeRequest, HandshakeResponse, Protocol},
};

/// The session must not start.
pub(super) struct NotShaken;

pub(super) async fn handshake<P>(
    connection: &Connection<P>,
    input: &mut Input<'_, P>,
    within: Duration,
) -> Result<(), NotShaken> {
    let protocol = match tokio::time::timeout(within, input.next()).await {
        Err(_) => Err("Handshake was canceled.".to_owned()),
        Ok(Ok(None)) => {
            tracing::debug!("left before the handshake");
            return Err(NotShaken);
        }
        Ok(Err(error)) => Err(error.to_string()),
        Ok(Ok(Some(frame))) => accept(&frame, connection),
    };
    let error = match protocol {
        Ok(protocol) => {
            connection.speak(protocol);
            input.speak(protocol);
            None
        }
        Err(error) => Some(error),
    };
    let failed = error.is_some();
    connection
        .outbound
        .put(HandshakeResponse { error }.encode());
    if failed {
        tracing::debug!("handshake refused");
        return Err(NotShaken);
    }
    Ok(())
}

fn accept<P>(frame: &[u8], connection: &Connection<P>) -> Result<Protocol, String> {
    let request = HandshakeRequest::decode(frame)
        .map_err(|_| "An unexpected error occurred during connection handshake.".to_owned())?;
    let name = &request.protocol;
    let protocol = Protocol::by_name(name)
        .ok_or_else(|| format!("The protocol '{name}' is not supported."))?;
    let format = protocol.transfer_format();
    if !connection.transport().formats().contains(&format) {
        return Err(format!(
            "Cannot use the '{name}' protocol on the current transport. The transport does not \
             support '{format:?}' transfer format."
        ));
    }
    if request.version > protocol.newest_version() {
        let version = request.version;
        return Err(format!(
            "The server does not support version {version} of the '{name}' protocol."
        ));
    }
    Ok(protocol)
}
