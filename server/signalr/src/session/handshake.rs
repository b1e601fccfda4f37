//! The first exchange: which protocol is spoken. A failure is answered in words, if it still can be.

use super::Input;
use crate::{
    Connection, HubOptions, Limit,
    protocol::{HandshakeRequest, HandshakeResponse, Protocol},
};

/// The session must not start.
pub(super) struct NotShaken;

pub(super) async fn handshake<P>(
    connection: &Connection<P>,
    input: &mut Input<'_, P>,
    options: &HubOptions,
) -> Result<(), NotShaken> {
    let agreed = match tokio::time::timeout(options.handshake_timeout, input.next()).await {
        Err(_) => {
            connection.limits().hit(Limit::HandshakeTimeout);
            Err("Handshake was canceled.".to_owned())
        }
        Ok(Ok(None)) => {
            tracing::debug!("left before the handshake");
            return Err(NotShaken);
        }
        Ok(Err(error)) => {
            connection.limits().hit(Limit::MessageBytes);
            Err(error.to_string())
        }
        Ok(Ok(Some(frame))) => accept(&frame, connection),
    };
    match agreed {
        Ok((protocol, version)) => {
            connection.speak(protocol);
            input.speak(protocol);
            connection
                .outbound
                .put(HandshakeResponse::default().encode());
            connection.shaken(version, options);
            Ok(())
        }
        Err(error) => {
            tracing::debug!("handshake refused");
            let error = Some(error);
            connection
                .outbound
                .put(HandshakeResponse { error }.encode());
            Err(NotShaken)
        }
    }
}

fn accept<P>(frame: &[u8], connection: &Connection<P>) -> Result<(Protocol, u32), String> {
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
    Ok((protocol, request.version))
}
