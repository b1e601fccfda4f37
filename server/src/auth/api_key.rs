//! API keys: `bh_<id>_<43 characters>`. The id finds the row; the 256 random bits behind it are
//! stored as SHA-256 and compared in constant time.

use std::collections::HashMap;

use aws_lc_rs::{constant_time, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use parking_lot::Mutex;
use secrecy::SecretString;

use super::fault::Fault;
use super::principal::{Principal, Who};
use super::state::AuthState;
use crate::api::problem::Problem;
use crate::store::{self, Pool};
use crate::support::ids::Ids;

/// How every API key begins; no JWT does.
pub const PREFIX: &str = "bh_";

/// A key just made. `text` is shown once and never stored.
pub struct Minted {
    pub id: String,
    pub text: SecretString,
    pub hash: [u8; 32],
}

/// Makes a key.
#[must_use]
pub fn mint(ids: &Ids) -> Minted {
    // 48 bits are enough to be unique, and the primary key says when not.
    let id = format!("{:012x}", u64::from_be_bytes(ids.bytes()) >> 16);
    let secret = ids.bytes::<32>();
    let text = format!("{PREFIX}{id}_{}", URL_SAFE_NO_PAD.encode(secret));
    Minted {
        id,
        text: text.into(),
        hash: sha256(&secret),
    }
}

/// SHA-256.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = digest::digest(&digest::SHA256, bytes);
    let mut hash = [0; 32];
    hash.copy_from_slice(digest.as_ref());
    hash
}

/// Takes a key apart: its id and the hash of its secret.
fn read(text: &str) -> Option<(&str, [u8; 32])> {
    let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
    let fits = id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let secret = URL_SAFE_NO_PAD.decode(secret).ok()?;
    (fits && secret.len() == 32).then(|| (id, sha256(&secret)))
}

impl AuthState {
    pub(super) async fn principal_of_key(&self, text: &str) -> Result<Principal, Problem> {
        let now = self.clock().now();
        let (id, hash) = read(text).ok_or(Fault::MalformedToken("it is no API key of ours"))?;
        let key = self
            .directory()
            .key(id, now)
            .await?
            .ok_or(Fault::UnknownKey)?;
        if constant_time::verify_slices_are_equal(&key.hash, &hash).is_err() {
            return Err(Fault::UnknownKey.into());
        }
        // Only who holds the secret learns that it was revoked.
        if key.revoked {
            return Err(Fault::RevokedKey.into());
        }
        self.key_uses().note(id, now);
        Ok(Principal {
            tenant: key.tenant,
            tenant_key: key.tenant_key.clone(),
            service: Some(key.service),
            service_key: Some(key.service_key.clone()),
            who: Who::Key { id: id.into() },
            scopes: key.scopes,
            roles: Vec::new(),
            device: None,
            expires_at: None,
            session: None,
        })
    }
}

/// When keys were used since the last flush. Bounded by the number of keys there are: only a key
/// that proved itself is noted.
#[derive(Debug, Default)]
pub struct KeyUses(Mutex<HashMap<String, Timestamp>>);

impl KeyUses {
    fn note(&self, id: &str, now: Timestamp) {
        let mut uses = self.0.lock();
        if let Some(at) = uses.get_mut(id) {
            *at = now;
        } else {
            uses.insert(id.to_owned(), now);
        }
    }

    /// Writes them down; called once a minute and at the end. What cannot be written is dropped:
    /// the next use notes it again.
    pub async fn flush(&self, pool: &Pool) -> sqlx::Result<()> {
        let uses = std::mem::take(&mut *self.0.lock());
        if uses.is_empty() {
            return Ok(());
        }
        let (ids, at): (Vec<_>, Vec<_>) = uses.into_iter().unzip();
        store::keys::touch(&mut *pool.acquire().await?, &ids, &at).await
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;
    use crate::support::clock::Clock;

    #[test]
    fn a_key_reads_back_to_its_id_and_hash() {
        let ids = Ids::new(Clock::system());
        let minted = mint(&ids);
        let text = minted.text.expose_secret();
        assert_eq!(text.len(), 3 + 12 + 1 + 43);
        assert_eq!(read(text), Some((minted.id.as_str(), minted.hash)));
        for broken in ["", "bh_", "bh_zz_aa", &text[..text.len() - 1], &text[3..]] {
            assert_eq!(read(broken), None, "{broken}");
        }
    }
}
