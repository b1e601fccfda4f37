//! A device registers for pushes, or no longer wants them: by a hub call, and the same for our own screens.

use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use signalr::{Call, HubError};
use sqlx::Connection as _;
use uuid::Uuid;

use super::Hub;
use super::client::Client;
use super::workflow::Shared;
use crate::auth::device_key;
use crate::push::{Platform, Target};
use crate::store::push as store;

/// A subscription of a browser has some 400 bytes, a token of FCM some 200.
const LONGEST: usize = 4_096;

/// Answer of `RegisterPushToken`.
#[derive(Serialize)]
pub(super) struct Registered {
    /// For `POST /api/v1/acks`; takes the place of the one before.
    credential: String,
}

/// A device that wants pushes.
pub(crate) struct Applicant<'a> {
    pub(crate) tenant: Uuid,
    pub(crate) user: Uuid,
    /// Its name: [`device::name`](super::device::name) has let it pass.
    pub(crate) device: &'a str,
    /// `fcm`, `webpush`.
    pub(crate) platform: &'a str,
    /// What the platform gave it, unchanged.
    pub(crate) token: &'a str,
}

/// Why it was not registered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotRegistered {
    /// What it sent is wrong, and how to mend it.
    #[error("{0}")]
    Wrong(String),
    /// There is no key for its platform.
    #[error("This server has no key for {0}: its operator has to configure it.")]
    NoKey(String),
    /// Try again.
    #[error("Not saved: the database is away. Try again.")]
    Away(#[from] sqlx::Error),
}

impl Shared {
    /// Registers a device; answers what it may acknowledge with from now on.
    pub(crate) async fn register(
        &self,
        new: &Applicant<'_>,
    ) -> Result<SecretString, NotRegistered> {
        if new.token.len() > LONGEST {
            return Err(NotRegistered::Wrong(format!(
                "tokenOrSubscription: {} bytes; at most {LONGEST}.",
                new.token.len()
            )));
        }
        let target = Target::parse(new.platform, new.token, self.pusher.hosts())
            .map_err(|error| NotRegistered::Wrong(error.to_string()))?;
        if !Platform::named(new.platform).is_some_and(|kind| self.pusher.is_configured(kind)) {
            return Err(NotRegistered::NoKey(new.platform.to_owned()));
        }
        let minted = device_key::mint(&self.ids);
        let mut conn = self.pool.acquire().await?;
        let mut tx = conn.begin().await?;
        let row = store::Registration {
            tenant: new.tenant,
            user: new.user,
            device: new.device,
            platform: new.platform,
            token: new.token,
            token_hash: &target.hash(),
            key_hash: &minted.hash,
        };
        store::register(&mut tx, &row, self.clock.now()).await?;
        tx.commit().await?;
        Ok(minted.text)
    }
}

impl Hub {
    /// Registers a device that did not come by the hub.
    pub(crate) async fn register_push(
        &self,
        new: &Applicant<'_>,
    ) -> Result<SecretString, NotRegistered> {
        self.shared.register(new).await
    }

    /// Forgets where it is pushed to, and what it acknowledges with; answers whether there was something.
    pub(crate) async fn unregister_push(&self, user: Uuid, device: &str) -> sqlx::Result<bool> {
        let mut conn = self.shared.pool.acquire().await?;
        store::unregister(&mut conn, user, device).await
    }
}

/// `RegisterPushToken(platform, tokenOrSubscription)`: what the device's platform gave it, unchanged. An app
/// calls it at each start.
pub(super) async fn register(
    shared: &Arc<Shared>,
    client: &Arc<Client>,
    call: &Call,
) -> Result<Registered, HubError> {
    let (platform, token) = call.bind::<(String, String)>()?;
    let device = client.device.as_deref().ok_or_else(unnamed)?;
    let new = Applicant {
        tenant: client.tenant,
        user: client.user,
        device,
        platform: &platform,
        token: &token,
    };
    let credential = shared.register(&new).await.map_err(|error| {
        if let NotRegistered::Away(cause) = &error {
            tracing::warn!(error = %cause, "push registration not saved");
        }
        HubError::new(error.to_string())
    })?;
    Ok(Registered {
        credential: credential.expose_secret().to_owned(),
    })
}

/// `UnregisterPushToken()`: answers whether there was one.
pub(super) async fn unregister(
    shared: &Arc<Shared>,
    client: &Arc<Client>,
) -> Result<bool, HubError> {
    let device = client.device.as_deref().ok_or_else(unnamed)?;
    let gone = async {
        let mut conn = shared.pool.acquire().await?;
        store::unregister(&mut conn, client.user, device).await
    };
    gone.await.map_err(|error: sqlx::Error| {
        tracing::warn!(%error, "push registration not removed");
        HubError::new("Not saved: the database is away. Try again.")
    })
}

fn unnamed() -> HubError {
    HubError::new("Name the device first: connect with ?device=…, or a token with the claim did.")
}
