//! Attempts, losses and signs of life.

use super::*;

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
fn the_hub_is_told_whether_the_tab_is_in_front() {
    let said = |effects: &[Effect]| -> Vec<Value> {
        let calls = calls(effects).into_iter();
        calls
            .filter(|(method, ..)| method == "SetAppState")
            .map(|(_, arguments, _)| arguments)
            .collect()
    };
    let mut play = Play::live();
    assert_eq!(said(&play.on(Event::Hidden)), [json!(["background"])]);
    assert_eq!(said(&play.on(Event::Hidden)), Vec::<Value>::new());
    assert_eq!(said(&play.on(Event::Visible)), [json!(["active"])]);
    play.close(Failure::Transient);
    assert_eq!(said(&play.on(Event::Hidden)), Vec::<Value>::new());
    // Each connection begins in front.
    play.on(Event::Timer(Timer::Retry));
    assert_eq!(said(&play.connect(WebSockets)), [json!(["background"])]);
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

#[test]
fn pings_ride_on_incoming_data_where_timers_are_throttled() {
    let mut play = Play::live();
    let ping = "{\"type\":6}\u{1e}";
    let effects = play.after(9_000, Event::Received(play.engine.attempt, ping.into()));
    assert_eq!(sent(&effects), "");
    let effects = play.after(6_000, Event::Received(play.engine.attempt, ping.into()));
    assert_eq!(sent(&effects), ping);
}
