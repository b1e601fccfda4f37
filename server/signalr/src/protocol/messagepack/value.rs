//! One value for serde: the value says what it is, as in JSON.
//!
//! Beyond what JSON does, bytes also pass as a list of numbers, lists pass as structs by position
//! (.NET types with numbered keys), and timestamps pass as RFC 3339 strings. Types are told that the
//! format is readable for people: a UUID is its 36 characters in both protocols.

use serde::{
    Deserializer,
    de::{
        DeserializeOwned, DeserializeSeed, EnumAccess, Error, MapAccess, SeqAccess, Unexpected,
        VariantAccess, Visitor,
        value::{BorrowedStrDeserializer, SeqDeserializer},
    },
    forward_to_deserialize_any,
};

use super::{
    reader::{Malformed, Reader, Token},
    timestamp,
};
use crate::protocol::PayloadError;

/// Reads the one value in `bytes`.
pub(in crate::protocol) fn from_slice<T: DeserializeOwned>(
    bytes: &[u8],
) -> Result<T, PayloadError> {
    let mut reader = Reader(bytes);
    let value = T::deserialize(Value(&mut reader))?;
    if reader.0.is_empty() {
        Ok(value)
    } else {
        Err(PayloadError::custom("something follows the value"))
    }
}

/// The value that the reader stands before.
struct Value<'r, 'de>(&'r mut Reader<'de>);

impl From<Malformed> for PayloadError {
    fn from(_: Malformed) -> Self {
        Self::custom("the value is cut off")
    }
}

impl<'de> Deserializer<'de> for Value<'_, 'de> {
    type Error = PayloadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PayloadError> {
        match self.0.token()? {
            Token::Nil => visitor.visit_unit(),
            Token::Bool(value) => visitor.visit_bool(value),
            Token::Unsigned(number) => visitor.visit_u64(number),
            Token::Signed(number) => visitor.visit_i64(number),
            Token::F32(number) => visitor.visit_f32(number),
            Token::F64(number) => visitor.visit_f64(number),
            Token::Text(bytes) => visitor.visit_borrowed_str(text(bytes)?),
            Token::Bytes(bytes) => visitor.visit_borrowed_bytes(bytes),
            Token::Array(left) => visitor.visit_seq(Items {
                reader: self.0,
                left,
            }),
            Token::Map(left) => visitor.visit_map(Items {
                reader: self.0,
                left,
            }),
            Token::Extension(kind, data) => match timestamp::rfc_3339(kind, data) {
                Some(text) => visitor.visit_string(text),
                None => visitor.visit_borrowed_bytes(data),
            },
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PayloadError> {
        let mut ahead = *self.0;
        if ahead.token()? == Token::Nil {
            *self.0 = ahead;
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, PayloadError> {
        visitor.visit_newtype_struct(self)
    }

    /// `Vec<u8>` and arrays of bytes ask for a list.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, PayloadError> {
        let mut ahead = *self.0;
        if let Token::Bytes(bytes) = ahead.token()? {
            *self.0 = ahead;
            return visitor.visit_seq(SeqDeserializer::new(bytes.iter().copied()));
        }
        self.deserialize_any(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, PayloadError> {
        self.deserialize_seq(visitor)
    }

    /// A variant is its name, or a map of its name to what it holds.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, PayloadError> {
        let mut ahead = *self.0;
        match ahead.token()? {
            Token::Text(name) => {
                *self.0 = ahead;
                visitor.visit_enum(BorrowedStrDeserializer::new(text(name)?))
            }
            Token::Map(1) => {
                *self.0 = ahead;
                visitor.visit_enum(self)
            }
            _ => Err(PayloadError::custom("expected the name of a variant")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(
        self,
        visitor: V,
    ) -> Result<V::Value, PayloadError> {
        self.0.value()?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct tuple_struct map struct identifier
    }
}

fn text(bytes: &[u8]) -> Result<&str, PayloadError> {
    std::str::from_utf8(bytes)
        .map_err(|_| Error::invalid_value(Unexpected::Bytes(bytes), &"a string in UTF-8"))
}

/// What follows the start of a list or map.
struct Items<'r, 'de> {
    reader: &'r mut Reader<'de>,
    left: usize,
}

impl Items<'_, '_> {
    fn take(&mut self) -> bool {
        let any = self.left > 0;
        self.left = self.left.saturating_sub(1);
        any
    }
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = PayloadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, PayloadError> {
        if !self.take() {
            return Ok(None);
        }
        seed.deserialize(Value(self.reader)).map(Some)
    }

    /// No more than there are bytes, whatever the client claims.
    fn size_hint(&self) -> Option<usize> {
        Some(self.left.min(self.reader.0.len()))
    }
}

impl<'de> MapAccess<'de> for Items<'_, 'de> {
    type Error = PayloadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, PayloadError> {
        SeqAccess::next_element_seed(self, seed)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, PayloadError> {
        seed.deserialize(Value(self.reader))
    }

    fn size_hint(&self) -> Option<usize> {
        SeqAccess::size_hint(self)
    }
}

/// Inside of the map of a variant's name to what it holds.
impl<'de> EnumAccess<'de> for Value<'_, 'de> {
    type Error = PayloadError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Self), PayloadError> {
        let name = seed.deserialize(Value(self.0))?;
        Ok((name, self))
    }
}

impl<'de> VariantAccess<'de> for Value<'_, 'de> {
    type Error = PayloadError;

    fn unit_variant(self) -> Result<(), PayloadError> {
        serde::Deserialize::deserialize(self)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<T::Value, PayloadError> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, PayloadError> {
        self.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, PayloadError> {
        self.deserialize_any(visitor)
    }
}
