//! Integration tests: the real program, a real database, real sockets. One binary, one module per
//! room of the server. `cargo xtask test` gives them what they need; without it they say what is
//! missing and pass.

mod process;
