//! Reads an object's known properties as borrowed raw slices.
//!
//! A derive cannot do this: it refuses doubled properties, and clients in the wild rely on "the last
//! one counts".

/// Declares a struct of `Option<&RawValue>`, filled by property name.
macro_rules! fields {
    ($(#[$doc:meta])* struct $name:ident { $($field:ident: $wire:literal,)* }) => {
        $(#[$doc])*
        #[derive(Default)]
        struct $name<'a> { $($field: Option<&'a RawValue>,)* }

        impl<'de> serde::Deserialize<'de> for $name<'de> {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                struct Properties;
                impl<'de> serde::de::Visitor<'de> for Properties {
                    type Value = $name<'de>;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(
                        self,
                        mut map: A,
                    ) -> Result<Self::Value, A::Error> {
                        let mut fields = $name::default();
                        while let Some(name) = map.next_key::<$crate::protocol::json::Name<'de>>()? {
                            match &*name.0 {
                                $($wire => fields.$field = Some(map.next_value()?),)*
                                _ => drop(map.next_value::<serde::de::IgnoredAny>()?),
                            }
                        }
                        Ok(fields)
                    }
                }
                from.deserialize_map(Properties)
            }
        }
    };
}
pub(crate) use fields;
