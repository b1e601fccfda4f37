//! The example of RFC 8291, section 5 and appendix A, value by value.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;

use super::*;
use crate::push::{AllowedHosts, Target};

const AS_PRIVATE: &str = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
const AS_PUBLIC: &str =
    "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8";
const UA_PRIVATE: &str = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94";
const UA_PUBLIC: &str =
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
const SALT: &str = "DGv6ra1nlYgDCS1FRnbzlw";
const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";
const PLAINTEXT: &[u8] = b"When I grow up, I want to be a watermelon";
const BODY: &str = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3\
                    vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuw\
                    XPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";

fn bytes<const N: usize>(text: &str) -> [u8; N] {
    BASE64.decode(text).unwrap().try_into().unwrap()
}

fn subscription() -> Subscription {
    let text = format!(
        r#"{{"endpoint":"https://fcm.googleapis.com/fcm/send/a",
            "keys":{{"p256dh":"{UA_PUBLIC}","auth":"{AUTH}"}}}}"#
    );
    match Target::parse("webpush", &text, &AllowedHosts::default()).unwrap() {
        Target::Web(subscription) => subscription,
        Target::Fcm { .. } => unreachable!(),
    }
}

fn private(text: &str) -> PrivateKey {
    PrivateKey::from_private_key(&ECDH_P256, &bytes::<32>(text)).unwrap()
}

#[test]
fn every_value_of_the_rfcs_example_on_both_sides() {
    let (ua, own) = (bytes::<65>(UA_PUBLIC), bytes::<65>(AS_PUBLIC));
    let (auth, salt) = (bytes(AUTH), bytes(SALT));
    for (key, other) in [(AS_PRIVATE, &ua), (UA_PRIVATE, &own)] {
        let derived = Derived::new(&private(key), other, &ua, &own, &auth, &salt).unwrap();
        let values = [
            (
                "kyrL1jIIOHEzg3sM2ZWRHDRB62YACZhhSlknJ672kSs",
                &derived.ecdh_secret[..],
            ),
            (
                "Snr3JMxaHVDXHWJn5wdC52WjpCtd2EIEGBykDcZW32k",
                &derived.prk_key,
            ),
            ("S4lYMb_L0FxCeq0WhDx813KgSYqU26kOyzWUdsXYyrg", &derived.ikm),
            ("09_eUZGrsvxChDCGRCdkLiDXrReGOEVeSCdCcPBSJSc", &derived.prk),
            ("oIhVW04MRdy2XN9CiKLxTg", &derived.cek),
            ("4h_95klXJ5E_qnoN", &derived.nonce),
        ];
        for (expected, value) in values {
            assert_eq!(BASE64.encode(value), expected);
        }
    }
    let own = private(AS_PRIVATE).compute_public_key().unwrap();
    assert_eq!(BASE64.encode(own.as_ref()), AS_PUBLIC);
}

#[test]
fn the_body_of_the_rfcs_example_to_the_byte() {
    let sealed = seal_with(
        &subscription(),
        PLAINTEXT,
        bytes(SALT),
        &private(AS_PRIVATE),
        0, // the example is not padded
    );
    let sealed = sealed.unwrap();
    assert_eq!(sealed.len(), 144);
    assert_eq!(BASE64.encode(sealed), BODY);
}

/// Key and nonce come from a key pair made for the one message: even a salt that comes twice, which no working
/// machine draws, repeats neither.
#[test]
fn no_two_messages_share_a_key_or_a_nonce() {
    let sealed = || seal(&subscription(), PLAINTEXT, [7; 16]).unwrap();
    let all: Vec<Vec<u8>> = (0..8).map(|_| sealed()).collect();
    let mut senders = std::collections::BTreeSet::new();
    let mut secrets = std::collections::BTreeSet::new();
    for body in &all {
        let sender: [u8; 65] = body[21..HEADER].try_into().unwrap();
        assert_eq!(
            body[16..21],
            [0, 0, 16, 0, 65],
            "record size and length of the key"
        );
        let (ua, auth) = (bytes::<65>(UA_PUBLIC), bytes(AUTH));
        let derived = Derived::new(&private(UA_PRIVATE), &sender, &ua, &sender, &auth, &[7; 16]);
        let derived = derived.unwrap();
        senders.insert(sender);
        secrets.insert((derived.cek, derived.nonce));
    }
    assert_eq!((senders.len(), secrets.len()), (8, 8));
}

/// What follows the delimiter is zeros, to the end of the bucket, and the record is smaller than it says it may be.
#[test]
fn padding_is_zeros_and_the_record_is_the_last() {
    let body = seal(&subscription(), PLAINTEXT, bytes(SALT)).unwrap();
    let sender: [u8; 65] = body[21..HEADER].try_into().unwrap();
    let (ua, auth) = (bytes::<65>(UA_PUBLIC), bytes(AUTH));
    let derived = Derived::new(
        &private(UA_PRIVATE),
        &sender,
        &ua,
        &sender,
        &auth,
        &bytes(SALT),
    )
    .unwrap();
    let cipher = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &derived.cek).unwrap());
    let mut record = body[HEADER..].to_vec();
    assert!(u32::try_from(record.len()).unwrap() < RECORD_SIZE);
    let nonce = Nonce::assume_unique_for_key(derived.nonce);
    let opened = cipher
        .open_in_place(nonce, Aad::empty(), &mut record)
        .unwrap();
    assert_eq!(&opened[..PLAINTEXT.len()], PLAINTEXT);
    assert_eq!(opened[PLAINTEXT.len()], LAST);
    assert!(opened[PLAINTEXT.len() + 1..].iter().all(|byte| *byte == 0));
    assert_eq!(opened.len(), 256);
}

#[test]
fn lengths_fall_into_four_buckets() {
    let length = |plain: usize| {
        let sealed = seal(&subscription(), &vec![b'x'; plain], [7; 16]);
        sealed.map(|body| body.len() - HEADER - TAG)
    };
    for (plain, bucket) in [
        (0, 256),
        (255, 256),
        (256, 512),
        (511, 512),
        (512, 1024),
        (1023, 1024),
        (1024, 2048),
        (LARGEST, 2048),
    ] {
        assert_eq!(length(plain), Ok(bucket), "{plain} bytes");
    }
    assert_eq!(length(LARGEST + 1), Err(SealError::TooLong));
}
