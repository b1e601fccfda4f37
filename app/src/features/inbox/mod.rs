//! The inbox: one list, as a page and in the bell's popover.

pub mod days;
pub mod list;
pub mod page;
pub mod row;
pub mod server_fns;
pub mod threads;
