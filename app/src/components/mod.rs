//! The widgets of the design system, one per file. They draw through the tokens of
//! `style/tokens.css` and know nothing of features.

pub mod announcer;
pub mod avatar;
pub mod badge;
pub mod button;
pub mod clock;
pub mod connection_pill;
pub mod dialog;
pub mod empty;
pub mod field;
pub mod fresh;
pub mod icon;
pub mod mark;
pub mod number;
pub mod pager;
pub mod problem;
pub mod rows;
pub mod skeleton;
pub mod tabs;
pub mod tile;
pub mod time;
pub mod toast;
pub mod update_bar;
pub mod words;
