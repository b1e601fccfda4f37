//! Stateful reconnect, cut at every byte of a recorded exchange: nothing lost, nothing doubled.

use std::{sync::atomic::Ordering, time::Duration};

use signalr::HubOptions;

use crate::support::{Budget, Event, Site, Stateful, call};

const ROUNDS: u64 = 4;

fn push(round: u64) -> String {
    format!("{{\"type\":1,\"target\":\"push\",\"arguments\":[{round}]}}\u{1e}")
}

/// What the client's link does after so many bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Breaks,
    /// The old socket stays open, and the next one takes over from it.
    GoesSilent,
}

/// What came of an exchange.
struct Passed {
    /// Bytes, if the budget was not spent.
    down: usize,
    up: usize,
    /// How often the connection was continued.
    resumed: usize,
}

/// One exchange over a faulty socket.
async fn exchange(fault: Fault, down: usize, up: usize) -> Passed {
    let mut site = Site::with(HubOptions {
        stateful_reconnect: true,
        ..HubOptions::default()
    });
    let budget = Budget {
        silent: fault == Fault::GoesSilent,
        ..Budget::unlimited()
    };
    let mut client = Stateful::start_over(&mut site, 2, budget).await;
    let mut old = Vec::new();
    let connection = site.only();
    let budget = client.budget.clone();
    budget.set(down, up);

    let mut heard = Vec::new();
    for round in 0..ROUNDS {
        client
            .say(&call(&round.to_string(), &format!("n{round}"), "[]"))
            .await;
        client.mention("{\"type\":6}\u{1e}").await;
        connection.try_send(push(round).into()).unwrap();
        if round == 2 {
            // Time for the server's ack.
            tokio::time::sleep(Duration::from_millis(1100)).await;
        }
        while heard.len() < 2 * usize::try_from(round + 1).unwrap() {
            if let Some(text) = client.hear().await {
                heard.push(text);
            } else {
                budget.set(usize::MAX, usize::MAX);
                old.push(client.open(&site).await.unwrap());
                client.go_on().await;
            }
        }
        if round == 1 {
            client.ack().await;
        }
    }
    // A loss after the last answer: what the client said must still have arrived.
    if client.socket.is_none() {
        budget.set(usize::MAX, usize::MAX);
        client.resume(&site).await.unwrap();
    }
    let mut passed = Passed {
        down: usize::MAX - budget.down.load(Ordering::Relaxed),
        up: usize::MAX - budget.up.load(Ordering::Relaxed),
        resumed: 0,
    };

    // Answers and pushes mix, but each kind is in order and once.
    let of = |kind: &str| {
        let all = heard.iter().filter(|text| text.contains(kind));
        all.cloned().collect::<Vec<_>>()
    };
    let pushes = (0..ROUNDS).map(|round| push(round).trim_end_matches('\u{1e}').to_owned());
    assert_eq!(of("\"type\":1,"), pushes.collect::<Vec<_>>(), "{down} {up}");
    let answers = of("\"type\":3,");
    assert_eq!(answers.len(), usize::try_from(ROUNDS).unwrap());
    for (round, answer) in answers.iter().enumerate() {
        let id = format!("\"invocationId\":\"{round}\"");
        assert!(answer.contains(&id), "{down} {up}: {answer}");
    }
    let mut called = Vec::new();
    while let Ok(event) = site.events.try_recv() {
        match event {
            Event::Called(target) => called.push(target),
            Event::Resumed(_) => passed.resumed += 1,
            Event::Disconnected(reason) => panic!("{down} {up}: {reason:?}"),
            _ => {}
        }
    }
    let expected = (0..ROUNDS).map(|round| format!("n{round}"));
    assert_eq!(called, expected.collect::<Vec<_>>(), "{down} {up}");
    assert_eq!(site.server.count(), 1, "one and the same connection");
    passed
}

#[tokio::test(start_paused = true)]
async fn cut_at_every_byte_nothing_is_lost_or_doubled() {
    everywhere(Fault::Breaks).await;
}

#[tokio::test(start_paused = true)]
async fn silent_from_every_byte_on_nothing_is_lost_or_doubled() {
    everywhere(Fault::GoesSilent).await;
}

async fn everywhere(fault: Fault) {
    let most = usize::MAX;
    let Passed { down, up, .. } = exchange(fault, most, most).await;
    assert!(down > 500 && up > 300, "{down} {up}");
    let mut resumed = 0;
    for cut in 0..=down {
        resumed += exchange(fault, cut, most).await.resumed;
    }
    for cut in 0..=up {
        resumed += exchange(fault, most, cut).await.resumed;
    }
    // Both at once, on the diagonal.
    for cut in 0..=up {
        resumed += exchange(fault, cut * down / up, cut).await.resumed;
    }
    // But for cuts after the last answer, each was noticed.
    assert!(resumed > (down + 2 * up) * 9 / 10, "{resumed}");
}
