//! The interoperability host: the routes and the hub that suites written for official servers expect,
//! to run unmodified SignalR clients against this crate.
//!
//! `cargo run -p signalr --example interop -- --http 127.0.0.1:5000`; with `--https`, `--cert` and
//! `--key` (PEM files) also over TLS. Port 0 (the default) lets the system choose. The first line of
//! output is the URLs as JSON: `{"http":"http://127.0.0.1:5000","https":null}`. SIGTERM ends it.
//!
//! It mirrors every origin and hands out tokens to everybody: for tests only.

mod echo;
mod front;
mod listen;
mod login;
mod routes;
mod test_hub;
mod visitor;

use std::{io::Write, net::SocketAddr, path::PathBuf, time::Duration};

use clap::Parser;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

#[derive(Parser)]
struct Flags {
    /// Where to listen for HTTP.
    #[arg(long, default_value = "127.0.0.1:0")]
    http: SocketAddr,
    /// Where to listen for HTTPS; needs a certificate.
    #[arg(long, requires = "cert", requires = "key")]
    https: Option<SocketAddr>,
    /// The certificate chain, PEM.
    #[arg(long)]
    cert: Option<PathBuf>,
    /// Its private key, PEM.
    #[arg(long)]
    key: Option<PathBuf>,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let flags = Flags::parse();
    let (tracker, stopping) = (TaskTracker::new(), CancellationToken::new());
    let app = routes::routes(&tracker, &stopping);
    let http = TcpListener::bind(flags.http).await?;
    let mut urls = (format!("http://{}", http.local_addr()?), None);
    if let (Some(address), Some(cert), Some(key)) = (flags.https, flags.cert, flags.key) {
        let tls = listen::tls(&cert, &key)?;
        let https = TcpListener::bind(address).await?;
        urls.1 = Some(format!("https://{}", https.local_addr()?));
        let (app, tasks, stop) = (app.clone(), tracker.clone(), stopping.clone());
        tracker.spawn(async move { listen::listen(https, Some(tls), app, tasks, stop).await });
    }
    let (tasks, stop) = (tracker.clone(), stopping.clone());
    tracker.spawn(async move { listen::listen(http, None, app, tasks, stop).await });

    // Before anybody is told that we are here: whoever starts us may stop us at once.
    let mut terminated = signal(SignalKind::terminate())?;
    let line = serde_json::json!({ "http": urls.0, "https": urls.1 });
    writeln!(std::io::stdout(), "{line}")?;
    tokio::select! {
        _ = terminated.recv() => {}
        pressed = tokio::signal::ctrl_c() => pressed?,
    }
    stopping.cancel();
    tracker.close();
    // Clients are told to go; one that does not is cut.
    let _cut = tokio::time::timeout(Duration::from_secs(8), tracker.wait()).await;
    Ok(())
}
