//! Who is here, in which group, and how to reach them from anywhere.

use signalr::{Caller, Clients, HubOptions, protocol::TransportKind::WebSockets};

use super::{methods, on_stage, said};
use crate::support::{ALL, Client, Site, User, call, completion, settle};

type Me = Caller<User>;

fn hub() -> signalr::Methods<User> {
    methods()
        .on(
            "Join",
            |me: Me, group: String| async move { me.join(&group) },
        )
        .on(
            "Leave",
            |me: Me, group: String| async move { me.leave(&group) },
        )
        .on(
            "Tell",
            |me: Me, clients: Clients<User>, group: String| async move {
                let delivery = clients
                    .group(&group)
                    .except(me.id())
                    .send("Told", (1, "a"))?;
                Ok::<_, signalr::HubError>(delivery.queued)
            },
        )
}

#[tokio::test]
async fn members_are_listed_counted_and_reached_over_every_transport() {
    let site = Site::serving(hub(), HubOptions::default());
    let mut clients = Vec::new();
    for kind in ALL {
        let mut client = Client::join(&site, kind).await;
        client
            .send(&site, &call("0", "Join", "[\"kitchen\"]"))
            .await;
        assert_eq!(
            client.next(&site).await,
            said(completion("0", ",\"result\":true"))
        );
        clients.push(client);
    }
    let all = site.server.clients();
    assert_eq!(all.group("kitchen").count(), 3);
    assert_eq!(all.group("kitchen").connections().len(), 3);
    assert_eq!(all.groups(), [("kitchen".into(), 3)]);
    assert_eq!(all.users(), [("ann".into(), 3)]);
    assert!(
        all.all()
            .connections()
            .iter()
            .all(|one| *one.groups() == ["kitchen".into()])
    );
    clients[0]
        .send(&site, &call("1", "Tell", "[\"kitchen\"]"))
        .await;
    assert_eq!(
        clients[0].next(&site).await,
        said(completion("1", ",\"result\":2"))
    );
    for client in &mut clients[1..] {
        let told = "{\"type\":1,\"target\":\"Told\",\"arguments\":[1,\"a\"]}";
        assert_eq!(client.next(&site).await, told);
    }
}

#[tokio::test]
async fn leaving_and_ending_take_out_of_groups_and_empty_groups_vanish() {
    let (site, mut client) = on_stage(hub(), HubOptions::default()).await;
    let connection = site.only();
    let clients = site.server.clients();
    assert!(connection.join("a") && connection.join("b") && connection.join("a"));
    assert_eq!(clients.group("a").count(), 1, "twice is once");
    assert!(connection.leave("a") && !connection.leave("a"));
    assert_eq!(clients.groups(), [("b".into(), 1)]);
    client.send(&site, "{\"type\":7}\u{1e}").await;
    assert_eq!(client.try_next(&site).await, None);
    while site.server.count() > 0 {
        settle().await;
    }
    assert!(clients.groups().is_empty() && clients.users().is_empty());
    assert!(!connection.join("c"), "nobody joins after the end");
    assert!(clients.groups().is_empty());
    assert_eq!(clients.all().count(), 0);
}

#[tokio::test]
async fn a_broadcast_is_encoded_once_and_the_bytes_are_shared() {
    struct Counted<'a>(&'a std::cell::Cell<u32>);
    impl serde::Serialize for Counted<'_> {
        fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            self.0.set(self.0.get() + 1);
            to.serialize_u8(7)
        }
    }
    let site = Site::serving(hub(), HubOptions::default());
    let mut clients = Vec::new();
    for _ in 0..5 {
        clients.push(Client::join(&site, WebSockets).await);
    }
    let count = std::cell::Cell::new(0);
    let delivery = site
        .server
        .clients()
        .all()
        .send("Seven", (Counted(&count),))
        .unwrap();
    assert_eq!((delivery.queued, delivery.refused, count.get()), (5, 0, 1));
    for client in &mut clients {
        let seven = "{\"type\":1,\"target\":\"Seven\",\"arguments\":[7]}";
        assert_eq!(client.next(&site).await, seven);
    }
}

#[tokio::test]
async fn what_cannot_be_encoded_reaches_nobody() {
    let (site, mut client) = on_stage(hub(), HubOptions::default()).await;
    let unwritable = std::collections::HashMap::from([((1, 2), 3)]);
    let error = site
        .server
        .clients()
        .all()
        .send("Map", (unwritable,))
        .unwrap_err();
    assert_eq!(error, signalr::SendError::Encoding);
    client.send(&site, &call("e", "Echo", "[1]")).await;
    assert_eq!(
        client.next(&site).await,
        said(completion("e", ",\"result\":1"))
    );
}

#[tokio::test]
async fn users_groups_and_single_connections_can_be_sent_away_or_moved() {
    let site = Site::serving(hub(), HubOptions::default());
    let clients = site.server.clients();
    for (send_away, close) in [
        (0, "{\"type\":7,\"error\":\"Bye.\"}"),
        (1, "{\"type\":7,\"allowReconnect\":true}"),
        (2, "{\"type\":7}"),
    ] {
        let mut client = Client::join(&site, WebSockets).await;
        let connection = site.only();
        connection.join("g");
        match send_away {
            0 => clients.user("ann").disconnect(Some("Bye.")),
            1 => clients.group("g").reconnect(),
            _ => clients.client(connection.id()).disconnect(None),
        }
        assert_eq!(client.next(&site).await, close);
        assert_eq!(client.try_next(&site).await, None);
        while site.server.count() > 0 {
            settle().await;
        }
    }
}

#[tokio::test]
async fn a_group_can_be_filled_from_outside() {
    let (site, mut client) = on_stage(hub(), HubOptions::default()).await;
    let clients = site.server.clients();
    clients.user("ann").join("news");
    assert_eq!(clients.group("news").send("News", ()).unwrap().queued, 1);
    let news = "{\"type\":1,\"target\":\"News\",\"arguments\":[]}";
    assert_eq!(client.next(&site).await, news);
    clients.all().leave("news");
    assert_eq!(
        clients.group("news").send("News", ()).unwrap(),
        signalr::Delivery::default()
    );
}
