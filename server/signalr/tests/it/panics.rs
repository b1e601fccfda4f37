//! Whatever hub code panics: nothing of the connection stays behind, and its hub is told of the end.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::StreamExt;
use parking_lot::Mutex;
use signalr::{
    Call, CloseReason, Connection, Filter, Hub, HubError, HubExt, HubOptions, Observer, Reply,
    Resumed, WriteMark,
    protocol::TransportKind::{self, LongPolling, ServerSentEvents, WebSockets},
};

use crate::support::{ALL, Client, HANDSHAKE, Site, User, call, settle};

type Conn = Arc<Connection<User>>;

/// Panics in one of its hooks.
#[derive(Debug)]
struct Fragile {
    at: &'static str,
    ended: Mutex<Vec<Option<String>>>,
    connected: AtomicUsize,
}

impl Fragile {
    fn at(at: &'static str) -> Self {
        Self {
            at,
            ended: Mutex::default(),
            connected: AtomicUsize::new(0),
        }
    }

    fn reach(&self, place: &str) {
        assert!(self.at != place, "on purpose");
    }
}

impl Hub for Fragile {
    type Principal = User;

    fn same_identity(first: &User, later: &User) -> bool {
        first == later
    }

    fn user_key(principal: &User) -> Option<std::borrow::Cow<'_, str>> {
        Some((&*principal.0).into())
    }

    async fn connected(&self, connection: &Conn) -> Result<(), HubError> {
        connection.join("group");
        self.connected.fetch_add(1, Ordering::Relaxed);
        self.reach("connected");
        Ok(())
    }

    async fn invoke(&self, _: &Conn, _: Call) -> Reply {
        Reply::done()
    }

    async fn disconnected(&self, _: &Conn, reason: Option<&str>) {
        self.ended.lock().push(reason.map(str::to_owned));
        self.reach("disconnected");
    }

    fn evidence(&self, _: &Conn, _: WriteMark) {
        self.reach("evidence");
    }

    fn writable(&self, _: &Conn) {
        self.reach("writable");
    }

    fn seen_again(&self, _: &Conn, _: &User) {
        // Not at the handshake's own POST.
        if self.connected.load(Ordering::Relaxed) > 0 {
            self.reach("seen_again");
        }
    }

    fn resumed(&self, _: &Conn, _: Resumed) {
        self.reach("resumed");
    }
}

/// Panics at everything it is told, and remembers why connections ended.
#[derive(Debug)]
struct Jumpy {
    calm: bool,
    reasons: Mutex<Vec<CloseReason>>,
}

impl Jumpy {
    fn start(&self) {
        assert!(self.calm, "on purpose");
    }
}

impl Observer for Jumpy {
    fn opened(&self, _: TransportKind) {
        self.start();
    }

    fn closed(&self, _: TransportKind, reason: CloseReason, _: Duration) {
        self.reasons.lock().push(reason);
        self.start();
    }

    fn received(&self, _: usize) {
        self.start();
    }

    fn sent(&self, _: usize, _: usize) {
        self.start();
    }

    fn called(&self, _: &str, _: signalr::CallOutcome, _: Duration) {
        self.start();
    }

    fn limited(&self, _: signalr::Limit) {
        self.start();
    }
}

fn observer(calm: bool) -> Arc<Jumpy> {
    Arc::new(Jumpy {
        calm,
        reasons: Mutex::default(),
    })
}

fn options(observer: &Arc<Jumpy>) -> HubOptions {
    HubOptions {
        max_connections_per_user: Some(1),
        max_queued_bytes: 100,
        observer: Arc::clone(observer) as Arc<dyn Observer>,
        ..HubOptions::default()
    }
}

/// Reads to the end of the connection, with what makes the hooks run on the way.
async fn live(site: &Site<impl Hub<Principal = User>>, client: &mut Client, at: &str) {
    client.send(site, HANDSHAKE).await;
    assert_eq!(client.next(site).await, "{}");
    settle().await;
    if at == "seen_again" {
        site.request("POST", &client.path(), "{\"type\":6}\u{1e}")
            .await;
    } else if at != "connected" {
        let connection = site.only();
        match at {
            "writable" => while connection.try_send("{\"type\":6}\u{1e}".into()).is_ok() {},
            "evidence" => {
                connection.try_send("{\"type\":6}\u{1e}".into()).unwrap();
                connection.probe();
                client.next(site).await;
                if connection.transport() == ServerSentEvents {
                    // Marked as passed on once the stream is asked for more.
                    settle().await;
                    site.request("POST", &client.path(), "{\"type\":6}\u{1e}")
                        .await;
                }
            }
            _ => client.send(site, "{\"type\":7}\u{1e}").await,
        }
    }
    while let Ok(Some(_)) =
        tokio::time::timeout(Duration::from_secs(20), client.try_next(site)).await
    {}
}

async fn nothing_is_left(site: &Site<impl Hub<Principal = User>>, client: Client, what: &str) {
    let path = client.path();
    drop(client);
    tokio::time::sleep(Duration::from_secs(40)).await;
    assert_eq!(site.server.count(), 0, "{what}");
    assert!(site.server.connections().is_empty(), "{what}");
    assert_eq!(site.server.clients().group("group").count(), 0, "{what}");
    assert_eq!(site.server.clients().user("ann").count(), 0, "{what}");
    let again = site.request("GET", &path, "").await;
    assert_eq!(again.status, 404, "{what}: the place");
    let seat = site
        .request("POST", "/hub/negotiate?negotiateVersion=1", "")
        .await;
    assert_eq!(seat.status, 200, "{what}: the seat");
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_hook_leaks_nothing_and_the_hub_is_told_of_the_end_once() {
    for kind in ALL {
        for at in [
            "connected",
            "evidence",
            "writable",
            "disconnected",
            "seen_again",
        ] {
            if at == "seen_again" && kind == WebSockets {
                continue; // its socket does not come again
            }
            let what = format!("{at} over {kind:?}");
            let jumpy = observer(true);
            let site = Site::serving(Fragile::at(at), options(&jumpy));
            let mut client = Client::connect_to(&site, kind, "").await;
            live(&site, &mut client, at).await;
            nothing_is_left(&site, client, &what).await;
            let hub = site.server.hub();
            assert_eq!(hub.ended.lock().len(), 1, "{what}");
            let reason = hub.ended.lock()[0].clone();
            if at != "disconnected" {
                assert_eq!(reason.as_deref(), Some("Hub code panicked."), "{what}");
            }
            assert_eq!(*jumpy.reasons.lock(), [CloseReason::Panic], "{what}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_is_told_of_a_panic_in_words() {
    for kind in ALL {
        for at in ["evidence", "writable"] {
            let site = Site::serving(Fragile::at(at), options(&observer(true)));
            let mut client = Client::connect_to(&site, kind, "").await;
            client.send(&site, HANDSHAKE).await;
            assert_eq!(client.next(&site).await, "{}");
            settle().await;
            let connection = site.only();
            while connection.try_send("{\"type\":6}\u{1e}".into()).is_ok() {}
            connection.probe();
            client.next(&site).await;
            if kind == ServerSentEvents {
                settle().await;
                site.request("POST", &client.path(), "{\"type\":6}\u{1e}")
                    .await;
            }
            let mut last = String::new();
            while let Some(said) = client.try_next(&site).await {
                last = said;
            }
            assert_eq!(
                last,
                "{\"type\":7,\"error\":\"Connection closed with an error.\",\"allowReconnect\":true}",
                "{at} over {kind:?}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_when_a_client_resumes_leaks_nothing() {
    let options = HubOptions {
        stateful_reconnect: true,
        ..options(&observer(true))
    };
    let site = Site::serving(Fragile::at("resumed"), options);
    let path = "/hub/negotiate?negotiateVersion=1&useStatefulReconnect=true";
    let answer = site.request("POST", path, "").await;
    let answer: signalr::protocol::NegotiateResponse =
        serde_json::from_slice(&answer.body).unwrap();
    let token = answer.connection_token.unwrap();
    let path = format!("/hub?id={token}");
    let mut client = Client::over(site.websocket(&path).await.unwrap(), token.clone());
    let handshake = HANDSHAKE.replace('1', "2");
    client.send(&site, &handshake).await;
    assert_eq!(client.next(&site).await, "{}");
    drop(client);
    settle().await;
    let mut next = site.websocket(&path).await.unwrap();
    while let Some(Ok(_)) = next.next().await {}
    nothing_is_left(&site, Client::over(next, token), "resumed").await;
    assert_eq!(site.server.hub().ended.lock().len(), 1);
}

/// Counting is not worth a connection.
#[tokio::test(start_paused = true)]
async fn a_panic_in_the_observer_changes_nothing() {
    for kind in ALL {
        let jumpy = observer(false);
        let site = Site::serving(Fragile::at(""), options(&jumpy));
        let mut client = Client::connect_to(&site, kind, "").await;
        client.send(&site, HANDSHAKE).await;
        assert_eq!(client.next(&site).await, "{}");
        client.send(&site, &call("0", "Any", "[]")).await;
        assert!(client.next_said(&site).await.contains("\"result\":null"));
        client.send(&site, "{\"type\":7}\u{1e}").await;
        assert_eq!(client.try_next(&site).await, None);
        nothing_is_left(&site, client, &format!("{kind:?}")).await;
        assert_eq!(*site.server.hub().ended.lock(), [None]);
        assert_eq!(*jumpy.reasons.lock(), [CloseReason::Client]);
    }
}

struct Rough(&'static str);

impl Filter<User> for Rough {
    async fn connected<F>(&self, _: &Conn, next: F) -> Result<(), HubError>
    where
        F: Future<Output = Result<(), HubError>> + Send,
    {
        next.await?;
        assert!(self.0 != "connected", "on purpose");
        Ok(())
    }

    async fn invoke<N, F>(&self, _: &Conn, call: Call, next: N) -> Reply
    where
        N: FnOnce(Call) -> F + Send,
        F: Future<Output = Reply> + Send,
    {
        assert!(self.0 != "invoke", "on purpose");
        next(call).await
    }

    async fn disconnected<F>(&self, _: &Conn, _: Option<&str>, next: F)
    where
        F: Future<Output = ()> + Send,
    {
        next.await;
        assert!(self.0 != "disconnected", "on purpose");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_filter_leaks_nothing() {
    for at in ["connected", "invoke", "disconnected"] {
        let hub = Fragile::at("").filter(Rough(at));
        let site = Site::serving(hub, options(&observer(true)));
        let mut client = Client::connect_to(&site, LongPolling, "").await;
        if at == "invoke" {
            client.send(&site, HANDSHAKE).await;
            client.send(&site, &call("0", "Any", "[]")).await;
            assert_eq!(client.next(&site).await, "{}");
            assert!(client.next(&site).await.contains("\"error\":"));
            client.send(&site, "{\"type\":7}\u{1e}").await;
        } else {
            live(&site, &mut client, at).await;
        }
        nothing_is_left(&site, client, at).await;
        assert_eq!(site.server.hub().inner().ended.lock().len(), 1, "{at}");
    }
}
