//! Demo logins as buttons: small forms with the same fields as the large one.

use leptos::prelude::*;

use super::server_fns::demo_logins;
use crate::components::avatar::Avatar;
use crate::components::icon::{Glyph, Icon};

/// The demo logins, when the server offers any.
#[component]
pub fn DemoLogins(
    /// Where to go afterwards.
    next: String,
) -> impl IntoView {
    let logins = Resource::new_blocking(|| (), |()| demo_logins());
    view! {
        <Suspense>
            {move || {
                let next = next.clone();
                Suspend::new(async move {
                    let logins = logins.await.unwrap_or_default();
                    (!logins.is_empty())
                        .then(|| {
                            view! {
                                <section class="col" aria-labelledby="demo-title">
                                    <div>
                                        <h2 id="demo-title">"Try it as"</h2>
                                        <p class="muted">"With demo data, nothing is real."</p>
                                    </div>
                                    <ul class="demo">
                                        {logins
                                            .into_iter()
                                            .map(|login| {
                                                view! {
                                                    <li>
                                                        <form method="post" action="/sign-in">
                                                            <input type="hidden" name="login" value=login.login />
                                                            <input
                                                                type="hidden"
                                                                name="password"
                                                                value=login.password
                                                            />
                                                            <input type="hidden" name="next" value=next.clone() />
                                                            <button type="submit">
                                                                <Avatar name=login.name.clone() large=true />
                                                                <span class="who-text">
                                                                    <span class="cut" title=login.name.clone()>
                                                                        {login.name.clone()}
                                                                    </span>
                                                                    <small>{login.what}</small>
                                                                </span>
                                                                <Icon glyph=Glyph::ChevronRight />
                                                            </button>
                                                        </form>
                                                    </li>
                                                }
                                            })
                                            .collect_view()}
                                    </ul>
                                </section>
                            }
                        })
                })
            }}
        </Suspense>
    }
    .into_any()
}
