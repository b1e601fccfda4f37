//! The whole client against a scripted browser and hub.

mod connecting;
mod messages;

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
                ("/hubs/w?device=web-1&backlog=all&id=secret", "t")
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

fn answer(id: &str, result: &str) -> String {
    format!("{{\"type\":3,\"invocationId\":\"{id}\",\"result\":{result}}}\u{1e}")
}
