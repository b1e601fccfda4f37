//! Notifications, topics and calls.

use super::*;

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
fn the_database_is_a_topic_nobody_joins() {
    let mut play = Play::live();
    let away = |since: Value| json!({"topic": "database", "from": 0, "rev": 0, "counts": {"since": since}});
    let effects = play.invoke("Patch", &away(json!(1_700_000_000_123_i64)));
    assert_eq!(effects, [Effect::Stalled(Some(Moment(1_700_000_000_123)))]);
    let effects = play.invoke("Patch", &away(Value::Null));
    assert_eq!(effects, [Effect::Stalled(None)]);
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
