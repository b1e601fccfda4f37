#![no_main]

mod stream;

use libfuzzer_sys::fuzz_target;
use signalr::protocol::Protocol;

fuzz_target!(|bytes: &[u8]| stream::read(Protocol::Json, bytes));
