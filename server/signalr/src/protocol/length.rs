//! The length before each binary message: seven bits a byte, the lowest first, the highest bit says
//! that more follow. At most five bytes and 2 GiB.

/// The longest prefix.
pub(super) const MAX_BYTES: usize = 5;

/// The longest message that a prefix may announce, 2 GiB less one.
pub(super) const MAX: usize = 0x7fff_ffff;

/// What the start of a stream says about its first message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Prefix {
    /// Its end has not come yet.
    Partial,
    /// That many bytes of prefix, then that many of message.
    Whole(usize, usize),
    /// No message may be that long.
    TooLong,
}

/// Reads the prefix at the start of `bytes`.
pub(super) fn decode(bytes: impl Iterator<Item = u8>) -> Prefix {
    let mut length = 0_u64;
    let mut read = 0;
    for byte in bytes.take(MAX_BYTES) {
        length |= u64::from(byte & 0x7f) << (7 * read);
        read += 1;
        if byte & 0x80 == 0 {
            return match usize::try_from(length) {
                Ok(length) if length <= MAX => Prefix::Whole(read, length),
                _ => Prefix::TooLong,
            };
        }
    }
    if read == MAX_BYTES {
        Prefix::TooLong
    } else {
        Prefix::Partial
    }
}

/// A prefix as it is written.
#[cfg(feature = "messagepack")]
pub(super) struct Written {
    bytes: [u8; MAX_BYTES],
    used: usize,
}

#[cfg(feature = "messagepack")]
impl Written {
    pub(super) fn len(&self) -> usize {
        self.used
    }
}

#[cfg(feature = "messagepack")]
impl AsRef<[u8]> for Written {
    fn as_ref(&self) -> &[u8] {
        self.bytes.split_at(self.used).0
    }
}

/// The shortest prefix of `length`.
#[cfg(feature = "messagepack")]
pub(super) fn encode(length: usize) -> Written {
    let mut written = Written {
        bytes: [0; MAX_BYTES],
        used: 0,
    };
    let mut rest = length;
    for place in &mut written.bytes {
        written.used += 1;
        *place = u8::try_from(rest & 0x7f).unwrap_or_default();
        rest >>= 7;
        if rest == 0 {
            break;
        }
        *place |= 0x80;
    }
    written
}

#[cfg(all(test, feature = "messagepack"))]
mod tests {
    use super::*;

    #[test]
    fn lengths_at_the_edges_of_each_byte() {
        for (length, bytes) in [
            (0, &[0][..]),
            (1, &[1]),
            (0x7f, &[0x7f]),
            (0x80, &[0x80, 1]),
            (0x3fff, &[0xff, 0x7f]),
            (0x4000, &[0x80, 0x80, 1]),
            (0x1f_ffff, &[0xff, 0xff, 0x7f]),
            (0x20_0000, &[0x80, 0x80, 0x80, 1]),
            (0xfff_ffff, &[0xff, 0xff, 0xff, 0x7f]),
            (0x1000_0000, &[0x80, 0x80, 0x80, 0x80, 1]),
            (MAX, &[0xff, 0xff, 0xff, 0xff, 7]),
        ] {
            assert_eq!(encode(length).as_ref(), bytes, "{length}");
            let read = decode(bytes.iter().copied().chain([9, 9]));
            assert_eq!(read, Prefix::Whole(bytes.len(), length));
            for end in 0..bytes.len() {
                assert_eq!(decode(bytes.iter().copied().take(end)), Prefix::Partial);
            }
        }
    }

    #[test]
    fn needless_bytes_are_read_and_too_many_are_not() {
        assert_eq!(decode([0x80, 0].into_iter()), Prefix::Whole(2, 0));
        assert_eq!(
            decode([0x83, 0x80, 0x80, 0x80, 0].into_iter()),
            Prefix::Whole(5, 3)
        );
        for bytes in [
            [0xff, 0xff, 0xff, 0xff, 8],
            [0x80, 0x80, 0x80, 0x80, 8],
            [0x80, 0x80, 0x80, 0x80, 0x80],
            [0xff; 5],
        ] {
            assert_eq!(decode(bytes.into_iter()), Prefix::TooLong, "{bytes:?}");
        }
    }
}
