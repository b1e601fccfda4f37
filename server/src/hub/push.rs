//! A device registers for pushes, or no longer wants them.

use std::sync::Arc;

use secrecy::ExposeSecret as _;
use serde::Serialize;
use signalr::{Call, HubError};
use sqlx::Connection as _;

use super::client::Client;
use super::workflow::Shared;
use crate::auth::api_key::sha256;
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

/// `RegisterPushToken(platform, tokenOrSubscription)`: what the device's platform gave it, unchanged. An app
/// calls it at each start.
pub(super) async fn register(
    shared: &Arc<Shared>,
    client: &Arc<Client>,
    call: &Call,
) -> Result<Registered, HubError> {
    let (platform, token) = call.bind::<(String, String)>()?;
    let device = client.device.as_deref().ok_or_else(unnamed)?;
    if token.len() > LONGEST {
        return Err(HubError::new(format!(
            "tokenOrSubscription: {} bytes; at most {LONGEST}.",
            token.len()
        )));
    }
    Target::parse(&platform, &token, shared.pusher.hosts())
        .map_err(|error| HubError::new(error.to_string()))?;
    if !Platform::named(&platform).is_some_and(|kind| shared.pusher.is_configured(kind)) {
        return Err(HubError::new(format!(
            "This server has no key for {platform}: its operator has to configure it."
        )));
    }
    let minted = device_key::mint(&shared.ids);
    let saved = async {
        let mut conn = shared.pool.acquire().await?;
        let mut tx = conn.begin().await?;
        let new = store::Registration {
            tenant: client.tenant,
            user: client.user,
            device,
            platform: &platform,
            token: &token,
            token_hash: &sha256(token.as_bytes()),
            key_hash: &minted.hash,
        };
        store::register(&mut tx, &new, shared.clock.now()).await?;
        tx.commit().await
    };
    saved.await.map_err(away)?;
    Ok(Registered {
        credential: minted.text.expose_secret().to_owned(),
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
    gone.await.map_err(away)
}

fn unnamed() -> HubError {
    HubError::new("Name the device first: connect with ?device=…, or a token with the claim did.")
}

fn away(error: sqlx::Error) -> HubError {
    tracing::warn!(%error, "push registration not saved");
    HubError::new("Not saved: the database is away. Try again.")
}
