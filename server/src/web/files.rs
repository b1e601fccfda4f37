//! The files of the browser's half: `/pkg/*`, as built, and what lies beside it (fonts, icon).
//!
//! Their names do not change with their content, so a browser asks each time whether its copy is
//! still right (`ETag`), and is answered in a few bytes when it is.

use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::routing::MethodRouter;
use leptos::prelude::LeptosOptions;
use std::path::Path;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::set_status::SetStatus;

pub(super) fn routes(options: &LeptosOptions) -> Router {
    let built = Path::new(&*options.site_root).join(&*options.site_pkg_dir);
    if !built.join(format!("{}.js", options.output_name)).is_file() {
        tracing::warn!(
            "{} holds no browser files: pages are shown but do not come alive; build them with \
             `cargo xtask run`, or name their folder with BELLHOP_SITE_ROOT",
            built.display()
        );
    }
    let revalidate = HeaderValue::from_static("no-cache");
    let files = ServeDir::new(built).precompressed_br().precompressed_gzip();
    Router::new()
        .nest_service(&format!("/{}", options.site_pkg_dir), files)
        .layer(SetResponseHeaderLayer::overriding(
            CACHE_CONTROL,
            revalidate,
        ))
}

/// The other files of the site; whatever is no file is answered by `lost`, as 404.
pub(super) fn others(
    options: &LeptosOptions,
    lost: MethodRouter,
) -> ServeDir<SetStatus<MethodRouter>> {
    ServeDir::new(&*options.site_root)
        .append_index_html_on_directories(false)
        .not_found_service(lost)
}
