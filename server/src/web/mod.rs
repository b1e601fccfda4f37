//! The screens: Leptos pages and server functions, their files, their security headers.
//!
//! Mounted by `run::serve`; everything a page asks for goes through the context that is provided
//! here. Must not know what a page is about.

use app::{App, shell};
use axum::Router;
use axum::extract::FromRef;
use leptos::prelude::LeptosOptions;
use leptos_axum::{LeptosRoutes, file_and_error_handler_with_context, generate_route_list};
use tower_http::compression::CompressionLayer;

use crate::run::Parts;
use crate::support::config::Http;

mod files;
mod headers;
pub mod session;
pub mod setup;
pub mod sign_in;

/// What page handlers can extract.
#[derive(Clone, Debug, FromRef)]
struct Web {
    options: LeptosOptions,
}

/// Every page, every server function, every file of the browser's half.
pub fn routes(parts: &Parts) -> Router {
    let options = options(&parts.config.http);
    let web = Web {
        options: options.clone(),
    };
    let pages = Router::new()
        .leptos_routes_with_context(&web, generate_route_list(App), context, {
            let options = options.clone();
            move || shell(options.clone())
        })
        .fallback(file_and_error_handler_with_context::<Web, _>(
            context, shell,
        ))
        .layer(CompressionLayer::new())
        .with_state(web);
    headers::secure(files::routes(&options).merge(pages))
}

/// What every render and every server function sees.
fn context() {
    headers::content_security_policy();
}

/// Leptos's own settings. They come from ours, so that the program runs outside of cargo-leptos.
fn options(http: &Http) -> LeptosOptions {
    LeptosOptions::builder()
        .output_name("bellhop")
        .site_root(http.site_root.to_string_lossy().into_owned())
        .site_pkg_dir("pkg")
        .build()
}

#[cfg(test)]
mod tests;
