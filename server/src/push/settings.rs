//! The section of the settings that is push's.

use std::path::PathBuf;

use clap::Args;
use url::Url;

use super::fcm::account::is_loopback;
use super::hosts::{self, AllowedHosts, HostPattern};
use super::web::subject::Subject;

/// How devices without a connection are reached; without keys they are not.
#[derive(Args, Clone, Debug)]
pub struct Push {
    /// Key file of a Firebase service account, for phones (`docs/push.md`)
    #[arg(long, env = "BELLHOP_FCM_KEY", value_name = "FILE")]
    pub fcm_key: Option<PathBuf>,
    /// Where FCM is [default: Google's; with the key of a stand-in, that stand-in]
    #[arg(long, env = "BELLHOP_FCM_URL", value_name = "URL")]
    pub fcm_url: Option<Url>,
    /// Private key of Web Push, for browsers; `bellhop key vapid FILE` makes one
    #[arg(long, env = "BELLHOP_VAPID_KEY", value_name = "FILE")]
    pub vapid_key: Option<PathBuf>,
    /// Who answers for your pushes, told to the browsers' makers: mailto:push@example.com or an https
    /// URL
    #[arg(long, env = "BELLHOP_VAPID_SUBJECT", value_name = "URL")]
    pub vapid_subject: Option<Subject>,
    /// Hosts of push services that browsers may name, comma-separated; `*.example.com`: all beneath
    #[arg(
        long = "push-hosts",
        env = "BELLHOP_PUSH_HOSTS",
        value_delimiter = ',',
        default_value = hosts::DEFAULT,
        value_name = "HOST"
    )]
    pub push_hosts: Vec<HostPattern>,
    /// Development: let push services be on this machine, without TLS
    #[arg(
        long = "push-allow-loopback",
        env = "BELLHOP_PUSH_ALLOW_LOOPBACK",
        id = "push_allow_loopback"
    )]
    pub allow_loopback: bool,
}

/// A combination that is refused, with the way out.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PushConfigError {
    #[error(
        "--vapid-key needs --vapid-subject: whom a push service writes to when your pushes trouble it, \
         mailto:push@example.com"
    )]
    NoSubject,
    #[error(
        "--vapid-subject needs --vapid-key: `bellhop key vapid FILE` makes one; keep it, browsers are \
         bound to it"
    )]
    NoVapidKey,
    #[error("--fcm-url is for --fcm-key, which is missing")]
    NoFcmKey,
    #[error(
        "--fcm-url {0}: write https://HOST without a path; http is for this machine, with \
         --push-allow-loopback"
    )]
    FcmUrl(Url),
}

impl Push {
    /// Refuses what cannot be combined.
    pub fn check(&self) -> Result<(), PushConfigError> {
        match (&self.vapid_key, &self.vapid_subject) {
            (Some(_), None) => return Err(PushConfigError::NoSubject),
            (None, Some(_)) => return Err(PushConfigError::NoVapidKey),
            _ => {}
        }
        let Some(url) = &self.fcm_url else {
            return Ok(());
        };
        if self.fcm_key.is_none() {
            return Err(PushConfigError::NoFcmKey);
        }
        let here = self.allow_loopback && url.scheme() == "http" && is_loopback(url);
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        if !bare || !(url.scheme() == "https" || here) {
            return Err(PushConfigError::FcmUrl(url.clone()));
        }
        Ok(())
    }

    /// What browsers' subscriptions may name.
    #[must_use]
    pub fn hosts(&self) -> AllowedHosts {
        AllowedHosts::new(&self.push_hosts, self.allow_loopback)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        push: Push,
    }

    fn settings(args: &str) -> Push {
        let args = std::iter::once("bellhop").chain(args.split_whitespace());
        Cli::try_parse_from(args).unwrap().push
    }

    #[test]
    fn push_settings_are_held_against_each_other() {
        let push = |args: &str| settings(args).check();
        let said = |args: &str| push(args).unwrap_err().to_string();
        assert_eq!(
            push("--fcm-key=k --vapid-key=v --vapid-subject=mailto:push@acme.com"),
            Ok(())
        );
        assert!(said("--vapid-key=v").contains("needs --vapid-subject"));
        assert!(said("--vapid-subject=https://acme.com").contains("bellhop key vapid"));
        assert_eq!(
            push("--fcm-url=https://fcm.example.com"),
            Err(PushConfigError::NoFcmKey)
        );
        let at = |url: &str| push(&format!("--fcm-key=k --fcm-url={url}"));
        assert_eq!(at("https://fcm.example.com"), Ok(()));
        assert!(at("https://fcm.example.com/v1").is_err());
        assert!(at("http://127.0.0.1:9").is_err());
        assert_eq!(at("http://127.0.0.1:9 --push-allow-loopback"), Ok(()));
        assert!(at("http://10.0.0.1:9 --push-allow-loopback").is_err());
        let parsed = |arg: &str| Cli::try_parse_from(["bellhop", arg]);
        let refused = parsed("--vapid-subject=mailto:push@localhost")
            .err()
            .unwrap();
        assert!(refused.to_string().contains("Apple"), "{refused}");
        assert!(parsed("--push-hosts=10.0.0.1").is_err());
        assert_eq!(settings("").push_hosts.len(), 6);
        assert_eq!(
            settings("--push-hosts=a.example.com,*.b.example.com")
                .push_hosts
                .len(),
            2
        );
    }
}
