//! The whole client against a scripted browser and hub.

use serde_json::json;
use signalr::protocol::{NegotiateResponse, TransportKind};

use super::*;

use TransportKind::{LongPolling, ServerSentEvents, WebSockets};

struct Play {
    engine: Engine,
    now: i64,
}

impl Play {
    fn new(cursor: Option<&str>) -> Self {
        Self {
            engine: Engine::new("web-1".into(), cursor),
            now: 1_000_000,
        }
    }

    fn live() -> Self {
        let mut play = Self::new(None);
        play.on(Event::Start);
        play.connect(WebSockets);
        play
    }

    fn on(&mut self, event: Event) -> Vec<Effect> {
        self.engine.on(event, self.now, 0.5)
    }

    fn after(&mut self, ms: i64, event: Event) -> Vec<Effect> {
        self.now += ms;
        self.on(event)
    }

    fn token(&mut self) -> Vec<Effect> {
        let token = HubToken {
            hub: "/hubs/w".into(),
            token: "t".into(),
            expires_in_s: 300,
        };
        self.on(Event::Token(self.engine.attempt, Ok(token)))
    }

    fn negotiated(&mut self) -> Vec<Effect> {
        let all = [WebSockets, ServerSentEvents, LongPolling];
        let offer = NegotiateResponse {
            connection_token: Some("secret".into()),
            available_transports: all.into_iter().map(Into::into).collect(),
            ..NegotiateResponse::default()
        };
        self.on(Event::Negotiated(self.engine.attempt, Ok(offer)))
    }

    /// From a begun attempt to live; gives the effects of the handshake's answer.
    fn connect(&mut self, expected: TransportKind) -> Vec<Effect> {
        if self.engine.state == State::Authorizing {
            self.token();
        }
        let effects = self.negotiated();
        assert_eq!(opened(&effects), Some(expected));
        let hello = self.on(Event::Opened(self.engine.attempt));
        assert_eq!(sent(&hello), "{\"protocol\":\"json\",\"version\":1}\u{1e}");
        self.receive("{}\u{1e}")
    }

    fn receive(&mut self, text: &str) -> Vec<Effect> {
        self.on(Event::Received(self.engine.attempt, text.to_owned()))
    }

    fn invoke(&mut self, target: &str, argument: &Value) -> Vec<Effect> {
        let call = json!({"type": 1, "target": target, "arguments": [argument]});
        self.receive(&format!("{call}\u{1e}"))
    }

    fn item(&mut self, seq: i64) -> Vec<Effect> {
        self.invoke(
            "Approved",
            &json!({"notificationId": format!("n{seq}"), "seq": seq}),
        )
    }

    fn greeting(&mut self, cursor: &str) {
        let greeting = json!({"user": "u", "device": "web-1", "cursor": cursor, "version": 1});
        self.invoke("Greeting", &greeting);
    }

    fn close(&mut self, why: Failure) -> Vec<Effect> {
        self.on(Event::Closed(self.engine.attempt, why))
    }
}

fn opened(effects: &[Effect]) -> Option<TransportKind> {
    effects.iter().find_map(|effect| match effect {
        Effect::Open(_, kind, url, token) => {
            assert_eq!(
                (url.as_str(), token.as_str()),
                ("/hubs/w?device=web-1&id=secret", "t")
            );
            Some(*kind)
        }
        _ => None,
    })
}

fn sent(effects: &[Effect]) -> String {
    let texts = effects.iter().filter_map(|effect| match effect {
        Effect::Send(text) => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}

/// The calls in what was sent: method and arguments, and the id if an answer is wanted.
fn calls(effects: &[Effect]) -> Vec<(String, Value, Option<String>)> {
    let text = sent(effects);
    let messages = text.split_terminator('\u{1e}');
    let messages = messages.map(|text| serde_json::from_str::<Value>(text).unwrap());
    let calls = messages.filter(|message| message["type"] == 1);
    calls
        .map(|call| {
            let id = call["invocationId"].as_str().map(str::to_owned);
            (
                call["target"].as_str().unwrap().to_owned(),
                call["arguments"].clone(),
                id,
            )
        })
        .collect()
}

fn delay(effects: &[Effect], timer: Timer) -> Option<u32> {
    effects.iter().rev().find_map(|effect| match effect {
        Effect::Set(set, ms) if *set == timer => Some(*ms),
        _ => None,
    })
}

fn statuses(effects: &[Effect]) -> Vec<Status> {
    let all = effects.iter();
    all.filter_map(|e| {
        if let Effect::Status(status) = e {
            Some(*status)
        } else {
            None
        }
    })
    .collect()
}

fn shown(effects: &[Effect]) -> Vec<i64> {
    let all = effects.iter();
    all.filter_map(|e| {
        if let Effect::Notify(value) = e {
            value["seq"].as_i64()
        } else {
            None
        }
    })
    .collect()
}

#[test]
fn from_start_to_live() {
    let mut play = Play::new(None);
    let effects = play.on(Event::Start);
    assert_eq!(statuses(&effects), [Status::Connecting]);
    assert!(effects.contains(&Effect::FetchToken(1)));
    let url = "/hubs/w/negotiate?device=web-1&negotiateVersion=1";
    assert!(
        play.token()
            .contains(&Effect::Negotiate(1, url.into(), "t".into()))
    );
    let effects = play.connect(WebSockets);
    assert_eq!(statuses(&effects), [Status::Live]);
    assert!(!effects.contains(&Effect::Reconnected));
    assert_eq!(sent(&effects), "{\"type\":6}\u{1e}");
    assert_eq!(delay(&effects, Timer::Ping), Some(15_000));
}

#[test]
fn each_transport_is_tried_on_a_negotiation_of_its_own() {
    let mut play = Play::new(None);
    play.on(Event::Start);
    play.token();
    assert_eq!(opened(&play.negotiated()), Some(WebSockets));
    let effects = play.close(Failure::Transient);
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::Negotiate(..)))
    );
    assert_eq!(opened(&play.negotiated()), Some(ServerSentEvents));
    // Opened, but a proxy holds the stream back: the handshake is never answered.
    play.on(Event::Opened(play.engine.attempt));
    play.after(15_000, Event::Timer(Timer::Step));
    let effects = play.connect(LongPolling);
    assert_eq!(
        delay(&effects, Timer::Ping),
        None,
        "long polling needs no pings"
    );
    // The next time it does not wait for the other two again.
    play.after(
        60_000,
        Event::Closed(play.engine.attempt, Failure::Transient),
    );
    play.after(300, Event::Timer(Timer::Retry));
    play.connect(LongPolling);
}

#[test]
fn when_no_transport_works_it_waits_and_starts_over() {
    let mut play = Play::new(None);
    play.on(Event::Start);
    play.token();
    for kind in [WebSockets, ServerSentEvents, LongPolling] {
        assert_eq!(opened(&play.negotiated()), Some(kind));
        play.close(Failure::Transient);
    }
    let effects = play.negotiated();
    assert_eq!(delay(&effects, Timer::Retry), Some(150));
    assert_eq!(statuses(&effects), []);
    play.after(150, Event::Timer(Timer::Retry));
    assert_eq!(opened(&play.negotiated()), Some(WebSockets));
}

#[test]
fn what_belongs_to_an_abandoned_attempt_is_dropped() {
    let mut play = Play::live();
    let old = play.engine.attempt;
    play.close(Failure::Transient);
    for event in [
        Event::Closed(old, Failure::Transient),
        Event::Opened(old),
        Event::Received(old, "{\"type\":7}\u{1e}".into()),
        Event::Token(old, Err(Failure::Unauthorized)),
        Event::Negotiated(old, Err(Failure::Forbidden)),
    ] {
        assert_eq!(play.on(event), []);
    }
}

#[test]
fn a_drop_is_told_at_once_and_retried_for_ever_with_growing_delays() {
    let mut play = Play::live();
    let effects = play.after(
        20_000,
        Event::Closed(play.engine.attempt, Failure::Transient),
    );
    let since_ms = play.now;
    assert_eq!(statuses(&effects), [Status::Reconnecting { since_ms }]);
    assert_eq!(play.engine.retry_at(), Some(play.now + 150));
    let mut delays = Vec::new();
    for _ in 0..40 {
        play.after(20_000, Event::Timer(Timer::Retry));
        if play.engine.state == State::Authorizing {
            play.token();
        }
        let effects = play.on(Event::Negotiated(
            play.engine.attempt,
            Err(Failure::Transient),
        ));
        assert_eq!(statuses(&effects), []);
        delays.push(delay(&effects, Timer::Retry).unwrap());
    }
    assert_eq!(delays[..3], [300, 600, 1_200]);
    assert_eq!(delays[39], 10_000);
    play.after(10_000, Event::Timer(Timer::Retry));
    let effects = play.connect(WebSockets);
    assert_eq!(statuses(&effects), [Status::Live]);
    assert!(effects.contains(&Effect::Reconnected));
}

#[test]
fn a_server_that_accepts_and_drops_does_not_cause_a_busy_loop() {
    let mut play = Play::live();
    for expected in [150, 300, 600, 1_200] {
        let effects = play.close(Failure::Transient);
        assert_eq!(delay(&effects, Timer::Retry), Some(expected));
        play.on(Event::Timer(Timer::Retry));
        play.connect(WebSockets);
    }
}

#[test]
fn an_expired_token_is_replaced_and_a_refused_fresh_one_means_signed_out() {
    let mut play = Play::live();
    play.close(Failure::Transient);
    let effects = play.after(1_000, Event::RetryNow);
    assert!(
        !effects
            .iter()
            .any(|effect| matches!(effect, Effect::FetchToken(_))),
        "still good"
    );
    let refused = |play: &Play| Event::Negotiated(play.engine.attempt, Err(Failure::Unauthorized));
    let event = refused(&play);
    let effects = play.on(event);
    assert!(effects.contains(&Effect::FetchToken(play.engine.attempt)));
    play.token();
    let event = refused(&play);
    let effects = play.on(event);
    assert!(effects.contains(&Effect::Ended(Ended::SignedOut)));
    let since_ms = play.now - 1_000;
    assert_eq!(statuses(&effects), [Status::Offline { since_ms }]);
    for event in [Event::Online, Event::Visible, Event::Timer(Timer::Retry)] {
        assert!(play.on(event).is_empty(), "only a person starts it again");
    }
    let effects = play.on(Event::RetryNow);
    assert_eq!(statuses(&effects), [Status::Reconnecting { since_ms }]);
    assert!(effects.contains(&Effect::FetchToken(play.engine.attempt)));
}

#[test]
fn no_session_ends_it_and_a_foreign_hub_gets_no_token() {
    let mut play = Play::new(None);
    play.on(Event::Start);
    let effects = play.on(Event::Token(1, Err(Failure::Unauthorized)));
    assert!(effects.contains(&Effect::Ended(Ended::SignedOut)));
    let mut play = Play::new(None);
    play.on(Event::Start);
    let hub = "https://elsewhere/hub".to_owned();
    let token = HubToken {
        hub,
        token: "t".into(),
        expires_in_s: 300,
    };
    let effects = play.on(Event::Token(1, Ok(token)));
    assert!(delay(&effects, Timer::Retry).is_some());
    let mut play = Play::new(None);
    play.on(Event::Start);
    play.token();
    let url = Some("https://elsewhere/hub".to_owned());
    let offer = NegotiateResponse {
        url,
        ..NegotiateResponse::default()
    };
    let effects = play.on(Event::Negotiated(1, Ok(offer)));
    assert!(delay(&effects, Timer::Retry).is_some());
}

#[test]
fn losing_the_network_shows_at_once_and_finding_it_reconnects_at_once() {
    let mut play = Play::live();
    let effects = play.after(5_000, Event::Offline);
    let since_ms = play.now;
    assert_eq!(statuses(&effects), [Status::Offline { since_ms }]);
    assert!(effects.contains(&Effect::Shut));
    assert_eq!(
        delay(&effects, Timer::Retry),
        Some(15_000),
        "the browser may be wrong"
    );
    let effects = play.after(2_000, Event::Online);
    assert_eq!(statuses(&effects), [Status::Reconnecting { since_ms }]);
    let effects = play.connect(WebSockets);
    assert!(effects.contains(&Effect::Reconnected));
}

#[test]
fn the_tab_coming_to_the_front_ends_the_wait() {
    let mut play = Play::live();
    play.close(Failure::Transient);
    play.on(Event::Visible);
    play.connect(WebSockets);
    assert_eq!(
        play.on(Event::Visible),
        [],
        "nothing to do while live and heard of"
    );
}

#[test]
fn close_messages() {
    let mut play = Play::live();
    let effects = play.receive("{\"type\":7,\"allowReconnect\":true}\u{1e}");
    assert!(delay(&effects, Timer::Retry).is_some());
    let mut play = Play::live();
    let effects = play.receive("{\"type\":7}\u{1e}{\"type\":6}\u{1e}");
    assert!(effects.contains(&Effect::Ended(Ended::Closed { reason: None })));
    assert_eq!(delay(&effects, Timer::Retry), None);
    let mut play = Play::live();
    let effects = play.receive("{\"type\":7,\"error\":\"no database\"}\u{1e}");
    assert!(
        delay(&effects, Timer::Retry).is_some(),
        "it was never accepted"
    );
    let mut play = Play::live();
    play.now += 60_000;
    let effects = play.receive("{\"type\":7,\"error\":\"disconnected by an admin\"}\u{1e}");
    let reason = Some("disconnected by an admin".to_owned());
    assert!(effects.contains(&Effect::Ended(Ended::Closed { reason })));
}

#[test]
fn a_silent_server_is_left_but_a_sleeping_tab_asks_first() {
    let mut play = Play::live();
    play.after(
        20_000,
        Event::Received(play.engine.attempt, "{\"type\":6}\u{1e}".into()),
    );
    let effects = play.after(10_000, Event::Timer(Timer::Watch));
    assert_eq!(delay(&effects, Timer::Watch), Some(20_000));
    let effects = play.after(20_000, Event::Timer(Timer::Watch));
    assert_eq!(statuses(&effects).len(), 1, "30 s of silence");

    let mut play = Play::live();
    let effects = play.after(3_600_000, Event::Timer(Timer::Watch));
    let (_, _, id) = calls(&effects)[0].clone();
    assert_eq!(statuses(&effects), [], "the lid was closed");
    play.after(
        400,
        Event::Received(play.engine.attempt, answer(&id.unwrap(), "0")),
    );
    let effects = play.after(4_600, Event::Timer(Timer::Watch));
    assert_eq!(delay(&effects, Timer::Watch), Some(25_400));
    play.after(20_000, Event::Visible);
    let effects = play.after(5_000, Event::Timer(Timer::Watch));
    assert_eq!(statuses(&effects).len(), 1, "asked, and no answer");
}

fn answer(id: &str, result: &str) -> String {
    format!("{{\"type\":3,\"invocationId\":\"{id}\",\"result\":{result}}}\u{1e}")
}

#[test]
fn pings_ride_on_incoming_data_where_timers_are_throttled() {
    let mut play = Play::live();
    let ping = "{\"type\":6}\u{1e}";
    let effects = play.after(9_000, Event::Received(play.engine.attempt, ping.into()));
    assert_eq!(sent(&effects), "");
    let effects = play.after(6_000, Event::Received(play.engine.attempt, ping.into()));
    assert_eq!(sent(&effects), ping);
}

#[test]
fn an_item_is_shown_once_and_acknowledged_each_time() {
    let mut play = Play::live();
    let effects = play.item(4);
    assert_eq!(shown(&effects), [4]);
    assert_eq!(delay(&effects, Timer::Acks), Some(50));
    assert_eq!(delay(&play.item(5), Timer::Acks), None, "gathered");
    let effects = play.after(50, Event::Timer(Timer::Acks));
    let (method, arguments, _) = calls(&effects)[0].clone();
    assert_eq!(
        (method.as_str(), arguments),
        ("AcknowledgeMany", json!([["n4", "n5"]]))
    );
    // The answer is lost with the connection: both come again and are not shown again.
    play.close(Failure::Transient);
    play.on(Event::RetryNow);
    let effects = play.connect(WebSockets);
    assert_eq!(
        calls(&effects)[0].1,
        json!([["n4", "n5"]]),
        "sent again by itself"
    );
    assert!(shown(&play.item(4)).is_empty());
    assert_eq!(shown(&play.item(6)), [6]);
}

#[test]
fn a_hundred_go_at_once_and_an_uncommitted_batch_is_sent_again() {
    let mut play = Play::live();
    let mut effects = Vec::new();
    for seq in 1..=150 {
        effects.extend(play.item(seq));
    }
    let batch = calls(&effects);
    assert_eq!(batch.len(), 1, "one batch at a time");
    assert_eq!(batch[0].1[0].as_array().unwrap().len(), 100);
    let id = batch[0].2.clone().unwrap();
    let error = format!("{{\"type\":3,\"invocationId\":\"{id}\",\"error\":\"retry\"}}\u{1e}");
    let effects = play.receive(&error);
    assert!(calls(&effects).is_empty());
    assert_eq!(delay(&effects, Timer::Acks), Some(7_500));
    let effects = play.after(7_500, Event::Timer(Timer::Acks));
    assert_eq!(calls(&effects)[0].1[0][0], "n1");
}

#[test]
fn the_cursor_is_kept_once_confirmed_and_resumes_the_next_page() {
    let mut play = Play::live();
    play.greeting("e1:3");
    play.item(4);
    play.item(5);
    let effects = play.after(50, Event::Timer(Timer::Acks));
    let id = calls(&effects)[0].2.clone().unwrap();
    assert!(
        !effects
            .iter()
            .any(|effect| matches!(effect, Effect::SaveCursor(_)))
    );
    let effects = play.receive(&answer(&id, "2"));
    assert!(effects.contains(&Effect::SaveCursor("e1:5".into())));

    let mut play = Play::new(Some("e1:5"));
    play.on(Event::Start);
    let effects = play.connect(WebSockets);
    assert_eq!(
        calls(&effects),
        [("Resume".to_owned(), json!(["e1:5"]), None)]
    );
    play.greeting("e1:5");
    assert!(shown(&play.item(5)).is_empty());
    assert_eq!(shown(&play.item(6)), [6]);
}

#[test]
fn after_a_restore_numbers_start_over() {
    let mut play = Play::new(Some("e1:500"));
    play.on(Event::Start);
    play.connect(WebSockets);
    play.greeting("e2:40");
    assert_eq!(shown(&play.item(41)), [41]);
}

#[test]
fn over_long_polling_a_swallowed_item_is_shown_late() {
    let mut play = Play::new(None);
    play.on(Event::Start);
    play.token();
    for _ in 0..2 {
        play.negotiated();
        play.close(Failure::Transient);
    }
    play.connect(LongPolling);
    play.greeting("e1:0");
    assert_eq!(shown(&play.item(2)), [2]);
    let effects = play.after(50, Event::Timer(Timer::Acks));
    let id = calls(&effects)[0].2.clone().unwrap();
    let effects = play.receive(&answer(&id, "1"));
    assert!(
        !effects
            .iter()
            .any(|effect| matches!(effect, Effect::SaveCursor(_)))
    );
    assert_eq!(shown(&play.item(1)), [1]);
}

#[test]
fn topics_are_joined_again_with_the_newest_revision() {
    let mut play = Play::new(None);
    play.on(Event::Join("inbox".into(), Some(7)));
    play.on(Event::Start);
    let effects = play.connect(WebSockets);
    let (method, arguments, id) = calls(&effects)[0].clone();
    assert_eq!(
        (method.as_str(), arguments),
        ("JoinGroup", json!(["inbox", 7]))
    );
    let effects = play.receive(&answer(&id.unwrap(), "{\"rev\":8}"));
    assert!(effects.contains(&Effect::Joined("inbox".into(), Ok(8))));
    let patch = json!({"topic": "inbox", "from": 8, "rev": 9});
    let effects = play.invoke("Patch", &patch);
    assert!(matches!(&effects[0], Effect::Patch(patch) if patch.rev == 9));
    play.close(Failure::Transient);
    play.on(Event::RetryNow);
    let effects = play.connect(WebSockets);
    assert_eq!(calls(&effects)[0].1, json!(["inbox", 9]));
    let effects = play.on(Event::Leave("inbox".into()));
    assert_eq!(
        calls(&effects),
        [("LeaveGroup".to_owned(), json!(["inbox"]), None)]
    );
    let late = play.invoke("Patch", &json!({"topic": "inbox", "from": 9, "rev": 10}));
    assert_eq!(late, []);
}

#[test]
fn a_refused_join_is_told_and_tried_again_on_the_next_connection() {
    let mut play = Play::live();
    let effects = play.on(Event::Join("attendance".into(), None));
    let (_, arguments, id) = calls(&effects)[0].clone();
    assert_eq!(arguments, json!(["attendance"]));
    let id = id.unwrap();
    let no = format!("{{\"type\":3,\"invocationId\":\"{id}\",\"error\":\"no\"}}\u{1e}");
    let refused = Err(CallError::Refused("no".into()));
    assert!(
        play.receive(&no)
            .contains(&Effect::Joined("attendance".into(), refused))
    );
    play.close(Failure::Transient);
    play.on(Event::RetryNow);
    assert_eq!(calls(&play.connect(WebSockets)).len(), 1);
}

#[test]
fn calls_are_answered_once_bounded_and_never_queued() {
    let mut play = Play::new(None);
    let call = |number| Event::Call(number, "MarkSeen".into(), vec![Payload::null()]);
    let refused = |number, why| vec![Effect::Answer(number, Err(why))];
    assert_eq!(play.on(call(1)), refused(1, CallError::NotConnected));
    let mut play = Play::live();
    let effects = play.on(call(1));
    let id = calls(&effects)[0].2.clone().unwrap();
    let text = answer(&id, "3");
    assert!(
        play.receive(&text)
            .contains(&Effect::Answer(1, Ok(json!(3))))
    );
    assert_eq!(play.receive(&text), []);
    for number in 2..258 {
        assert_eq!(calls(&play.on(call(number))).len(), 1);
    }
    assert_eq!(play.on(call(300)), refused(300, CallError::Busy));
    let effects = play.close(Failure::Transient);
    let lost = effects
        .iter()
        .filter(|effect| matches!(effect, Effect::Answer(_, Err(_))));
    assert_eq!(lost.count(), 256);
}

#[test]
fn withdrawals_reach_the_page_and_results_are_given_to_who_asks() {
    let mut play = Play::live();
    let effects = play.invoke("NotificationWithdrawn", &json!({"ids": ["n4"]}));
    assert!(effects.contains(&Effect::Withdraw(vec!["n4".into()])));
    let ask = |target: &str| {
        let argument = json!({"notificationId": "n9"});
        let arguments = if target == "Nobody" {
            json!([])
        } else {
            json!([argument])
        };
        let call =
            json!({"type": 1, "invocationId": "s1", "target": target, "arguments": arguments});
        format!("{call}\u{1e}")
    };
    let effects = play.receive(&ask("Approved"));
    assert_eq!(sent(&effects), answer("s1", "true"));
    let effects = play.receive(&ask("Nobody"));
    assert!(sent(&effects).contains("\"error\""));
}

#[test]
fn stop_says_goodbye_and_stays_silent() {
    let mut play = Play::live();
    let effects = play.on(Event::Stop);
    assert_eq!(sent(&effects), "{\"type\":7}\u{1e}");
    assert!(effects.contains(&Effect::Shut));
    for event in [
        Event::Online,
        Event::Offline,
        Event::Visible,
        Event::RetryNow,
    ] {
        assert_eq!(play.on(event), []);
    }
}
