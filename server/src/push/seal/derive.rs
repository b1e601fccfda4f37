//! From a shared secret to a key and a nonce: RFC 8291, section 3.4, step by step.

use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};

/// All values of the derivation, named as in the RFC. Secret, each of them.
pub struct Derived {
    pub ecdh_secret: [u8; 32],
    pub prk_key: [u8; 32],
    pub ikm: [u8; 32],
    pub prk: [u8; 32],
    pub cek: [u8; 16],
    pub nonce: [u8; 12],
}

impl Derived {
    /// `own` is either side's private key and `other` the other side's public one; `browser`,
    /// `sender` are both public keys. `None`: a key is no point of the curve.
    #[must_use]
    pub fn new(
        own: &PrivateKey,
        other: &[u8],
        browser: &[u8],
        sender: &[u8],
        auth: &[u8; 16],
        salt: &[u8; 16],
    ) -> Option<Self> {
        let peer = UnparsedPublicKey::new(&ECDH_P256, other);
        let ecdh_secret: [u8; 32] =
            agree(own, peer, (), |secret| secret.try_into().map_err(drop)).ok()?;
        let prk_key = hmac(auth, &[&ecdh_secret]);
        let ikm = hmac(&prk_key, &[b"WebPush: info\0", browser, sender, &[1]]);
        let prk = hmac(salt, &[&ikm]);
        let cek = hmac(&prk, &[b"Content-Encoding: aes128gcm\0", &[1]]);
        let nonce = hmac(&prk, &[b"Content-Encoding: nonce\0", &[1]]);
        Some(Self {
            ecdh_secret,
            prk_key,
            ikm,
            prk,
            cek: first(&cek),
            nonce: first(&nonce),
        })
    }
}

/// HKDF's steps are one HMAC each here: no output is longer than one block.
fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let tag = sign(&Key::new(HMAC_SHA256, key), &parts.concat());
    first(tag.as_ref())
}

fn first<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut start = [0; N];
    start.copy_from_slice(&bytes[..N]);
    start
}
