//! The screens: Leptos pages and server functions, their files, their security headers.
//!
//! Mounted by `run::serve`; everything a page asks for goes through the context that is provided
//! here. Must not know what a page is about.

use app::backend::{Caller, SharedBackend};
use app::{App, shell};

use axum::Router;
use axum::extract::FromRef;
use axum::middleware::from_fn;
use axum::routing::get;
use leptos::prelude::{LeptosOptions, provide_context, use_context};
use leptos_axum::{LeptosRoutes, generate_route_list, render_app_async_with_context};
use tower_http::compression::CompressionLayer;

use crate::auth::limiter::{LoginLimiter, Tries};
use crate::run::Parts;
use crate::run::product::Product;
use crate::support::config::Http;

mod backend;
mod console;
mod files;
mod headers;
mod push;
pub mod session;
pub mod setup;
pub mod sign_in;

pub use backend::Rooms;
pub use setup::ensure_setup_link;
use sign_in::SignIn;

/// What page handlers can extract.
#[derive(Clone, Debug, FromRef)]
struct Web {
    options: LeptosOptions,
}

/// The screens with their sessions: pages, server functions, the forms of signing in.
///
/// `secure`: the cookie travels over https only; everywhere but on loopback.
pub fn screens(product: &Product, backend: SharedBackend, secure: bool) -> anyhow::Result<Router> {
    let auth = &product.auth;
    let limiter = LoginLimiter::new(Tries::PER_ACCOUNT, Tries::PER_ADDRESS);
    limiter.spawn_sweep(&product.parts.life);
    let forms = sign_in::routes(SignIn {
        auth: auth.clone(),
        limiter,
        proxies: product.parts.config.http.proxies(),
    });
    let pages = routes(&product.parts, backend)
        .merge(headers::secure(push::routes(product.hub.clone())))
        .layer(from_fn(session::caller));
    Ok(forms
        .merge(pages)
        .layer(session::layer(auth, secure))
        .layer(session::csrf(&product.parts.config.http.origins)?))
}

/// Every page, every server function, every file of the browser's half.
pub fn routes(parts: &Parts, backend: SharedBackend) -> Router {
    let options = options(&parts.config.http);
    let web = Web {
        options: options.clone(),
    };
    let context = move || context(&backend);
    let pages = Router::new()
        .leptos_routes_with_context(&web, generate_route_list(App), context.clone(), {
            let options = options.clone();
            move || shell(options.clone())
        })
        .fallback_service(files::others(
            &options,
            // Never leptos's own file handler: it takes the headers of whatever page the thread
            // rendered last for its answer, and the page is left without its policy.
            get(render_app_async_with_context(context, {
                let options = options.clone();
                move || shell(options.clone())
            })),
        ))
        .layer(CompressionLayer::new())
        .with_state(web);
    headers::secure(files::routes(&options).merge(pages))
}

/// What every render and every server function sees.
fn context(backend: &SharedBackend) {
    headers::content_security_policy();
    provide_context(backend.clone());
    // Put there by the session's layer; a page without it is a page for somebody signed out.
    let caller = use_context::<http::request::Parts>()
        .and_then(|parts| parts.extensions.get::<Option<Caller>>().cloned().flatten());
    provide_context(caller);
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
mod tenants;
#[cfg(test)]
mod tests;
