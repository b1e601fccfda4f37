//! Thousands of clients in one process of their own (this program again), so that the server's
//! memory is the server's alone and each process has its own limit of open files. One thread and one
//! epoll: no runtime, no buffers.

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::event::{Timespec, epoll};
use serde::{Deserialize, Serialize};

use crate::wire::{END, HANDSHAKE, Socket, TEXT, frame, negotiate, payload, token};

/// A wave that has not reached everybody by then is lost.
const PATIENCE: Duration = Duration::from_secs(10);
/// Of those a message is told by: pings and completions are shorter.
const LONG: usize = 126;

/// One line to the process.
#[derive(Serialize, Deserialize)]
enum Order {
    /// So many more connections, with negotiation before each if that is wanted.
    Open {
        address: SocketAddr,
        path: String,
        count: usize,
        negotiated: bool,
    },
    /// Somebody shouts.
    Shout,
    /// All hang up.
    Close,
}

/// When a message that was shouted had reached half of them, and all. After its request was written.
#[derive(Debug, Default, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Wave {
    pub(crate) half: Duration,
    pub(crate) all: Duration,
}

/// The process; killed when dropped.
pub(crate) struct Crowd {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Crowd {
    pub(crate) fn start() -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--be", "crowd"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let orders = child.stdin.take().context("the crowd does not listen")?;
        let answers = child.stdout.take().context("the crowd says nothing")?;
        Ok(Self {
            child,
            orders,
            answers: BufReader::new(answers),
        })
    }

    pub(crate) fn open(
        &mut self,
        address: SocketAddr,
        path: &str,
        count: usize,
        negotiated: bool,
    ) -> Result<()> {
        let path = path.to_owned();
        self.tell(&Order::Open {
            address,
            path,
            count,
            negotiated,
        })
        .map(drop)
    }

    pub(crate) fn shout(&mut self) -> Result<Wave> {
        self.tell(&Order::Shout)
    }

    pub(crate) fn close(&mut self) -> Result<()> {
        self.tell(&Order::Close).map(drop)
    }

    fn tell(&mut self, order: &Order) -> Result<Wave> {
        writeln!(self.orders, "{}", serde_json::to_string(order)?)?;
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            bail!("the crowd has left");
        }
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The process itself; ends with its standard input.
pub(crate) fn main() -> Result<()> {
    let mut clients = Clients {
        epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
        sockets: Vec::new(),
        events: Vec::with_capacity(1024),
    };
    for line in std::io::stdin().lines() {
        let done = match serde_json::from_str(&line?)? {
            Order::Open {
                address,
                path,
                count,
                negotiated,
            } => {
                clients.open(address, &path, count, negotiated)?;
                Wave::default()
            }
            Order::Shout => clients.shout()?,
            Order::Close => {
                clients.sockets.clear();
                Wave::default()
            }
        };
        println!("{}", serde_json::to_string(&done)?);
    }
    Ok(())
}

struct Clients {
    epoll: rustix::fd::OwnedFd,
    /// In the order of their numbers in `epoll`.
    sockets: Vec<Socket>,
    events: Vec<epoll::Event>,
}

impl Clients {
    /// Each shakes hands and, as official clients do, pings: the server watches it from then on.
    fn open(
        &mut self,
        address: SocketAddr,
        path: &str,
        count: usize,
        negotiated: bool,
    ) -> Result<()> {
        let ping = frame(TEXT, format!("{{\"type\":6}}{END}").as_bytes());
        let hello = frame(TEXT, HANDSHAKE.as_bytes());
        let mut asking = Socket::connect(address)?;
        for _ in 0..count {
            let mut socket = Socket::connect(address)?;
            if negotiated {
                let bare = path.split('?').next().unwrap_or_default();
                let answer = asking.ask(&negotiate(bare, ""))?;
                let joint = if path.contains('?') { '&' } else { '?' };
                socket.upgrade(&format!("{path}{joint}id={}", token(&answer)?), "")?;
            } else {
                socket.upgrade(path, "")?;
            }
            socket.send(&hello)?;
            socket.receive()?;
            socket.send(&ping)?;
            socket.stream.set_nonblocking(true)?;
            let number = u64::try_from(self.sockets.len())?;
            let data = epoll::EventData::new_u64(number);
            epoll::add(&self.epoll, &socket.stream, data, epoll::EventFlags::IN)?;
            self.sockets.push(socket);
        }
        Ok(())
    }

    fn shout(&mut self) -> Result<Wave> {
        // What came meanwhile: signs of life.
        while self.receive(Duration::ZERO)?.is_some() {}
        let call = format!("{{\"type\":1,\"target\":\"Shout\",\"arguments\":[]}}{END}");
        let call = frame(TEXT, call.as_bytes());
        let half = self.sockets.len() / 2;
        let mut wave = Wave::default();
        let mut reached = 0;
        let begun = Instant::now();
        let first = self.sockets.first_mut().context("nobody is there")?;
        first.send(&call)?;
        while reached < self.sockets.len() {
            let Some(more) = self.receive(PATIENCE)? else {
                bail!("reached {reached} of {}", self.sockets.len());
            };
            let before = reached;
            reached += more;
            if before < half && reached >= half {
                wave.half = begun.elapsed();
            }
        }
        wave.all = begun.elapsed();
        Ok(wave)
    }

    /// Reads what is there, and answers how many long messages it was; `None` if nothing comes.
    fn receive(&mut self, patience: Duration) -> Result<Option<usize>> {
        let timeout = Timespec {
            tv_sec: i64::try_from(patience.as_secs())?,
            tv_nsec: patience.subsec_nanos().into(),
        };
        let room = rustix::buffer::spare_capacity(&mut self.events);
        epoll::wait(&self.epoll, room, Some(&timeout))?;
        if self.events.is_empty() {
            return Ok(None);
        }
        let mut long = 0;
        for event in self.events.drain(..) {
            let number = usize::try_from(event.data.u64())?;
            let socket = self.sockets.get_mut(number).context("a stranger")?;
            let mut piece = [0; 1024];
            match socket.stream.read(&mut piece) {
                Ok(0) => bail!("the server hung up on one of them"),
                Ok(read) => long += messages(&piece[..read])?,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Some(long))
    }
}

/// Long messages in what was read at once: the server writes frames whole.
fn messages(mut bytes: &[u8]) -> Result<usize> {
    let mut long = 0;
    while !bytes.is_empty() {
        let whole = payload(bytes).context("a frame that was cut")?;
        long += usize::from(whole.len() >= LONG);
        bytes = bytes.get(whole.end..).unwrap_or_default();
    }
    Ok(long)
}
