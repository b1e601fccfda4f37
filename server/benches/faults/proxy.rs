//! The way between clients and server: a TCP proxy whose lines can be cut with a word (RST) or without one (nothing
//! moves any more, in either direction, and both ends stay open, as when a phone leaves the network).

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use bellhop::support::dice::Dice;
use bellhop::support::lifecycle::Lifecycle;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What becomes of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Both ends learn of it at once.
    Reset,
    /// Neither end learns of it, until the line is reset.
    Silent,
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

    /// Resets what was cut silently.
    pub(crate) fn bury(&self) {
        for line in lock(&self.lines).values() {
            if *line.borrow() == Some(Cut::Silent) {
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
    tokio::select! {
        _ = copy_bidirectional(&mut near, &mut far) => return,
        _ = fate.wait_for(Option::is_some) => {}
    }
    let _ = fate.wait_for(|fate| *fate == Some(Cut::Reset)).await;
    // Closed with bytes unsent, and RST instead of FIN.
    let _ = (near.set_zero_linger(), far.set_zero_linger());
}
