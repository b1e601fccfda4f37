//! The frame of every page: rail, bar, bell, account. Its counts are live.

pub mod account;
pub mod bell;
pub mod counts;
pub mod home;
pub mod places;
pub mod rail;
pub mod server_fns;
pub mod theme;
pub mod top_bar;

use leptos::prelude::*;
use leptos_router::components::Outlet;
use leptos_router::hooks::use_location;

use crate::components::mark::Mark;
use crate::components::problem::Problem;
use crate::error::AppError;
use crate::features::sign_in;
use crate::model::badges::Badges;
use crate::model::person::{Me, Role};
use counts::Counts;
use rail::Rail;
use server_fns::frame;
use top_bar::TopBar;

/// Who is signed in, and their numbers; every page of the frame may ask for it.
pub type FrameData = Resource<Result<(Me, Badges), AppError>>;

/// What the person may do, for parts of pages that only some roles have. Empty until the frame knows it.
#[derive(Clone, Copy, Default)]
pub struct Roles(StoredValue<Vec<Role>>);

impl Roles {
    /// Those of who is signed in.
    #[must_use]
    pub fn here() -> Self {
        use_context().unwrap_or_default()
    }

    /// Is this one among them?
    #[must_use]
    pub fn has(self, role: Role) -> bool {
        self.0.with_value(|roles| roles.contains(&role))
    }
}

/// Rail and bar around the page. Signed out, the server answers with a redirect instead.
///
/// All of it waits for one answer, so that no count is drawn before it is known, and so that server
/// and browser create what is inside in the same order: hydration finds its data by that order.
#[component]
pub fn Frame() -> impl IntoView {
    let data: FrameData = Resource::new_blocking(|| (), |()| frame());
    provide_context(data);
    Counts::provide();
    let roles = Roles::default();
    provide_context(roles);
    go_live(data);
    let counts = Counts::here();
    let location = use_location();

    view! {
        <Suspense>
            // Not behind a closure: the body would be built once more for each look at it, and what
            // pages ask for inside would be asked for in another order than the browser does.
            {Suspend::new(async move {
                #[cfg(feature = "ssr")]
                not_at_once().await;
                match data.await {
                    Ok((me, badges)) => {
                        roles.0.set_value(me.roles.clone());
                        counts.set(&badges);
                        counts.follow(&badges);
                        view! {
                            <div class="shell">
                                <TopBar me=me.clone() />
                                <Rail me />
                                <main class="main" id="main" tabindex="-1">
                                    <Outlet />
                                </main>
                            </div>
                        }
                            .into_any()
                    }
                    Err(AppError::SignedOut) => {
                        let path = location.pathname.get_untracked();
                        let query = location.search.get_untracked();
                        let query = query.strip_prefix('?').unwrap_or(&query);
                        let here =
                            if query.is_empty() { path } else { format!("{path}?{query}") };
                        to_sign_in(&sign_in::address(Some(&here), None));
                        ().into_any()
                    }
                    Err(error) => {
                        let retry = Callback::new(move |()| {
                            crate::browser::leave_for(&crate::browser::here());
                        });
                        view! {
                            <div class="sign">
                                <header>
                                    <Mark />
                                </header>
                                <main id="main" class="lost" tabindex="-1">
                                    <h1 class="vh">"Not loaded"</h1>
                                    <Problem error retry />
                                </main>
                            </div>
                        }
                            .into_any()
                    }
                }
            })}
        </Suspense>
    }
    .into_any()
}

/// On the server, keeps the frame from being ready at a mere look: leptos looks into a Suspend before it
/// resolves it, and a look into a ready one builds the page inside a second time. Its resources then get
/// other numbers than in the browser, and hydration fails. Costs a few polls.
#[cfg(feature = "ssr")]
async fn not_at_once() {
    let mut looks = 16;
    std::future::poll_fn(|context| {
        if looks == 0 {
            return std::task::Poll::Ready(());
        }
        looks -= 1;
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

fn to_sign_in(address: &str) {
    #[cfg(feature = "ssr")]
    leptos_axum::redirect(address);
    #[cfg(not(feature = "ssr"))]
    crate::browser::leave_for(address);
}

/// Opens the page's hub connection once it is known who is signed in. Only in the browser: the
/// server never runs an effect. The client belongs to the frame, not to the effect, which runs
/// again whenever the numbers are fetched.
fn go_live(data: FrameData) {
    #[cfg(feature = "hydrate")]
    {
        let live = crate::live::Live::here();
        let frame = Owner::current();
        let opened = crate::components::clock::Clock::here().opened();
        Effect::new(move |begun: Option<bool>| {
            let me = data.get();
            if begun == Some(true) {
                return true;
            }
            let Some(Ok((me, _))) = me else { return false };
            let scope = me.scope();
            let begin = || {
                let token =
                    || -> crate::live::hub::TokenFuture { Box::pin(server_fns::fetch_hub_token()) };
                crate::live::plug::plug(live, scope, opened, token);
            };
            match &frame {
                Some(frame) => frame.with(begin),
                None => begin(),
            }
            true
        });
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = data;
}
