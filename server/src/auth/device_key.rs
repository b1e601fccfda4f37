//! What a woken phone acknowledges with: `bhd_<43 characters>`, 256 random bits, stored as SHA-256. It is issued
//! when a device registers for pushes, names that device, and may do nothing but acknowledge.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;

use super::api_key::sha256;
use super::fault::Fault;
use super::principal::{Principal, Scopes, Who};
use super::state::AuthState;
use crate::api::problem::Problem;
use crate::store::push;
use crate::support::ids::Ids;

/// How every device's credential begins.
pub const PREFIX: &str = "bhd_";

/// A credential just made. `text` is shown once and never stored.
pub struct Minted {
    /// For the device.
    pub text: SecretString,
    /// For the database.
    pub hash: [u8; 32],
}

/// Makes one.
#[must_use]
pub fn mint(ids: &Ids) -> Minted {
    let secret = ids.bytes::<32>();
    Minted {
        text: format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(secret)).into(),
        hash: sha256(&secret),
    }
}

fn read(text: &str) -> Option<[u8; 32]> {
    let secret = URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
    (secret.len() == 32).then(|| sha256(&secret))
}

impl AuthState {
    pub(super) async fn principal_of_device(&self, text: &str) -> Result<Principal, Problem> {
        let hash = read(text).ok_or(Fault::MalformedToken(
            "it is no device's credential of ours",
        ))?;
        let mut conn = self.pool().acquire().await?;
        // Found by the hash itself: whoever does not know the secret cannot aim at a row.
        let holder = push::holder(&mut conn, &hash)
            .await?
            .ok_or(Fault::UnknownKey)?;
        Ok(Principal {
            tenant: holder.tenant,
            tenant_key: holder.tenant_key.into(),
            service: None,
            service_key: None,
            who: Who::Device { user: holder.user },
            scopes: Scopes::NONE,
            roles: Vec::new(),
            device: Some(holder.device),
            expires_at: None,
            session: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;
    use crate::support::clock::Clock;

    #[test]
    fn a_credential_reads_back_to_its_hash() {
        let minted = mint(&Ids::new(Clock::system()));
        let text = minted.text.expose_secret();
        assert_eq!(read(text), Some(minted.hash));
        for broken in ["", "bhd_", "bh_", &text[..text.len() - 1], &text[4..]] {
            assert_eq!(read(broken), None, "{broken}");
        }
    }
}
