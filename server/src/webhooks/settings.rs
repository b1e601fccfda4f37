//! The section of the settings that is the webhooks'.

use clap::Args;

/// Where receipts may be sent.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct Webhooks {
    /// Let webhooks name http and private addresses: receivers in your own network, which whoever holds a service's
    /// key can then have this server write to
    #[arg(long, env = "BELLHOP_WEBHOOKS_ALLOW_PRIVATE")]
    pub webhooks_allow_private: bool,
}
