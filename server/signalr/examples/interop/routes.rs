//! The routes of the suites, and what lies behind each.

use std::sync::{Arc, atomic::AtomicU32};

use axum::{
    Router,
    extract::{Path, State},
    middleware::{from_fn, from_fn_with_state},
    routing::{any, get},
};
use signalr::{
    HubError, HubOptions, HubServer, Methods, RawServer, any_case,
    protocol::TransportKind::{LongPolling, ServerSentEvents},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    echo::Echo,
    front,
    login::{self, Login},
    test_hub::{Guests, test_hub},
    visitor::{Visitor, welcome},
};

type TestServer = HubServer<Methods<Visitor, Guests>>;

/// Asked for in any case.
const PATHS: [&str; 5] = [
    "/testhub",
    "/testhub-nowebsockets",
    "/authorizedhub",
    "/uncreatable",
    "/echo",
];

pub(crate) fn routes(tracker: &TaskTracker, stopping: &CancellationToken) -> Router {
    let options = HubOptions {
        detailed_errors: true,
        stateful_reconnect: true,
        ..HubOptions::default()
    };
    let without_websockets = HubOptions {
        transports: vec![ServerSentEvents, LongPolling],
        ..options.clone()
    };
    let server = |options: &HubOptions| {
        HubServer::new(
            test_hub(),
            options.clone(),
            tracker.clone(),
            stopping.clone(),
        )
    };
    let uncreatable = Methods::<Visitor>::new().on_connected(|| async {
        Err::<(), _>(HubError::internal(
            "InvalidOperationException",
            "Unable to resolve the hub.",
        ))
    });
    let uncreatable = HubServer::new(
        uncreatable,
        options.clone(),
        tracker.clone(),
        stopping.clone(),
    );
    let echo = RawServer::new(Echo, options.clone(), tracker.clone(), stopping.clone());
    let login = Login::new();
    let authorized = HubServer::new(
        login::hub(),
        options.clone(),
        tracker.clone(),
        stopping.clone(),
    );
    let authorized = authorized
        .router()
        .layer(from_fn_with_state(login.clone(), login::require));

    let (test, second) = (server(&options), server(&without_websockets));
    let open = Router::new()
        .nest("/testhub", test.router())
        .nest("/testhub-nowebsockets", second.router())
        .nest("/uncreatable", uncreatable.router())
        .nest("/echo", echo.router())
        .layer(from_fn(welcome));
    let app = Router::new()
        .merge(open)
        .nest("/authorizedhub", authorized)
        .route("/generateJwtToken", get(login::token).with_state(login))
        .route(
            "/clientresult/{id}",
            get(client_result).with_state([test.clone(), second]),
        )
        .route("/ping/{id}", get(ping).with_state(test))
        .route("/echoredirect", any(front::to_echo))
        .route("/echoredirect/{*rest}", any(front::to_echo))
        .route("/bad-negotiate", any(front::bad_negotiate))
        .route("/bad-negotiate/{*rest}", any(front::bad_negotiate))
        .merge(redirects())
        .layer(from_fn(front::cookies))
        .layer(from_fn(front::cors));
    any_case(app, PATHS)
}

fn redirects() -> Router {
    Router::new()
        .route("/redirect", any(front::to_test_hub))
        .route("/redirect/{*rest}", any(front::to_test_hub))
        .with_state(Arc::new(AtomicU32::new(0)))
}

/// Sends one client a WebSocket ping, as a hub does that wants evidence of delivery.
async fn ping(State(server): State<TestServer>, Path(id): Path<String>) -> &'static str {
    match server.get(&id) {
        Some(connection) => {
            connection.probe();
            "asked"
        }
        None => "gone",
    }
}

/// Asks one client for a number.
async fn client_result(State(servers): State<[TestServer; 2]>, Path(id): Path<String>) -> String {
    let Some(connection) = servers.iter().find_map(|server| server.get(&id)) else {
        return format!("Connection '{id}' does not exist.");
    };
    match connection.call_client::<i32>("Result", ()).await {
        Ok(number) => number.to_string(),
        Err(error) => error.to_string(),
    }
}
