//! Hubs made of functions, and filters around them.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use signalr::{
    Call, Caller, Connection, Filter, HubError, HubExt, HubOptions, Methods, Reason, Reply, State,
};

use super::{methods, on_stage, said};
use crate::support::{User, call, completion, settle};

#[tokio::test]
async fn parameters_come_from_arguments_connection_and_state() {
    let hub: Methods<User, Arc<AtomicU32>> = Methods::with_state(Arc::default())
        .on("Mix", |State(count): State<Arc<AtomicU32>>, a: u32, me: Caller<User>, b: Option<u32>| async move {
            count.fetch_add(a, Ordering::Relaxed);
            (me.principal().0.clone(), a, b)
        })
        .on("Total", |State(count): State<Arc<AtomicU32>>| async move { count.load(Ordering::Relaxed) });
    let (site, mut client) = on_stage(hub, HubOptions::default()).await;
    client.send(&site, &call("0", "Mix", "[5,null]")).await;
    assert_eq!(
        client.next(&site).await,
        said(completion("0", ",\"result\":[\"ann\",5,null]"))
    );
    client.send(&site, &call("1", "total", "[]")).await;
    assert_eq!(
        client.next(&site).await,
        said(completion("1", ",\"result\":5"))
    );
}

#[tokio::test]
async fn connected_may_refuse_and_disconnected_hears_the_reason() {
    let heard = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let hub = {
        let heard = Arc::clone(&heard);
        methods()
            .on_connected(
                |me: Caller<User>| async move { me.send("Welcome", ("you",)).await.map(drop) },
            )
            .on_disconnected(move |Reason(reason)| {
                heard.lock().push(reason);
                async {}
            })
    };
    let (site, mut client) = on_stage(hub, HubOptions::default()).await;
    let welcome = "{\"type\":1,\"target\":\"Welcome\",\"arguments\":[\"you\"]}";
    assert_eq!(client.next(&site).await, welcome);
    client
        .send(&site, "{\"type\":7,\"error\":\"bored\"}\u{1e}")
        .await;
    while site.server.count() > 0 {
        settle().await;
    }
    assert_eq!(*heard.lock(), [Some("bored".to_owned())]);

    let hub = methods().on_connected(|| async { Err::<(), _>(HubError::new("Full.")) });
    let (site, mut client) = on_stage(hub, HubOptions::default()).await;
    let close = "{\"type\":7,\"error\":\"Connection closed with an error. HubException: Full.\"}";
    assert_eq!(client.next(&site).await, close);
    assert_eq!(client.try_next(&site).await, None);
}

#[test]
#[should_panic(expected = "there is a method 'ECHO' already")]
fn two_methods_of_one_name_are_found_at_the_start() {
    let _ = methods().on("ECHO", || async {});
}

/// Notes what passes, refuses `Forbidden`, doubles the argument of `Echo`.
struct Guard(Arc<parking_lot::Mutex<Vec<String>>>);

impl Filter<User> for Guard {
    async fn connected<F>(&self, _: &Arc<Connection<User>>, next: F) -> Result<(), HubError>
    where
        F: Future<Output = Result<(), HubError>> + Send,
    {
        self.0.lock().push("connected".to_owned());
        next.await
    }

    async fn invoke<N, F>(&self, _: &Arc<Connection<User>>, mut call: Call, next: N) -> Reply
    where
        N: FnOnce(Call) -> F + Send,
        F: Future<Output = Reply> + Send,
    {
        self.0.lock().push(call.target.clone());
        if call.is("Forbidden") {
            return HubError::new("Forbidden.").into();
        }
        let twice = call.arguments[0].read::<u32>().unwrap() * 2;
        call.arguments = vec![signalr::protocol::Payload::of(&twice).unwrap()];
        next(call).await
    }

    async fn disconnected<F>(&self, _: &Arc<Connection<User>>, _: Option<&str>, next: F)
    where
        F: Future<Output = ()> + Send,
    {
        next.await;
        self.0.lock().push("disconnected".to_owned());
    }
}

#[tokio::test]
async fn filters_run_around_everything_and_may_refuse_and_change() {
    let seen = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let hub = methods()
        .on("Forbidden", || async {})
        .filter(Guard(Arc::clone(&seen)));
    let hub = hub.filter(Guard(Arc::clone(&seen)));
    let (site, mut client) = on_stage(hub, HubOptions::default()).await;
    client.send(&site, &call("0", "Echo", "[3]")).await;
    assert_eq!(
        client.next(&site).await,
        said(completion("0", ",\"result\":12"))
    );
    client.send(&site, &call("1", "forbidden", "[]")).await;
    assert!(
        client
            .next(&site)
            .await
            .contains("HubException: Forbidden.")
    );
    client.send(&site, "{\"type\":7}\u{1e}").await;
    while site.server.count() > 0 {
        settle().await;
    }
    let expected = [
        "connected",
        "connected",
        "Echo",
        "Echo",
        "forbidden",
        "disconnected",
        "disconnected",
    ];
    assert_eq!(*seen.lock(), expected);
}
