//! Arguments for a client's method.

use serde::Serialize;

use crate::{
    Connection, SendError, WriteMark,
    protocol::{Message, Payload, PayloadError},
};

/// What can be passed to a client's method: a tuple of up to eight values, or payloads as they are.
pub trait IntoArguments {
    /// Encodes each.
    fn into_payloads(self) -> Result<Vec<Payload>, PayloadError>;
}

impl IntoArguments for Vec<Payload> {
    fn into_payloads(self) -> Result<Vec<Payload>, PayloadError> {
        Ok(self)
    }
}

macro_rules! tuple {
    ($($name:ident)*) => {
        impl<$($name: Serialize),*> IntoArguments for ($($name,)*) {
            fn into_payloads(self) -> Result<Vec<Payload>, PayloadError> {
                #[expect(non_snake_case, reason = "one name for a type and its value")]
                let ($($name,)*) = self;
                Ok(vec![$(Payload::of(&$name)?),*])
            }
        }
    };
}

impl IntoArguments for () {
    fn into_payloads(self) -> Result<Vec<Payload>, PayloadError> {
        Ok(Vec::new())
    }
}

tuple!(A);
tuple!(A B);
tuple!(A B C);
tuple!(A B C D);
tuple!(A B C D E);
tuple!(A B C D E F);
tuple!(A B C D E F G);
tuple!(A B C D E F G H);

impl<P> Connection<P> {
    /// Calls a method of this client without an answer.
    ///
    /// What happens when the client's queue is full says
    /// [`HubOptions::slow_client`](crate::HubOptions::slow_client): wait, refuse or close. For many
    /// receivers see [`Clients`](crate::Clients), which encodes once and never waits.
    pub async fn send(
        &self,
        target: &str,
        arguments: impl IntoArguments,
    ) -> Result<WriteMark, SendError> {
        let arguments = arguments.into_payloads().map_err(|_| SendError::Encoding)?;
        let message = Message::call(target, arguments);
        self.send_frame(self.protocol().encode(&message)).await
    }
}
