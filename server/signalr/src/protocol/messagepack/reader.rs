//! Bytes to tokens, without a copy.

use rmp::Marker;

use crate::protocol::error::MAX_DEPTH;

/// Cut off, a marker that does not exist, or nested too deep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// The start of a value; for arrays and maps their values follow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Token<'a> {
    Nil,
    Bool(bool),
    Unsigned(u64),
    /// Negative.
    Signed(i64),
    F32(f32),
    F64(f64),
    /// Should be UTF-8, but is not checked here.
    Text(&'a [u8]),
    Bytes(&'a [u8]),
    /// How many values follow.
    Array(usize),
    /// How many pairs follow.
    Map(usize),
    Extension(i8, &'a [u8]),
}

/// What has not been read yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn token(&mut self) -> Result<Token<'a>, Malformed> {
        Ok(match Marker::from_u8(self.number::<1>()?[0]) {
            Marker::Null => Token::Nil,
            Marker::False => Token::Bool(false),
            Marker::True => Token::Bool(true),
            Marker::FixPos(number) => Token::Unsigned(number.into()),
            Marker::U8 => Token::Unsigned(u8::from_be_bytes(self.number()?).into()),
            Marker::U16 => Token::Unsigned(u16::from_be_bytes(self.number()?).into()),
            Marker::U32 => Token::Unsigned(u32::from_be_bytes(self.number()?).into()),
            Marker::U64 => Token::Unsigned(u64::from_be_bytes(self.number()?)),
            Marker::FixNeg(number) => signed(number.into()),
            Marker::I8 => signed(i8::from_be_bytes(self.number()?).into()),
            Marker::I16 => signed(i16::from_be_bytes(self.number()?).into()),
            Marker::I32 => signed(i32::from_be_bytes(self.number()?).into()),
            Marker::I64 => signed(i64::from_be_bytes(self.number()?)),
            Marker::F32 => Token::F32(f32::from_be_bytes(self.number()?)),
            Marker::F64 => Token::F64(f64::from_be_bytes(self.number()?)),
            Marker::FixStr(length) => Token::Text(self.bytes(length.into())?),
            Marker::Str8 => self
                .length_8()
                .and_then(|n| self.bytes(n))
                .map(Token::Text)?,
            Marker::Str16 => self
                .length_16()
                .and_then(|n| self.bytes(n))
                .map(Token::Text)?,
            Marker::Str32 => self
                .length_32()
                .and_then(|n| self.bytes(n))
                .map(Token::Text)?,
            Marker::Bin8 => self
                .length_8()
                .and_then(|n| self.bytes(n))
                .map(Token::Bytes)?,
            Marker::Bin16 => self
                .length_16()
                .and_then(|n| self.bytes(n))
                .map(Token::Bytes)?,
            Marker::Bin32 => self
                .length_32()
                .and_then(|n| self.bytes(n))
                .map(Token::Bytes)?,
            Marker::FixArray(length) => Token::Array(length.into()),
            Marker::Array16 => Token::Array(self.length_16()?),
            Marker::Array32 => Token::Array(self.length_32()?),
            Marker::FixMap(length) => Token::Map(length.into()),
            Marker::Map16 => Token::Map(self.length_16()?),
            Marker::Map32 => Token::Map(self.length_32()?),
            Marker::FixExt1 => self.extension(1)?,
            Marker::FixExt2 => self.extension(2)?,
            Marker::FixExt4 => self.extension(4)?,
            Marker::FixExt8 => self.extension(8)?,
            Marker::FixExt16 => self.extension(16)?,
            Marker::Ext8 => self.length_8().and_then(|n| self.extension(n))?,
            Marker::Ext16 => self.length_16().and_then(|n| self.extension(n))?,
            Marker::Ext32 => self.length_32().and_then(|n| self.extension(n))?,
            Marker::Reserved => return Err(Malformed),
        })
    }

    /// The next value as it stands, checked through to its end.
    pub(super) fn value(&mut self) -> Result<&'a [u8], Malformed> {
        let start = self.0;
        self.skip(MAX_DEPTH)?;
        Ok(start.split_at(start.len() - self.0.len()).0)
    }

    /// Claimed lengths cost nothing: the loop ends where the bytes do.
    fn skip(&mut self, depth: usize) -> Result<(), Malformed> {
        let (count, pairs) = match self.token()? {
            Token::Array(count) => (count, false),
            Token::Map(count) => (count, true),
            _ => return Ok(()),
        };
        let depth = depth.checked_sub(1).ok_or(Malformed)?;
        for _ in 0..count {
            self.skip(depth)?;
            if pairs {
                self.skip(depth)?;
            }
        }
        Ok(())
    }

    fn number<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(Malformed)?;
        self.0 = rest;
        Ok(*bytes)
    }

    fn bytes(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(Malformed)?;
        self.0 = rest;
        Ok(bytes)
    }

    fn extension(&mut self, length: usize) -> Result<Token<'a>, Malformed> {
        let kind = i8::from_be_bytes(self.number()?);
        Ok(Token::Extension(kind, self.bytes(length)?))
    }

    fn length_8(&mut self) -> Result<usize, Malformed> {
        Ok(u8::from_be_bytes(self.number()?).into())
    }

    fn length_16(&mut self) -> Result<usize, Malformed> {
        Ok(u16::from_be_bytes(self.number()?).into())
    }

    fn length_32(&mut self) -> Result<usize, Malformed> {
        usize::try_from(u32::from_be_bytes(self.number()?)).map_err(|_| Malformed)
    }
}

/// Writers may choose a signed form for what is not negative.
fn signed<'a>(number: i64) -> Token<'a> {
    u64::try_from(number).map_or(Token::Signed(number), Token::Unsigned)
}
