//! Which page stands at which address. Pages are rendered whole on the server (`SsrMode::Async`):
//! they work without script, their status and redirects are right, and the numbers in them agree.

use leptos::prelude::*;
use leptos_meta::{Stylesheet, Title, provide_meta_context};
use leptos_router::components::{ParentRoute, Route, Router, Routes};
use leptos_router::{SsrMode, path};

use crate::components::announcer::{Announcer, LiveRegions};
use crate::components::clock::Clock;
use crate::components::toast::{ToastStage, Toasts};
use crate::features::admin::classes::ClassesPage;
use crate::features::admin::connections::ConnectionsPage;
use crate::features::admin::groups::GroupsPage;
use crate::features::admin::overview::OverviewPage;
use crate::features::admin::queued::QueuedPage;
use crate::features::admin::undelivered::UndeliveredPage;
use crate::features::admin::webhooks::WebhooksPage;
use crate::features::admin::why::WhyPage;
use crate::features::approvals::page::ApprovalsPage;
use crate::features::attendance::page::AttendancePage;
use crate::features::frame::{Frame, home::Home};
use crate::features::inbox::page::InboxPageView;
use crate::features::lost::Lost;
use crate::features::setup::SetupPage;
use crate::features::sign_in::SignInPage;
use crate::live::Live;

/// All screens.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    Clock::provide();
    Announcer::provide();
    Toasts::provide();
    Live::provide();

    view! {
        <Stylesheet id="leptos" href="/pkg/bellhop.css" />
        <Title formatter=|title: String| {
            if title.is_empty() { "bellhop".to_owned() } else { format!("{title} · bellhop") }
        } />
        <Router>
            // `external`: the browser's own way to a place on the page takes the focus there, the router's
            // does not.
            <a class="skip" href="#main" rel="external">
                "Skip to content"
            </a>
            <Routes fallback=Lost>
                <Route path=path!("/sign-in") view=SignInPage ssr=SsrMode::Async />
                <Route path=path!("/setup") view=SetupPage ssr=SsrMode::Async />
                <ParentRoute path=path!("") view=Frame ssr=SsrMode::Async>
                    <Route path=path!("") view=Home ssr=SsrMode::Async />
                    <Route path=path!("approvals/:id?") view=ApprovalsPage ssr=SsrMode::Async />
                    <Route path=path!("attendance") view=AttendancePage ssr=SsrMode::Async />
                    <Route path=path!("inbox") view=InboxPageView ssr=SsrMode::Async />
                    <Route path=path!("admin") view=OverviewPage ssr=SsrMode::Async />
                    <Route
                        path=path!("admin/connections")
                        view=ConnectionsPage
                        ssr=SsrMode::Async
                    />
                    <Route path=path!("admin/groups") view=GroupsPage ssr=SsrMode::Async />
                    <Route path=path!("admin/queued") view=QueuedPage ssr=SsrMode::Async />
                    <Route
                        path=path!("admin/undelivered")
                        view=UndeliveredPage
                        ssr=SsrMode::Async
                    />
                    <Route path=path!("admin/why") view=WhyPage ssr=SsrMode::Async />
                    <Route path=path!("admin/classes") view=ClassesPage ssr=SsrMode::Async />
                    <Route path=path!("admin/webhooks") view=WebhooksPage ssr=SsrMode::Async />
                </ParentRoute>
            </Routes>
        </Router>
        <ToastStage />
        <LiveRegions />
    }
}
