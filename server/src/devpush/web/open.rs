//! The browser's side of RFC 8291: opens what was sealed for it, and looks at every field.

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::PrivateKey;

use super::refusal::{Fault, Refusal};
use crate::push::seal::{Derived, HEADER, LAST, TAG};

/// What was inside.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) plaintext: Vec<u8>,
    /// The record with delimiter and padding, before it was sealed.
    pub(super) padded: usize,
}

pub(super) fn open(
    body: &[u8],
    private: &PrivateKey,
    public: &[u8],
    auth: &[u8; 16],
) -> Result<Opened, Refusal> {
    let no = |why| Refusal(Fault::Body, why);
    if body.len() > 4096 {
        return Err(Refusal(Fault::TooLarge, "more than 4096 bytes"));
    }
    if body.len() < HEADER + TAG + 1 {
        return Err(no("shorter than its header"));
    }
    let (header, record) = body.split_at(HEADER);
    let (salt, rest) = header.split_at(16);
    let (size, rest) = rest.split_at(4);
    let (idlen, sender) = rest.split_at(1);
    let size = size
        .iter()
        .fold(0_usize, |size, byte| size << 8 | usize::from(*byte));
    if idlen != [65] || sender.first() != Some(&4) {
        return Err(no("the key id is no public key of 65 bytes"));
    }
    if size <= record.len() {
        return Err(no("more than one record"));
    }
    let salt = salt.try_into().map_err(|_| no("no salt"))?;
    let derived = Derived::new(private, sender, public, sender, auth, &salt)
        .ok_or(no("the key id is no point of the curve"))?;
    let cipher = UnboundKey::new(&AES_128_GCM, &derived.cek).map_err(|_| no("no key"))?;
    let mut record = record.to_vec();
    let nonce = Nonce::assume_unique_for_key(derived.nonce);
    let opened = LessSafeKey::new(cipher)
        .open_in_place(nonce, Aad::empty(), &mut record)
        .map_err(|_| no("not sealed for this subscription"))?;
    let padded = opened.len();
    let end = opened
        .iter()
        .rposition(|byte| *byte != 0)
        .ok_or(no("no delimiter"))?;
    if opened[end] != LAST {
        return Err(no("the delimiter is not that of a last record"));
    }
    Ok(Opened {
        plaintext: opened[..end].to_vec(),
        padded,
    })
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::agreement::ECDH_P256;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn bytes<const N: usize>(text: &str) -> [u8; N] {
        URL_SAFE_NO_PAD.decode(text).unwrap().try_into().unwrap()
    }

    #[test]
    fn the_rfcs_example_opens_and_a_changed_one_does_not() {
        let private: [u8; 32] = bytes("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94");
        let private = PrivateKey::from_private_key(&ECDH_P256, &private).unwrap();
        let public = private.compute_public_key().unwrap();
        let auth = bytes("BTBZMqHH6r4Tts7J_aSIgg");
        let body: [u8; 144] = bytes(
            "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocIn\
             mYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNW\
             QexSgSxsj_Qulcy4a-fN",
        );
        let open = |body: &[u8]| open(body, &private, public.as_ref(), &auth);
        let opened = open(&body).unwrap();
        assert_eq!(
            opened.plaintext,
            b"When I grow up, I want to be a watermelon"
        );
        assert_eq!(opened.padded, 42);
        for place in [0, 17, 20, 21, 60, 100, 143] {
            let mut changed = body;
            changed[place] ^= 1;
            // A larger record size would still hold the one record.
            assert_eq!(open(&changed).is_ok(), place == 17, "byte {place}");
        }
        assert!(open(&body[..90]).is_err());
    }
}
