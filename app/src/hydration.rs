//! Loads the browser's half.
//!
//! Like leptos's own `HydrationScripts`, except that the preloading link carries the nonce (under our
//! content security policy the browser would refuse it, and say so in its console), and that the
//! document says when it has come alive: `<html data-alive>`, which tests wait for.

use leptos::nonce::use_nonce;
use leptos::prelude::*;

#[component]
pub fn Hydration(options: LeptosOptions) -> impl IntoView {
    let base = format!("/{}/{}", options.site_pkg_dir, options.output_name);
    let (script, module) = (format!("{base}.js"), format!("{base}.wasm"));
    let start = format!(
        "import({script:?}).then(m => m.default({{module_or_path: {module:?}}}).then(() => {{ \
         m.hydrate(); document.documentElement.dataset.alive = ''; }}))"
    );
    let nonce = use_nonce();
    view! {
        <link rel="modulepreload" href=script nonce=nonce.clone() />
        <link
            rel="preload"
            href=module
            r#as="fetch"
            r#type="application/wasm"
            crossorigin="anonymous"
        />
        <script type="module" nonce=nonce>
            {start}
        </script>
    }
}
