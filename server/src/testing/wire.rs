//! A wire that loses: a TCP proxy between a client and a server, for the moments in which one of them
//! cannot know what became of what it said.

use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};

use crate::support::lifecycle::Lifecycle;

/// What gets lost; the connection ends with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// The request: it never arrives.
    Request,
    /// The connection: the request arrives, and nobody is there any more when it is answered.
    Connection,
    /// The answer: the server made it, and it never comes back.
    Answer,
    /// Time: the connection is gone for the client, and the server gets the request only when
    /// [`Wire::let_go`] says so, as from a proxy that held it.
    Time,
}

/// One loss, on the first connection on which the client said `after` and then `at` passes: in the
/// server's words for [`Loss::Answer`], in the client's for the others.
#[derive(Clone, Copy)]
struct Order {
    loss: Loss,
    after: &'static str,
    at: &'static str,
}

#[derive(Default)]
struct Orders {
    next: Mutex<Option<Order>>,
    lost: Notify,
    go: Notify,
}

impl Orders {
    /// Takes the order if it is this connection's turn: the client has `said` so much, and now either
    /// spoke again or was `answered`.
    fn due(&self, said: &[u8], answered: Option<&[u8]>) -> Option<Loss> {
        let mut next = self.next.lock();
        let Order { loss, after, at } = (*next)?;
        let begun = find(said, after)?;
        let words = match (loss, answered) {
            (Loss::Answer, Some(answered)) => answered,
            // In the client's own words only what follows `after` counts.
            (Loss::Request | Loss::Connection | Loss::Time, None) => &said[begun..],
            _ => return None,
        };
        find(words, at)?;
        *next = None;
        Some(loss)
    }

    /// Has the client said what the order waits for?
    fn begun(&self, said: &[u8]) -> bool {
        let next = *self.next.lock();
        next.is_some_and(|order| find(said, order.after).is_some())
    }
}

/// It lies as long as this lives.
pub(crate) struct Wire {
    pub(crate) address: SocketAddr,
    orders: Arc<Orders>,
    whole: watch::Sender<bool>,
    life: Lifecycle,
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.life.kill();
    }
}

impl Wire {
    pub(crate) async fn lay(far: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (orders, life) = (Arc::new(Orders::default()), Lifecycle::new());
        let (told, each) = (orders.clone(), life.clone());
        let (whole, is_whole) = watch::channel(true);
        life.spawn("wire", async move {
            while let Ok((near, _)) = listener.accept().await {
                let mut cut = is_whole.clone();
                if !*cut.borrow_and_update() {
                    continue;
                }
                let far = TcpStream::connect(far).await.unwrap();
                let carried = carry(near, far, told.clone());
                each.spawn("carried", async move {
                    tokio::select! {
                        () = carried => {}
                        _ = cut.wait_for(|whole| !whole) => {}
                    }
                });
            }
        });
        Self {
            address,
            orders,
            whole,
            life,
        }
    }

    /// From now on nothing is carried: what is open breaks, and what is opened is closed at once.
    pub(crate) fn cut(&self) {
        self.whole.send_replace(false);
    }

    /// What is opened from now on is carried again.
    pub(crate) fn mend(&self) {
        self.whole.send_replace(true);
    }

    /// The next time this is said on a connection, it is lost.
    pub(crate) fn lose(&self, loss: Loss, after: &'static str, at: &'static str) {
        *self.orders.next.lock() = Some(Order { loss, after, at });
    }

    /// What lost its time arrives now; [`Self::lost`] tells when the server has answered it.
    pub(crate) fn let_go(&self) {
        self.orders.go.notify_one();
    }

    /// Resolves once what was ordered last was lost.
    pub(crate) async fn lost(&self) {
        self.orders.lost.notified().await;
    }
}

/// Brings a held request to the server, and says that something was lost once it was answered.
async fn deliver_late(mut far: TcpStream, bytes: &[u8], orders: &Orders) {
    orders.go.notified().await;
    if far.write_all(bytes).await.is_ok() {
        let mut answer = [0_u8; 4_096];
        let _ = far.read(&mut answer).await;
    }
    orders.lost.notify_one();
}

/// Carries both ways until one side ends or the order is carried out.
async fn carry(mut near: TcpStream, mut far: TcpStream, orders: Arc<Orders>) {
    let (mut said, mut answered) = (Vec::new(), Vec::new());
    let (mut out, mut back) = ([0_u8; 16_384], [0_u8; 16_384]);
    // How much was answered before the client began: an earlier COMMIT on this connection is not meant.
    let mut before = None;
    loop {
        tokio::select! {
            read = near.read(&mut out) => {
                let Some(bytes) = some(read, &out) else { return };
                said.extend_from_slice(bytes);
                if before.is_none() && orders.begun(&said) {
                    before = Some(answered.len());
                }
                let order = orders.due(&said, None);
                if order == Some(Loss::Request) {
                    orders.lost.notify_one();
                    return;
                }
                if order == Some(Loss::Time) {
                    drop(near);
                    orders.lost.notify_one();
                    return deliver_late(far, bytes, &orders).await;
                }
                if far.write_all(bytes).await.is_err() { return }
                if order.is_some() {
                    orders.lost.notify_one();
                    return;
                }
            }
            read = far.read(&mut back) => {
                let Some(bytes) = some(read, &back) else { return };
                answered.extend_from_slice(bytes);
                let since = &answered[before.unwrap_or(answered.len())..];
                if orders.due(&said, Some(since)).is_some() {
                    orders.lost.notify_one();
                    return;
                }
                if near.write_all(bytes).await.is_err() { return }
            }
        }
    }
}

fn some(read: std::io::Result<usize>, buffer: &[u8]) -> Option<&[u8]> {
    read.ok()
        .filter(|count| *count > 0)
        .map(|count| &buffer[..count])
}

fn find(bytes: &[u8], text: &str) -> Option<usize> {
    bytes
        .windows(text.len())
        .position(|window| window == text.as_bytes())
}
