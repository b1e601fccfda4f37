//! `bellhop devpush`: the stand-ins of the makers' services on a port of this machine, so that pushes can
//! be seen without Google, Apple and a phone.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use crate::devpush::{Account, DevPush};
use crate::run::listen;
use crate::run::signals::Signals;
use crate::support::clock::Clock;
use crate::support::ids::Ids;
use crate::support::lifecycle::Lifecycle;

#[derive(Args, Debug)]
pub struct DevPushCommand {
    /// Port of this machine; the next free one is taken when it is in use
    #[arg(long, default_value_t = 7430)]
    pub port: u16,
    /// Folder for the keys to give to `bellhop serve`: fcm.json, made anew, and vapid.pem
    #[arg(long, default_value = "data/devpush", value_name = "DIR")]
    pub keys: PathBuf,
}

/// Serves until a signal comes. Listens on loopback only: there are no credentials.
pub async fn run(args: DevPushCommand) -> anyhow::Result<()> {
    let mut signals = Signals::catch()?;
    let clock = Clock::system();
    let listener = listen::listen(Ipv4Addr::LOCALHOST.into(), args.port)?;
    let address = listener.local_addr()?;
    let account = tokio::task::spawn_blocking(Account::make).await??;
    let stand_ins = DevPush::new(address, account, clock.clone(), Ids::new(clock));
    stand_ins
        .write_keys(&args.keys)
        .with_context(|| format!("no keys can be written to {}", args.keys.display()))?;
    let life = Lifecycle::new();
    life.spawn("stand-ins", stand_ins.serve(listener, life.clone()));
    greet(address, &args.keys);
    signals.next().await;
    signals.stop(&life).await;
    Ok(())
}

fn greet(address: SocketAddr, keys: &Path) {
    let bold = anstyle::Style::new().bold();
    let keys = keys.display();
    anstream::println!(
        "\n  Stand-ins of the push services, and what devices show: {bold}http://{address}{bold:#}\n\n  \
         Point the server at them\n    bellhop serve --push-allow-loopback --fcm-key {keys}/fcm.json \
         --vapid-key {keys}/vapid.pem --vapid-subject mailto:push@your-domain.com\n\n  \
         Make a device\n    curl -s http://{address}/devices -H 'Content-Type: application/json' -d \
         '{{\"platform\":\"fcm\"}}'\n"
    );
}
