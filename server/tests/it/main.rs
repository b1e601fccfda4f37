//! Integration tests: the real program, a real database, real sockets. One binary, one module per
//! room of the server. `cargo xtask test` gives them what they need; without it they say what is
//! missing and pass.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, its helpers too"
)]

mod own_database;
mod process;
