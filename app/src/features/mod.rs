//! The screens, one folder per thing a person does.

pub mod admin;
pub mod approvals;
pub mod attendance;
pub mod device_push;
pub mod frame;
pub mod inbox;
pub mod lost;
pub mod setup;
pub mod sign_in;
