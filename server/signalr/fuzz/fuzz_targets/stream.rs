//! A connection's input in pieces: what all targets do.

use bytes::Bytes;
use signalr::protocol::{Frames, Message, Outcome, Payload, Protocol};

/// Small, so that inputs reach it.
pub const LIMIT: usize = 256;

/// `bytes` begin with the size of the pieces.
pub fn read(protocol: Protocol, bytes: &[u8]) {
    let Some((size, stream)) = bytes.split_first() else {
        return;
    };
    let mut frames = Frames::new(LIMIT);
    frames.speak(protocol);
    for piece in stream.chunks(usize::from(*size).max(1)) {
        frames.push(Bytes::copy_from_slice(piece));
        loop {
            match frames.next_frame() {
                Err(_) => return,
                Ok(None) => break,
                Ok(Some(frame)) => {
                    assert!(frame.len() <= LIMIT);
                    if let Ok(Some(message)) = protocol.decode(&frame) {
                        repeat(&message);
                    }
                }
            }
        }
    }
}

/// What was understood can be said again in any protocol, and is the same then.
fn repeat(message: &Message) {
    payloads(message, |payload| {
        let json = payload.to_json();
        serde_json::from_str::<serde::de::IgnoredAny>(&json).expect("it is JSON");
        let _ = payload.read::<serde_json::Value>();
        let _ = payload.read::<Vec<u8>>();
        let _ = payload.read::<(String, Option<f64>)>();
    });
    for protocol in Protocol::ALL {
        let said = protocol.encode(message);
        let mut frames = Frames::new(usize::MAX - 8);
        frames.speak(*protocol);
        frames.push(said);
        let frame = frames.next_frame().expect("a small frame").expect("a whole frame");
        assert!(!frames.is_mid_message());
        // JSON that was only carried may be deeper than MessagePack is read.
        if let Ok(heard) = protocol.decode(&frame) {
            let heard = heard.expect("a known kind");
            assert_eq!(protocol.encode(&heard), protocol.encode(message));
        }
    }
}

fn payloads(message: &Message, mut look: impl FnMut(&Payload)) {
    match message {
        Message::Invocation(call) | Message::StreamInvocation(call) => {
            call.arguments.iter().for_each(look);
        }
        Message::StreamItem { item, .. } => look(item),
        Message::Completion {
            outcome: Outcome::Value(value),
            ..
        } => look(value),
        _ => {}
    }
}
