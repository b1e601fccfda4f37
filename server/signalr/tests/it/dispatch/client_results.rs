//! Questions of the server to one client.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use signalr::{
    Caller, ClientCallError, Clients, HubError, HubOptions, Methods,
    protocol::{Invocation, Message, Outcome, Payload},
};

use super::{methods, on_stage, said};
use crate::support::{ALL, Client, Event, Site, User, call, completion, settle};

type Me = Caller<User>;

/// `Ask(text)` asks the caller and returns what it says.
fn asking() -> Methods<User> {
    methods()
        .on("Ask", |me: Me, text: String| async move {
            me.call_client::<i32>("Result", (text,))
                .await
                .map_err(HubError::from)
        })
        .on(
            "AskOther",
            |clients: Clients<User>, id: String| async move {
                let other = clients.get(&id).ok_or("There is no such client.")?;
                Ok::<_, HubError>(other.call_client::<i32>("Result", ()).await?)
            },
        )
}

/// The id of the question that the server asked in `message`.
fn question(message: &str) -> String {
    let question: serde_json::Value = serde_json::from_str(message).unwrap();
    assert_eq!(
        (&question["type"], &question["target"]),
        (&1.into(), &"Result".into())
    );
    question["invocationId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_client_answers_with_a_completion() {
    for kind in ALL {
        let site = Site::serving(asking(), HubOptions::default());
        let mut client = Client::join(&site, kind).await;
        client.send(&site, &call("0", "Ask", "[\"age?\"]")).await;
        let asked = client.next(&site).await;
        assert!(asked.contains("\"arguments\":[\"age?\"]"));
        client
            .send(&site, &completion(&question(&asked), ",\"result\":42"))
            .await;
        assert_eq!(
            client.next(&site).await,
            said(completion("0", ",\"result\":42"))
        );
    }
}

#[tokio::test]
async fn the_clients_error_is_the_callers_error() {
    let (site, mut client) = on_stage(asking(), HubOptions::default()).await;
    client.send(&site, &call("0", "Ask", "[\"\"]")).await;
    let id = question(&client.next(&site).await);
    client
        .send(&site, &completion(&id, ",\"error\":\"I do not know.\""))
        .await;
    let error = ",\"error\":\"An unexpected error occurred invoking 'Ask' on the server. HubException: I do not know.\"";
    assert_eq!(client.next(&site).await, said(completion("0", error)));
}

#[tokio::test]
async fn an_answer_of_another_type_fails_and_one_without_value_is_null() {
    let (site, mut client) = on_stage(asking(), HubOptions::default()).await;
    let connection = site.only();
    for (answer, expected) in [
        (",\"result\":\"x\"", Err(ClientCallError::Unreadable)),
        ("", Ok(None)),
        (",\"result\":null", Ok(None)),
        (",\"result\":7", Ok(Some(7))),
    ] {
        let result = async {
            let id = question(&client.next(&site).await);
            client.send(&site, &completion(&id, answer)).await;
        };
        let question = connection.call_client::<Option<i32>>("Result", ());
        assert_eq!(tokio::join!(question, result).0, expected);
    }
}

#[tokio::test]
async fn ids_are_unique_across_connections_and_questions() {
    let site = Site::serving(asking(), HubOptions::default());
    let mut ids = std::collections::HashSet::new();
    for kind in ALL {
        let mut client = Client::join(&site, kind).await;
        client.send(&site, &call("0", "Ask", "[\"\"]")).await;
        client.send(&site, &call("1", "Ask", "[\"\"]")).await;
        for _ in 0..2 {
            assert!(ids.insert(question(&client.next(&site).await)));
        }
    }
}

#[tokio::test]
async fn a_pending_question_does_not_hold_the_invocation_slot() {
    let (site, mut client) = on_stage(asking(), HubOptions::default()).await;
    client.send(&site, &call("0", "Ask", "[\"\"]")).await;
    let id = question(&client.next(&site).await);
    // The answer is behind another call in the input: with the slot held neither could go on.
    let both = call("1", "Echo", "[1]") + &completion(&id, ",\"result\":2");
    client.send(&site, &both).await;
    assert_eq!(
        client.next(&site).await,
        said(completion("1", ",\"result\":1"))
    );
    assert_eq!(
        client.next(&site).await,
        said(completion("0", ",\"result\":2"))
    );
}

#[tokio::test]
async fn a_completion_from_another_connection_is_ignored() {
    let site = Site::serving(asking(), HubOptions::default());
    let mut asker = Client::join(&site, ALL[0]).await;
    let mut other = Client::join(&site, ALL[1]).await;
    asker.send(&site, &call("0", "Ask", "[\"\"]")).await;
    let id = question(&asker.next(&site).await);
    other.send(&site, &completion(&id, ",\"result\":666")).await;
    other.send(&site, &call("e", "Echo", "[1]")).await;
    other.next(&site).await;
    asker.send(&site, &completion(&id, ",\"result\":1")).await;
    assert_eq!(
        asker.next(&site).await,
        said(completion("0", ",\"result\":1"))
    );
}

#[tokio::test]
async fn one_client_may_ask_another() {
    let site = Site::serving(asking(), HubOptions::default());
    let mut asked = Client::join(&site, ALL[0]).await;
    let id = site.only().id().to_owned();
    let mut curious = Client::join(&site, ALL[2]).await;
    curious
        .send(&site, &call("0", "AskOther", &format!("[\"{id}\"]")))
        .await;
    let question = question(&asked.next(&site).await);
    asked
        .send(&site, &completion(&question, ",\"result\":5"))
        .await;
    assert_eq!(
        curious.next(&site).await,
        said(completion("0", ",\"result\":5"))
    );
}

#[tokio::test(start_paused = true)]
async fn disconnect_fails_the_wait() {
    let (site, client) = on_stage(asking(), HubOptions::default()).await;
    let connection = site.only();
    let question = connection.call_client::<i32>("Result", ());
    let leave = async {
        settle().await;
        drop(client);
    };
    let (answer, ()) = tokio::join!(question, leave);
    assert_eq!(answer, Err(ClientCallError::Disconnected));
    assert_eq!(
        connection.call_client::<i32>("Result", ()).await,
        Err(ClientCallError::NotServing)
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_for_a_lost_client_ends_with_the_connection() {
    let (site, mut client) = on_stage(asking(), HubOptions::default()).await;
    client.send(&site, &call("0", "Ask", "[\"\"]")).await;
    question(&client.next(&site).await);
    let start = tokio::time::Instant::now();
    drop(client);
    while site.server.count() > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "it is not waited for"
    );
}

#[tokio::test(start_paused = true)]
async fn the_client_timeout_runs_while_the_client_is_asked() {
    let (site, mut client) = on_stage(asking(), HubOptions::default()).await;
    client
        .send(
            &site,
            &("{\"type\":6}\u{1e}".to_owned() + &call("0", "Ask", "[\"\"]")),
        )
        .await;
    question(&client.next(&site).await);
    let start = tokio::time::Instant::now();
    assert_eq!(
        client.next_said(&site).await,
        "{\"type\":7,\"allowReconnect\":true}"
    );
    assert_eq!(start.elapsed().as_secs(), 30);
}

#[tokio::test]
async fn a_dropped_question_is_abandoned_and_its_late_answer_ignored() {
    let (site, mut client) = on_stage(asking(), HubOptions::default()).await;
    let connection = site.only();
    let question_ = connection.call_client::<i32>("Result", ());
    let gone = tokio::time::timeout(Duration::from_millis(1), question_).await;
    assert!(gone.is_err());
    assert_eq!(connection.open_questions(), 0);
    let id = question(&client.next(&site).await);
    let late = completion(&id, ",\"result\":1") + &call("e", "Echo", "[1]");
    client.send(&site, &late).await;
    assert_eq!(
        client.next(&site).await,
        said(completion("e", ",\"result\":1"))
    );
}

#[tokio::test]
async fn questions_are_refused_inside_connected_and_disconnected() {
    let refused = Arc::new(Mutex::new(Vec::new()));
    let ask = |me: Me, refused: Arc<Mutex<Vec<ClientCallError>>>| async move {
        let answer = me.call_client::<i32>("Result", ()).await;
        refused.lock().unwrap().extend(answer.err());
    };
    let hub = {
        let (first, last) = (Arc::clone(&refused), Arc::clone(&refused));
        methods()
            .on_connected(move |me: Me| ask(me, Arc::clone(&first)))
            .on_disconnected(move |me: Me| ask(me, Arc::clone(&last)))
    };
    let (site, mut client) = on_stage(hub, HubOptions::default()).await;
    client.send(&site, "{\"type\":7}\u{1e}").await;
    assert_eq!(client.try_next(&site).await, None);
    while site.server.count() > 0 {
        settle().await;
    }
    let refused = refused.lock().unwrap();
    assert_eq!(
        *refused,
        [ClientCallError::NotServing, ClientCallError::NotServing]
    );
}

/// For answers that nobody waits for: no future, no place in a table of the server's.
#[tokio::test]
async fn a_completion_under_an_id_of_the_hubs_own_is_its_business() {
    for kind in ALL {
        let mut site = Site::new();
        let mut client = Client::connect(&mut site, kind).await;
        let connection = site.only();
        let ask = Message::Invocation(Invocation {
            id: Some("own-1".to_owned()),
            target: "Result".to_owned(),
            arguments: Vec::new(),
            stream_ids: Vec::new(),
        });
        let frame = connection.protocol().encode(&ask);
        connection.try_send(frame).unwrap();
        assert_eq!(question(&client.next_said(&site).await), "own-1");
        // While a call holds the place, and others wait behind it.
        client.send(&site, &call("0", "Wait", "[]")).await;
        client.send(&site, &call("1", "Echo", "[1]")).await;
        for (rest, outcome) in [
            (",\"result\":7", Outcome::Value(Payload::of(&7).unwrap())),
            (",\"result\":null", Outcome::Value(Payload::null())),
            ("", Outcome::Void),
            (",\"error\":\"No.\"", Outcome::Error("No.".to_owned())),
        ] {
            // An id that is not the hub's ends an upload, here of none.
            client.send(&site, &completion("own", rest)).await;
            client.send(&site, &completion("own-1", rest)).await;
            let heard = site
                .event_like(|event| matches!(event, Event::Completed(..)))
                .await;
            assert_eq!(heard, Event::Completed("own-1".to_owned(), outcome));
        }
        assert_eq!(connection.open_questions(), 0);
        site.server.hub().gate.notify_one();
    }
}
