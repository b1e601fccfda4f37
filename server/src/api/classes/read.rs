//! `GET /api/v1/classes`.

use app::model::delivery::Class;
use axum::extract::State;
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::Api;
use crate::api::problem::Problem;
use crate::auth::{Principal, Scope};
use crate::delivery::class_changes::{Invoke, Shelf};

/// A tenant's classes.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ClassList {
    /// The class of kinds that have none.
    #[schema(example = "standard")]
    default: String,
    /// The built-in ones first.
    classes: Vec<ClassItem>,
    /// What kinds are invoked as that are not in `kinds`.
    unknown_kinds: Invoke,
    /// The kinds you have made known.
    kinds: Vec<KindItem>,
}

/// A class and who has it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ClassItem {
    /// What publishers name it by.
    #[schema(example = "decision")]
    key: String,
    /// There is a built-in class of this key; removing an own one brings it back.
    built_in: bool,
    /// You wrote it.
    own: bool,
    /// What it says.
    class: Class,
    /// The kinds that have it.
    kinds: Vec<String>,
}

/// A kind and the class it has of its own.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct KindItem {
    #[schema(example = "NewTask")]
    kind: String,
    /// `null`: none, so it has the default one.
    #[schema(example = "decision")]
    class: Option<String>,
}

/// List the classes
///
/// With the scope `provision`, or with `publish`: publishers name classes.
#[utoipa::path(
    get, path = "/classes", tag = "classes",
    responses(
        (status = 200, description = "As they stand", body = ClassList),
        (status = 403, description = "The credential has neither `provision` nor `publish`", body = Problem),
    ),
    security(("bearer" = []))
)]
pub(super) async fn list(
    State(api): State<Api>,
    Extension(principal): Extension<Principal>,
) -> Result<Json<ClassList>, Problem> {
    if !principal.scopes.has(Scope::Publish) {
        principal.require(Scope::Provision)?;
    }
    let mut conn = api.pool.acquire().await?;
    let shelf = Shelf::read(&mut conn, principal.tenant).await?;
    let classes = shelf.classes.into_iter().map(|kept| ClassItem {
        kinds: shelf
            .kinds
            .iter()
            .filter(|(_, class)| class.as_ref() == Some(&kept.key))
            .map(|(kind, _)| kind.clone())
            .collect(),
        key: kept.key,
        built_in: kept.built_in,
        own: kept.own,
        class: kept.class,
    });
    Ok(Json(ClassList {
        default: shelf.default,
        unknown_kinds: shelf.unknown_kinds,
        classes: classes.collect(),
        kinds: shelf
            .kinds
            .iter()
            .map(|(kind, class)| KindItem {
                kind: kind.clone(),
                class: class.clone(),
            })
            .collect(),
    }))
}
