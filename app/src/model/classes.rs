//! A tenant's classes, as the admin page shows and edits them.

use serde::{Deserialize, Serialize};

use super::delivery::Class;

/// All of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Classes {
    /// The class of kinds that have none.
    pub default: String,
    /// The built-in ones first.
    pub classes: Vec<ClassRow>,
    /// The kinds the tenant knows and the keys of their own classes, by kind.
    pub kinds: Vec<(String, Option<String>)>,
}

/// A class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassRow {
    /// Its key.
    pub key: String,
    /// There is a built-in one of the key.
    pub built_in: bool,
    /// The tenant wrote it.
    pub own: bool,
    /// What it says.
    pub class: Class,
}
