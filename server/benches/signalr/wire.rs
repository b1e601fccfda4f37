//! The smallest WebSocket client: requests and frames as bytes, on a blocking socket. The same code
//! against the hub and against its twin, and as little as can be, since it shares the cores.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::ops::Range;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

/// Ends every message of the JSON protocol.
pub(crate) const END: char = '\u{1e}';
/// What every client says first.
pub(crate) const HANDSHAKE: &str = "{\"protocol\":\"json\",\"version\":1}\u{1e}";
/// Frames of text, and of bytes.
pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
/// Says that the length follows in two bytes.
const LONG: u8 = 126;
/// An answer that takes longer is lost.
const PATIENCE: Duration = Duration::from_secs(10);

/// One frame as clients send it: whole and masked.
pub(crate) fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x5a, 0x17, 0xc3, 0x88];
    let mut frame = vec![0x80 | kind];
    match u8::try_from(payload.len()) {
        Ok(length) if length < LONG => frame.push(0x80 | length),
        _ => {
            frame.push(0x80 | LONG);
            let length = u16::try_from(payload.len()).unwrap_or(u16::MAX);
            frame.extend_from_slice(&length.to_be_bytes());
        }
    }
    frame.extend_from_slice(&MASK);
    let masked = payload.iter().zip(MASK.iter().cycle());
    frame.extend(masked.map(|(byte, mask)| byte ^ mask));
    frame
}

/// Where the payload of a server's frame lies, if the whole frame is there. The next begins at its
/// end. Frames over 64 KiB are not expected.
pub(crate) fn payload(bytes: &[u8]) -> Option<Range<usize>> {
    let (start, length) = match bytes {
        [_, LONG, high, low, ..] => (4, usize::from(u16::from_be_bytes([*high, *low]))),
        [_, length @ 0..LONG, ..] => (2, usize::from(*length)),
        _ => return None,
    };
    (bytes.len() >= start + length).then_some(start..start + length)
}

/// The request that upgrades; `headers` whole, with their line ends.
pub(crate) fn upgrade(path: &str, headers: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nhost: bench\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
         user-agent: bench\r\n{headers}\r\n"
    )
}

/// The request that clients begin with.
pub(crate) fn negotiate(path: &str, headers: &str) -> String {
    format!(
        "POST {path}/negotiate?negotiateVersion=1 HTTP/1.1\r\nhost: bench\r\n\
         content-length: 0\r\nuser-agent: bench\r\n{headers}\r\n"
    )
}

/// The secret in the answer to it.
pub(crate) fn token(answer: &str) -> Result<&str> {
    let (_, rest) = answer
        .split_once("\"connectionToken\":\"")
        .context("negotiate was not answered with a token")?;
    Ok(rest.split('"').next().unwrap_or_default())
}

/// Where the body of an answer ends; `None` while it is not whole.
pub(crate) fn answer(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(bytes.get(..head)?).ok()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().ok())?
    });
    let end = head + length.unwrap_or(0);
    (bytes.len() >= end).then_some(end)
}

/// One connection.
pub(crate) struct Socket {
    pub(crate) stream: TcpStream,
    unread: Vec<u8>,
}

impl Socket {
    pub(crate) fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).context("no more connections")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self {
            stream,
            unread: Vec::with_capacity(512),
        })
    }

    /// A connection that is upgraded and has shaken hands.
    pub(crate) fn open(address: SocketAddr, path: &str) -> Result<Self> {
        let mut socket = Self::connect(address)?;
        socket.upgrade(path, "")?;
        socket.send(&frame(TEXT, HANDSHAKE.as_bytes()))?;
        socket.receive()?;
        Ok(socket)
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.stream.write_all(bytes)?)
    }

    /// A request and its answer, head and body. Whatever is no success is an error.
    pub(crate) fn ask(&mut self, request: &str) -> Result<String> {
        self.send(request.as_bytes())?;
        let end = self.until(answer)?;
        let text = String::from_utf8(self.unread.drain(..end).collect())?;
        match text.as_bytes().get(9) {
            Some(b'1' | b'2') => Ok(text),
            _ => bail!("answered {text}"),
        }
    }

    pub(crate) fn upgrade(&mut self, path: &str, headers: &str) -> Result<()> {
        self.ask(&upgrade(path, headers)).map(drop)
    }

    /// The payload of the next frame.
    pub(crate) fn receive(&mut self) -> Result<Vec<u8>> {
        let whole = self.until(payload)?;
        let bytes = self.unread.get(whole.clone()).unwrap_or_default().to_vec();
        self.unread.drain(..whole.end);
        Ok(bytes)
    }

    /// Reads until `whole` finds something.
    fn until<T>(&mut self, whole: impl Fn(&[u8]) -> Option<T>) -> Result<T> {
        loop {
            if let Some(found) = whole(&self.unread) {
                return Ok(found);
            }
            let mut piece = [0; 1024];
            match self.stream.read(&mut piece)? {
                0 => bail!("the server hung up"),
                read => self.unread.extend_from_slice(&piece[..read]),
            }
        }
    }
}
