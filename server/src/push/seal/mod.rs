//! Sealing for one browser: RFC 8291 over RFC 8188, one record, padded.
//!
//! The push service sees lengths, and a length tells what kind of message it is; so there are four.
//! `docs/decisions/0016` says why this is ours. Every intermediate value of the RFC's example is a test.

mod derive;

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};

pub use self::derive::Derived;
use super::subscription::Subscription;

/// Salt, record size, length of the key id, the key id: the sender's public key.
pub const HEADER: usize = 16 + 4 + 1 + 65;
/// What AES-GCM adds.
pub const TAG: usize = 16;
/// Ends the content of the last record; zeros follow.
pub const LAST: u8 = 2;
/// Record size, larger than any record of ours.
pub const RECORD_SIZE: u32 = 4096;
/// Lengths of a record before it is sealed, the delimiter within. Firefox on Android gets no more
/// than 2744 bytes of message through.
pub const BUCKETS: [usize; 4] = [256, 512, 1024, 2048];

/// The most that fits.
pub const LARGEST: usize = BUCKETS[3] - 1;

/// Why a message cannot be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    #[error("the message is longer than {LARGEST} bytes")]
    TooLong,
    #[error("the cryptography library failed")]
    Library,
}

/// Seals `plaintext` under a fresh key and `salt`; the body of a push.
pub fn seal(
    subscription: &Subscription,
    plaintext: &[u8],
    salt: [u8; 16],
) -> Result<Vec<u8>, SealError> {
    let key = PrivateKey::generate(&ECDH_P256).map_err(|_| SealError::Library)?;
    let bucket = BUCKETS.into_iter().find(|bucket| plaintext.len() < *bucket);
    seal_with(
        subscription,
        plaintext,
        salt,
        &key,
        bucket.ok_or(SealError::TooLong)?,
    )
}

/// With this key, padded to this length; to repeat the RFC's example.
fn seal_with(
    subscription: &Subscription,
    plaintext: &[u8],
    salt: [u8; 16],
    key: &PrivateKey,
    length: usize,
) -> Result<Vec<u8>, SealError> {
    let own = key.compute_public_key().map_err(|_| SealError::Library)?;
    let browser = subscription.p256dh();
    let derived = Derived::new(
        key,
        browser,
        browser,
        own.as_ref(),
        subscription.auth(),
        &salt,
    )
    .ok_or(SealError::Library)?;

    let mut body = Vec::with_capacity(HEADER + length + TAG);
    body.extend_from_slice(&salt);
    body.extend_from_slice(&RECORD_SIZE.to_be_bytes());
    body.push(65);
    body.extend_from_slice(own.as_ref());

    let mut record = plaintext.to_vec();
    record.push(LAST);
    record.resize(length.max(record.len()), 0);
    let cipher = UnboundKey::new(&AES_128_GCM, &derived.cek).map_err(|_| SealError::Library)?;
    LessSafeKey::new(cipher)
        .seal_in_place_append_tag(
            Nonce::assume_unique_for_key(derived.nonce),
            Aad::empty(),
            &mut record,
        )
        .map_err(|_| SealError::Library)?;
    body.extend_from_slice(&record);
    Ok(body)
}

#[cfg(test)]
mod tests;
