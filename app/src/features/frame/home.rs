//! `/`: on to the page somebody starts at.

use leptos::prelude::*;
use leptos_router::components::Redirect;

use super::{FrameData, places};

/// Redirects by role.
#[component]
pub fn Home() -> impl IntoView {
    let data = use_context::<FrameData>();
    view! {
        <Suspense>
            {move || Suspend::new(async move {
                match data?.await {
                    Ok((me, badges)) => {
                        let path = places::start(&me, badges.approvals.waiting);
                        Some(view! { <Redirect path /> })
                    }
                    Err(_) => None,
                }
            })}
        </Suspense>
    }
    .into_any()
}
