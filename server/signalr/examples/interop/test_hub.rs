//! The hub that the suites call: each method as they expect it.

use std::{collections::HashMap, sync::Arc};

use futures_util::stream;
use parking_lot::Mutex;
use signalr::{
    Caller, Cancelled, Clients, HubError, Methods, State, Upload,
    protocol::{Message, Payload, Protocol},
};

use crate::visitor::Visitor;

type Me = Caller<Visitor>;

/// The connecting request of each connection.
pub(crate) type Guests = Arc<Mutex<HashMap<String, Visitor>>>;

/// Of the connecting request, else of the newest one.
fn ask(me: &Me, guests: &Guests, what: impl Fn(&Visitor) -> Option<String>) -> Option<String> {
    let first = guests.lock().get(me.id()).and_then(&what);
    first.or_else(|| what(&me.principal()))
}

pub(crate) fn test_hub() -> Methods<Visitor, Guests> {
    let hub = Methods::with_state(Guests::default());
    let hub = calls(hub);
    let hub = streams(hub);
    requests(hub)
        .on_connected(|me: Me, State(guests): State<Guests>| async move {
            guests
                .lock()
                .insert(me.id().to_owned(), (*me.principal()).clone());
        })
        .on_disconnected(|me: Me, State(guests): State<Guests>| async move {
            guests.lock().remove(me.id());
        })
}

fn calls(hub: Methods<Visitor, Guests>) -> Methods<Visitor, Guests> {
    hub.on("Echo", |text: String| async move { text })
        .on("ThrowException", |text: String| async move {
            Err::<(), _>(HubError::internal("InvalidOperationException", text))
        })
        .on("InvokeWithString", |me: Me, text: String| async move {
            me.send("Message", (text,)).await.map(drop)
        })
        .on("SendCustomObject", |me: Me, object: Payload| async move {
            me.send("CustomObject", vec![object]).await.map(drop)
        })
        // Unread: bytes and timestamps come back as what they were.
        .on("EchoComplexObject", |object: Payload| async move { object })
        .on("SendComplexObject", || async { complex_object() })
}

fn streams(hub: Methods<Visitor, Guests>) -> Methods<Visitor, Guests> {
    hub.on_stream("Stream", || async { stream::iter(["a", "b", "c"]) })
        .on_stream("EmptyStream", || async { stream::empty::<u8>() })
        .on_stream(
            "InfiniteStream",
            |me: Me, clients: Clients<Visitor>, Cancelled(cancelled)| async move {
                let told = TellWhenCancelled(me, clients, cancelled);
                stream::unfold(told, async |told| -> Option<(String, TellWhenCancelled)> {
                    told.2.cancelled().await;
                    None
                })
            },
        )
        .on_stream("StreamThrowException", |text: String| async move {
            let error = HubError::internal("InvalidOperationException", text);
            Err::<stream::Empty<u8>, _>(error)
        })
        .on("StreamingConcat", |mut parts: Upload<String>| async move {
            let mut whole = String::new();
            while let Some(part) = parts.next().await {
                whole.push_str(&part?);
            }
            Ok::<_, HubError>(whole)
        })
}

fn requests(hub: Methods<Visitor, Guests>) -> Methods<Visitor, Guests> {
    hub.on("GetCallerConnectionId", |me: Me| async move {
        me.id().to_owned()
    })
    .on("GetNumRedirects", |me: Me| async move {
        let redirects = me
            .query("numRedirects")
            .and_then(|number| number.parse::<u32>().ok());
        redirects.ok_or_else(|| HubError::new("The connection was not redirected."))
    })
    .on("GetActiveTransportName", |me: Me| async move {
        me.transport().name()
    })
    .on(
        "GetContentTypeHeader",
        |me: Me, State(guests): State<Guests>| async move {
            ask(&me, &guests, |request| request.header("content-type"))
        },
    )
    .on(
        "GetHeader",
        |me: Me, State(guests): State<Guests>, name: String| async move {
            ask(&me, &guests, |request| request.header(&name))
        },
    )
    .on(
        "GetCookie",
        |me: Me, State(guests): State<Guests>, name: String| async move {
            ask(&me, &guests, |request| request.cookie(&name))
        },
    )
}

/// Dropped with the stream; a stream that ended with its connection has nobody to tell.
struct TellWhenCancelled(Me, Clients<Visitor>, tokio_util::sync::CancellationToken);

impl Drop for TellWhenCancelled {
    fn drop(&mut self) {
        if self.2.is_cancelled() {
            let _gone = self.1.client(self.0.id()).send("StreamCanceled", ());
        }
    }
}

/// Bytes, a timestamp, a GUID, numbers and text. Made as a MessagePack client would send it, because
/// a timestamp has a type of its own there; JSON clients get RFC 3339.
fn complex_object() -> Result<Payload, HubError> {
    let mut frame = vec![0x95, 1, 0x80, 0xc0, 0xa0, 0x91, 0x85]; // [1, {}, nil, "", [{5 members}]]
    let mut member = |name: &str, value: &[u8]| {
        frame.push(0xa0 + u8::try_from(name.len()).unwrap_or_default());
        frame.extend_from_slice(name.as_bytes());
        frame.extend_from_slice(value);
    };
    let text = |text: &str| {
        let length = u8::try_from(text.len()).unwrap_or_default();
        [&[0xd9, length], text.as_bytes()].concat()
    };
    // 2000-01-01T00:00:00Z in seconds since 1970, as the 32-bit form of extension -1.
    let date = [&[0xd6, 0xff][..], &946_684_800_u32.to_be_bytes()].concat();
    member("ByteArray", &[0xc4, 3, 1, 2, 3]);
    member("DateTime", &date);
    member("GUID", &text("00010203-0405-0607-0706-050403020100"));
    member("IntArray", &[0x93, 1, 2, 3]);
    member("String", &text("hello world"));
    let message = Protocol::MessagePack.decode(&frame);
    match message.map_err(|error| HubError::internal("FormatException", error))? {
        Some(Message::Invocation(mut call)) => call.arguments.pop(),
        _ => None,
    }
    .ok_or_else(|| HubError::internal("FormatException", "the object is no argument"))
}
