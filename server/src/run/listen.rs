//! Takes the port; the next free one when it is taken.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};

use anyhow::Context;
use tokio::net::{TcpListener, TcpSocket};

/// How many ports are tried.
const TRIES: u16 = 50;
/// Connections that wait until they are accepted.
const BACKLOG: u32 = 4096;

/// A listener at `port`, or at the first free port after it. Port 0 takes any.
pub fn listen(host: IpAddr, port: u16) -> anyhow::Result<TcpListener> {
    for next in port..=port.saturating_add(TRIES) {
        match bind(SocketAddr::new(host, next)) {
            Ok(listener) => {
                if next != port {
                    tracing::warn!("port {port} is taken by another program: using {next}");
                }
                return Ok(listener);
            }
            Err(error) if error.kind() == ErrorKind::AddrInUse => {}
            Err(error) => {
                return Err(error).with_context(|| {
                    format!(
                        "cannot listen on {host} port {next}: choose another with --port or --host"
                    )
                });
            }
        }
    }
    anyhow::bail!(
        "ports {port} to {} are all taken: choose another with --port",
        port + TRIES
    )
}

fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_reuseaddr(true)?; // connections of the last run may still linger
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[tokio::test]
    async fn the_next_free_port_is_used_when_one_is_taken() {
        let host = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let first = listen(host, 0).unwrap();
        let port = first.local_addr().unwrap().port();
        let second = listen(host, port).unwrap();
        assert!(second.local_addr().unwrap().port() > port);
    }
}
