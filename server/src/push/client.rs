//! The HTTP client of a provider, and of webhooks: one for its life, so that connections are reused. Opening one
//! per message is an attack in Apple's eyes.

use std::time::Duration;

use super::resolver::PublicOnly;

/// How long a provider may take to answer. Google asks for no less than 10 s.
pub const PATIENCE: Duration = Duration::from_secs(12);
const CONNECT: Duration = Duration::from_secs(5);
const IDLE: Duration = Duration::from_secs(90);
/// An HTTP/2 connection that does not answer a ping for so long is opened anew.
const PING: Duration = Duration::from_secs(30);

/// What differs from provider to provider.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) patience: Duration,
    /// Addresses come from clients: public ones only, and no proxy that would resolve them for us.
    pub(crate) strangers: bool,
    /// For development, this machine too.
    pub(crate) loopback: bool,
    /// HTTP/2 without TLS, as a stand-in of a service of HTTP/2 speaks it.
    pub(crate) prior_knowledge: bool,
}

pub(crate) fn client(wanted: Wanted) -> reqwest::Result<reqwest::Client> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("bellhop/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .timeout(wanted.patience)
        .connect_timeout(CONNECT.min(wanted.patience))
        .pool_idle_timeout(IDLE)
        .http2_keep_alive_interval(PING)
        .http2_keep_alive_timeout(PING)
        .tcp_nodelay(true)
        .https_only(!wanted.loopback);
    if wanted.strangers {
        let loopback = wanted.loopback;
        builder = builder.dns_resolver(PublicOnly { loopback });
    }
    if wanted.strangers || wanted.loopback {
        builder = builder.no_proxy();
    }
    if wanted.prior_knowledge {
        builder = builder.http2_prior_knowledge();
    }
    builder.build()
}
