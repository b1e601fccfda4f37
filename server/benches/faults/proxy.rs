//! The way between clients and server: a TCP proxy whose lines can be cut with a word (RST) or without one (nothing
//! moves any more, in either direction or in one, and both ends stay open, as when a phone leaves the network).

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use bellhop::support::dice::Dice;
use bellhop::support::lifecycle::Lifecycle;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What becomes of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Both ends learn of it at once.
    Reset,
    /// Neither end learns of it, until the line is reset.
    Silent,
    /// What the client says is lost, what the server says arrives; the same.
    Mute,
}

type Lines = Arc<Mutex<HashMap<u64, watch::Sender<Option<Cut>>>>>;

pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    lines: Lines,
}

impl Proxy {
    pub(crate) async fn lay(far: SocketAddr, life: &Lifecycle) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let lines = Lines::default();
        let (known, each) = (lines.clone(), life.clone());
        life.spawn("proxy", async move {
            let mut number = 0;
            while let Ok((near, _)) = listener.accept().await {
                number += 1;
                let (fate, told) = watch::channel(None);
                lock(&known).insert(number, fate);
                let known = known.clone();
                each.spawn("line", async move {
                    // Nobody there: the client sees its line closed, as it would without us.
                    if let Ok(far) = TcpStream::connect(far).await {
                        carry(near, far, told).await;
                    }
                    lock(&known).remove(&number);
                });
            }
        });
        Ok(Self { address, lines })
    }

    /// Cuts each line with a chance of one in two; how many of how many.
    pub(crate) fn cut_half(&self, cut: Cut, dice: &mut Dice) -> (usize, usize) {
        let lines = lock(&self.lines);
        let mut numbers: Vec<&u64> = lines.keys().collect();
        numbers.sort_unstable();
        let chosen: Vec<&u64> = numbers.into_iter().filter(|_| dice.percent(50)).collect();
        for number in &chosen {
            if let Some(line) = lines.get(number) {
                line.send_replace(Some(cut));
            }
        }
        (chosen.len(), lines.len())
    }

    /// Resets what was cut without a word.
    pub(crate) fn bury(&self) {
        for line in lock(&self.lines).values() {
            let cut = *line.borrow();
            if matches!(cut, Some(Cut::Silent | Cut::Mute)) {
                line.send_replace(Some(Cut::Reset));
            }
        }
    }
}

fn lock(lines: &Lines) -> std::sync::MutexGuard<'_, HashMap<u64, watch::Sender<Option<Cut>>>> {
    lines.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Until one end closes, or the line is reset.
async fn carry(mut near: TcpStream, mut far: TcpStream, mut fate: watch::Receiver<Option<Cut>>) {
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let (up, down) = (fate.clone(), fate.clone());
    {
        let (from_near, to_near) = near.split();
        let (from_far, to_far) = far.split();
        tokio::select! {
            () = pass(from_near, to_far, &up, Some(Cut::Mute)) => return,
            () = pass(from_far, to_near, &down, None) => return,
            _ = fate.wait_for(|fate| *fate == Some(Cut::Reset)) => {}
        }
    }
    // Closed with bytes unsent, and RST instead of FIN.
    let _ = (near.set_zero_linger(), far.set_zero_linger());
}

/// Carries one way, until that ends; what is said under `lost` is lost.
async fn pass(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    fate: &watch::Receiver<Option<Cut>>,
    lost: Option<Cut>,
) {
    let mut bytes = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        let cut = *fate.borrow();
        if cut == Some(Cut::Silent) {
            // Neither this nor anything after it arrives; the sender is not told.
            std::future::pending::<()>().await;
        }
        if cut.is_some() && cut == lost {
            continue;
        }
        if to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}
