#![no_main]

mod stream;

use libfuzzer_sys::fuzz_target;
use signalr::protocol::{Frames, HandshakeRequest, HandshakeResponse, Protocol};

fuzz_target!(|bytes: &[u8]| {
    let mut frames = Frames::new(stream::LIMIT);
    frames.push(bytes.to_vec().into());
    let Ok(Some(frame)) = frames.next_frame() else {
        return;
    };
    let _ = HandshakeResponse::decode(&frame);
    let Ok(request) = HandshakeRequest::decode(&frame) else {
        return;
    };
    let written = request.encode();
    let again = HandshakeRequest::decode(&written[..written.len() - 1]);
    assert_eq!(again.as_ref(), Ok(&request));
    if let Some(protocol) = Protocol::by_name(&request.protocol) {
        stream::read(protocol, bytes.split_at(frame.len() + 1).1);
    }
});
