//! The bare twins: what the same machine does for the same bytes without a product around it.

pub(crate) mod http;
pub(crate) mod postgres;
