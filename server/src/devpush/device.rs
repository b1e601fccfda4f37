//! A phone or a browser: what it holds, what it got, what it shows.

use std::collections::VecDeque;

use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::app::App;
use super::bucket::Bucket;
use super::card::Screen;
use super::script::Step;
use crate::support::ids::Ids;

/// Whose push service a browser is with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Browser {
    Chrome,
    Mozilla,
    Apple,
    Wns,
}

impl Browser {
    /// The host that stands in for the real one.
    pub(super) fn host(self) -> &'static str {
        match self {
            Self::Chrome => "fcm.googleapis.com.localhost",
            Self::Mozilla => "updates.push.services.mozilla.com.localhost",
            Self::Apple => "web.push.apple.com.localhost",
            Self::Wns => "wns2-am3p.notify.windows.com.localhost",
        }
    }
}

/// What makes a phone a phone and a browser one.
pub(super) enum Kind {
    Phone {
        token: String,
    },
    Browser {
        browser: Browser,
        private: PrivateKey,
        public: Vec<u8>,
        auth: [u8; 16],
        /// The key it subscribed with; the first that writes, when it named none.
        server_key: Option<String>,
    },
}

/// One device. Written by sends and by the admin API, under the state's lock.
pub(super) struct Device {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) script: VecDeque<Step>,
    pub(super) screen: Screen,
    /// The newest last, at most [`KEPT`].
    pub(super) received: VecDeque<Received>,
    pub(super) bucket: Bucket,
    /// Uninstalled or unsubscribed.
    pub(super) gone: bool,
    /// Pushes that showed nothing.
    pub(super) silent: u32,
    /// It no longer gets anything, and its service does not say so.
    pub(super) revoked: bool,
    pub(super) badge: Option<u64>,
    /// What its app acknowledges with.
    pub(super) app: Option<App>,
    /// The last touch came to nothing; why.
    pub(super) trouble: Option<String>,
}

const KEPT: usize = 200;

/// One push that arrived.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Received {
    pub(super) at: Timestamp,
    /// What the device reads.
    pub(super) content: Value,
    /// What the service saw of it.
    pub(super) envelope: Value,
    /// Over the budget of collapsible messages: it would come minutes later, and is not drawn.
    pub(super) late: bool,
}

impl Device {
    pub(super) fn new(id: String, name: String, kind: Kind) -> Self {
        Self {
            id,
            name,
            kind,
            script: VecDeque::new(),
            screen: Screen::default(),
            received: VecDeque::new(),
            bucket: Bucket::default(),
            gone: false,
            silent: 0,
            revoked: false,
            badge: None,
            app: None,
            trouble: None,
        }
    }

    pub(super) fn got(&mut self, received: Received) {
        self.received.push_back(received);
        if self.received.len() > KEPT {
            self.received.pop_front();
        }
    }

    pub(super) fn platform(&self) -> &'static str {
        match self.kind {
            Kind::Phone { .. } => "fcm",
            Kind::Browser { .. } => "webpush",
        }
    }

    /// What its app would register.
    pub(super) fn registration(&self, port: u16) -> String {
        match &self.kind {
            Kind::Phone { token } => token.clone(),
            Kind::Browser {
                browser,
                public,
                auth,
                ..
            } => json!({
                "endpoint": format!("http://{}:{port}/push/{}", browser.host(), self.id),
                "expirationTime": null,
                "keys": {
                    "p256dh": URL_SAFE_NO_PAD.encode(public),
                    "auth": URL_SAFE_NO_PAD.encode(auth),
                },
            })
            .to_string(),
        }
    }
}

impl Kind {
    pub(super) fn phone(id: &str, ids: &Ids) -> Self {
        let secret = URL_SAFE_NO_PAD.encode(ids.bytes::<24>());
        Self::Phone {
            token: format!("{id}:APA91b{secret}"),
        }
    }

    pub(super) fn browser(browser: Browser, server_key: Option<String>, ids: &Ids) -> Option<Self> {
        let private = PrivateKey::generate(&ECDH_P256).ok()?;
        let public = private.compute_public_key().ok()?.as_ref().to_vec();
        Some(Self::Browser {
            browser,
            private,
            public,
            auth: ids.bytes(),
            server_key,
        })
    }
}
