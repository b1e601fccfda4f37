//! A client's call as the hub sees it, and its arguments as Rust values.

use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use crate::{HubError, UploadStream, protocol::Payload};

/// One invocation.
#[derive(Debug, Default)]
pub struct Call {
    /// Set if the client waits for an answer.
    pub id: Option<String>,
    /// As the client spelled it; official servers compare without regard to case.
    pub target: String,
    /// In order, streams left out.
    pub arguments: Vec<Payload>,
    /// The streams that the client sends beside the call, in order: as many as the method's
    /// [`Shape`](crate::Shape) says.
    pub uploads: Vec<UploadStream>,
    /// Cancelled when the client cancels the call (if the method's shape says that it looks at
    /// this) or when the connection ends.
    pub cancelled: CancellationToken,
}

impl Call {
    /// A call as a client would make it: for a hub's own tests.
    pub fn to(target: impl Into<String>, arguments: Vec<Payload>) -> Self {
        Self {
            target: target.into(),
            arguments,
            ..Self::default()
        }
    }

    /// Whether this calls `method`, without regard to case.
    pub fn is(&self, method: &str) -> bool {
        self.target.eq_ignore_ascii_case(method)
    }

    /// All arguments as a tuple, or the official server's complaint about their number or types.
    ///
    /// ```
    /// # use signalr::{Call, protocol::Payload};
    /// let arguments = vec![Payload::of("bell").unwrap(), Payload::of(&3).unwrap()];
    /// let call = Call::to("Ring", arguments);
    /// let (name, times): (String, u32) = call.bind().unwrap();
    /// assert_eq!((name.as_str(), times), ("bell", 3));
    /// assert!(call.bind::<(String,)>().is_err());
    /// ```
    pub fn bind<T: Arguments>(&self) -> Result<T, HubError> {
        self.provides(T::COUNT)?;
        T::read(&self.arguments)
    }

    /// An error unless there are so many arguments.
    pub(crate) fn provides(&self, expected: usize) -> Result<(), HubError> {
        let provided = self.arguments.len();
        if provided == expected {
            return Ok(());
        }
        Err(HubError::binding(format!(
            "Invocation provides {provided} argument(s) but target expects {expected}."
        )))
    }
}

/// A tuple of arguments.
pub trait Arguments: Sized {
    /// How many there are.
    const COUNT: usize;
    /// Reads exactly that many.
    fn read(arguments: &[Payload]) -> Result<Self, HubError>;
}

pub(crate) fn argument<T: DeserializeOwned>(payload: &Payload) -> Result<T, HubError> {
    payload.read().map_err(|_| {
        HubError::binding(
            "Error binding arguments. Make sure that the types of the provided values match the \
             types of the hub method being invoked.",
        )
    })
}

macro_rules! tuple {
    ($count:literal: $($name:ident)*) => {
        impl<$($name: DeserializeOwned),*> Arguments for ($($name,)*) {
            const COUNT: usize = $count;
            fn read(arguments: &[Payload]) -> Result<Self, HubError> {
                let mut arguments = arguments.iter();
                let _ = &mut arguments;
                Ok(($(
                    argument::<$name>(arguments.next().ok_or_else(|| HubError::binding("Too few."))?)?,
                )*))
            }
        }
    };
}
tuple!(0:);
tuple!(1: A);
tuple!(2: A B);
tuple!(3: A B C);
tuple!(4: A B C D);
tuple!(5: A B C D E);
tuple!(6: A B C D E F);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_numbers_and_types_are_binding_errors() {
        let arguments = vec![Payload::of(&1).unwrap()];
        let call = Call::to("Add", arguments);
        assert!(call.is("add"));
        assert_eq!(call.bind::<(u8,)>(), Ok((1,)));
        assert_eq!(
            call.bind::<()>().unwrap_err().for_caller("Add", true),
            "Failed to invoke 'Add' due to an error on the server. InvalidDataException: \
             Invocation provides 1 argument(s) but target expects 0."
        );
        let wrong = call.bind::<(String,)>().unwrap_err();
        assert_eq!(
            wrong.for_caller("Add", false),
            "Failed to invoke 'Add' due to an error on the server."
        );
    }
}
