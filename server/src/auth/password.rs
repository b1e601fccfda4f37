//! Passwords: argon2id with 19 MiB and two passes. It is slow on purpose, so it runs beside the
//! runtime, two at a time at most: a flood of sign-ins costs waiting, not the memory of the machine.

use std::sync::{Arc, OnceLock};

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

/// At the same time.
const AT_ONCE: usize = 2;
/// Longer ones are no passwords.
pub const LONGEST: usize = 1024;
/// Shorter ones are guessed.
pub const SHORTEST: usize = 12;

/// The machinery could not run; never "the password was wrong".
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the password could not be hashed")]
pub struct HashFailed;

/// Hashes and compares. Cheap to clone; all clones share the bound.
#[derive(Clone, Debug)]
pub struct Passwords(Arc<Semaphore>);

impl Default for Passwords {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl Passwords {
    /// A new hash in PHC form.
    pub async fn hash(&self, password: SecretString) -> Result<String, HashFailed> {
        self.run(move || hash_blocking(password.expose_secret()))
            .await?
    }

    /// Is it the password of this hash? Without a hash (nobody has that login) it takes as long
    /// and says no.
    pub async fn verify(
        &self,
        password: SecretString,
        hash: Option<String>,
    ) -> Result<bool, HashFailed> {
        self.run(move || {
            let known = hash.is_some();
            let hash = hash.unwrap_or_else(|| dummy().to_owned());
            verify_blocking(password.expose_secret(), &hash) && known
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HashFailed> {
        let permit = Arc::clone(&self.0)
            .acquire_owned()
            .await
            .map_err(|_| HashFailed)?;
        // The permit goes along: a caller who gives up does not let a third one in.
        tokio::task::spawn_blocking(move || {
            let done = work();
            drop(permit);
            done
        })
        .await
        .map_err(|_| HashFailed)
    }
}

/// A new hash, on this thread; for seeding.
pub fn hash_blocking(password: &str) -> Result<String, HashFailed> {
    argon2()
        .hash_password(password.as_bytes())
        .map(|hash: PasswordHash| hash.to_string())
        .map_err(|_| HashFailed)
}

fn verify_blocking(password: &str, hash: &str) -> bool {
    password.len() <= LONGEST
        && PasswordHash::new(hash)
            .is_ok_and(|hash| argon2().verify_password(password.as_bytes(), &hash).is_ok())
}

fn argon2() -> Argon2<'static> {
    // 19 MiB, 2 passes, 1 lane: OWASP's first choice of parameters.
    let params = Params::new(19 * 1024, 2, 1, None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// The hash of nothing anybody can type, made once.
fn dummy() -> &'static str {
    static DUMMY: OnceLock<String> = OnceLock::new();
    DUMMY.get_or_init(|| hash_blocking("\u{0}nobody").unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_password_itself_is_right_and_nobody_has_none() {
        let passwords = Passwords::default();
        let hash = passwords
            .hash("correct horse".to_owned().into())
            .await
            .unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        let verify = async |word: &str, hash| {
            passwords
                .verify(word.to_owned().into(), hash)
                .await
                .unwrap()
        };
        assert!(verify("correct horse", Some(hash.clone())).await);
        assert!(!verify("correct hors", Some(hash.clone())).await);
        assert!(!verify(&"x".repeat(LONGEST + 1), Some(hash)).await);
        assert!(!verify("correct horse", None).await);
        assert!(!verify("\u{0}nobody", None).await);
        assert!(!verify("x", Some("not a hash".to_owned())).await);
    }
}
