//! Arguments for a client's method, and a message that is encoded once for many clients.

use bytes::Bytes;
use serde::Serialize;

use crate::{
    Connection, SendError, WriteMark,
    protocol::{Invocation, Message, Payload, Protocol},
};

/// What can be passed to a client's method: a tuple of up to eight values, or payloads as they are.
pub trait IntoArguments {
    /// Encodes each.
    fn into_payloads(self) -> Result<Vec<Payload>, serde_json::Error>;
}

impl IntoArguments for Vec<Payload> {
    fn into_payloads(self) -> Result<Vec<Payload>, serde_json::Error> {
        Ok(self)
    }
}

macro_rules! tuple {
    ($($name:ident)*) => {
        impl<$($name: Serialize),*> IntoArguments for ($($name,)*) {
            fn into_payloads(self) -> Result<Vec<Payload>, serde_json::Error> {
                #[expect(non_snake_case, reason = "one name for a type and its value")]
                let ($($name,)*) = self;
                Ok(vec![$(Payload::of(&$name)?),*])
            }
        }
    };
}

impl IntoArguments for () {
    fn into_payloads(self) -> Result<Vec<Payload>, serde_json::Error> {
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

/// One message for many receivers: encoded once per protocol, the bytes shared.
#[derive(Debug)]
pub(crate) struct Shout {
    message: Message,
    /// As many as there are protocols among the receivers, so two at most.
    frames: Vec<(Protocol, Bytes)>,
}

impl Shout {
    pub(crate) fn new(target: &str, arguments: impl IntoArguments) -> Result<Self, SendError> {
        let arguments = arguments.into_payloads().map_err(|_| SendError::Encoding)?;
        let message = Message::Invocation(Invocation {
            id: None,
            target: target.to_owned(),
            arguments,
            stream_ids: Vec::new(),
        });
        Ok(Self {
            message,
            frames: Vec::new(),
        })
    }

    pub(crate) fn frame(&mut self, protocol: Protocol) -> Bytes {
        let known = self.frames.iter().find(|(known, _)| *known == protocol);
        if let Some((_, frame)) = known {
            return frame.clone();
        }
        let frame = protocol.encode(&self.message);
        self.frames.push((protocol, frame.clone()));
        frame
    }
}

impl<P> Connection<P> {
    /// Calls a method of this client without an answer.
    ///
    /// Refuses when the client's queue is full, see [`try_send`](Self::try_send). For many
    /// receivers see [`Clients`](crate::Clients), which encodes once.
    pub fn send(
        &self,
        target: &str,
        arguments: impl IntoArguments,
    ) -> Result<WriteMark, SendError> {
        self.try_send(Shout::new(target, arguments)?.frame(self.protocol()))
    }
}
