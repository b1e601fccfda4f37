//! Words in provisioning requests, checked before anything is asked of the database.

use std::collections::HashSet;

use axum::extract::{FromRequestParts, Path};
use http::StatusCode;
use http::request::Parts;

use super::MOST_ITEMS;
use crate::api::problem::Problem;

/// The `{id}` of a path: the customer's own, 1-128 bytes, decoded.
#[derive(Debug)]
pub(super) struct Id(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|_| {
                Problem::new(
                    StatusCode::BAD_REQUEST,
                    "malformed_path",
                    "The id in the path is not UTF-8, percent-encoded.",
                )
            })?;
        id(&text, "id")?;
        Ok(Self(text))
    }
}

/// An item with an id of its own: required in bulk, in a path's body left out or the same.
pub(super) trait Item {
    fn id(&self) -> Option<&str>;
}

/// The one item of `PUT …/{id}`.
pub(super) fn single<T: Item>(id: &str, item: &T) -> Result<(), Problem> {
    match item.id() {
        Some(other) if other != id => Err(Problem::invalid(
            "id",
            "The id differs from the one in the path; leave it out.",
        )),
        _ => Ok(()),
    }
}

/// The items of a bulk request with their ids, each id once; an index is a position in `items`.
pub(super) fn bulk<T: Item>(items: Vec<T>) -> Result<Vec<(String, T)>, Problem> {
    if items.len() > MOST_ITEMS {
        return Err(Problem::invalid(
            "items",
            format!(
                "At most {MOST_ITEMS} items at once; there are {}.",
                items.len()
            ),
        ));
    }
    let mut seen = HashSet::new();
    let mut named = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        let checked = match item.id() {
            None => Err(Problem::invalid("id", "Every item needs its id.")),
            Some(key) => id(key, "id").map(|()| key.to_owned()),
        };
        let key = checked.map_err(|problem| inside(index, problem))?;
        if !seen.insert(key.clone()) {
            let twice = Problem::invalid("id", "This id occurs twice in the request.");
            return Err(inside(index, twice));
        }
        named.push((key, item));
    }
    Ok(named)
}

/// Moves a problem's field into the item it is about.
pub(super) fn inside(index: usize, problem: Problem) -> Problem {
    let field = match &problem.field {
        Some(field) => format!("items[{index}].{field}"),
        None => format!("items[{index}]"),
    };
    problem.at(field)
}

/// An outer id.
pub(super) fn id(text: &str, field: &str) -> Result<(), Problem> {
    if !(1..=128).contains(&text.len()) {
        return Err(Problem::invalid(field, "An id has 1 to 128 bytes."));
    }
    plain(text, field)
}

/// A display name.
pub(super) fn name(text: &str, field: &str) -> Result<(), Problem> {
    if text.trim().is_empty() || text.chars().count() > 200 {
        return Err(Problem::invalid(field, "A name has 1 to 200 characters."));
    }
    plain(text, field)
}

/// A list of outer ids, without doubles.
pub(super) fn ids(list: &[String], field: &str) -> Result<(), Problem> {
    if list.len() > 256 {
        return Err(Problem::invalid(field, "At most 256 at once."));
    }
    let mut seen = HashSet::new();
    for (index, text) in list.iter().enumerate() {
        let at = format!("{field}[{index}]");
        id(text, &at)?;
        if !seen.insert(text) {
            return Err(Problem::invalid(at, "It occurs twice in the list."));
        }
    }
    Ok(())
}

/// All of these exist, or a problem on the first that does not.
pub(super) fn all_known(
    found: Vec<Option<uuid::Uuid>>,
    keys: &[String],
    what: &'static str,
    field: &str,
) -> Result<Vec<uuid::Uuid>, Problem> {
    if let Some(index) = found.iter().position(Option::is_none) {
        return Err(unknown(what, &keys[index], format!("{field}[{index}]")));
    }
    Ok(found.into_iter().flatten().collect())
}

/// 422: the request names something that is not there (or is another tenant's).
pub(super) fn unknown(what: &str, key: &str, field: impl Into<String>) -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "unknown_reference",
        format!("There is no {what} \"{key}\". Create it first."),
    )
    .at(field)
}

fn plain(text: &str, field: &str) -> Result<(), Problem> {
    if text.contains(char::is_control) {
        return Err(Problem::invalid(
            field,
            "Control characters are not allowed here.",
        ));
    }
    Ok(())
}
