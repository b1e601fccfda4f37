//! The hub under test.

use std::borrow::Cow;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use signalr::{
    Call, Connection, Hub, HubError, Reply, Resumed, WriteMark,
    protocol::{Outcome, Payload},
};
use tokio::sync::{Notify, mpsc};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User(pub(crate) String);

impl signalr::Identity for User {
    fn is_same(&self, later: &Self) -> bool {
        self == later
    }

    fn user_key(&self) -> Option<Cow<'_, str>> {
        Some((&*self.0).into())
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    Connected,
    Disconnected(Option<String>),
    Evidence(u64),
    Writable,
    SeenAgain,
    Called(String),
    Resumed(u64),
    /// Of an invocation under an id of the hub's own.
    Completed(String, Outcome),
}

pub(crate) struct TestHub {
    events: mpsc::Sender<Event>,
    /// Lets one waiting `Wait` or `Later` go on.
    pub(crate) gate: Arc<Notify>,
    /// A hook panics.
    pub(crate) broken: AtomicBool,
}

impl TestHub {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Event>) {
        let (events, receiver) = mpsc::channel(10_000);
        (
            Self {
                events,
                gate: Arc::default(),
                broken: AtomicBool::new(false),
            },
            receiver,
        )
    }

    fn note(&self, event: Event) {
        self.events.try_send(event).unwrap();
    }
}

type Conn = Arc<Connection<User>>;

impl Hub for TestHub {
    type Principal = User;

    fn same_identity(first: &User, later: &User) -> bool {
        first == later
    }

    fn user_key(principal: &User) -> Option<Cow<'_, str>> {
        Some((&*principal.0).into())
    }

    async fn connected(&self, connection: &Conn) -> Result<(), HubError> {
        if connection.query("refuse").is_some() {
            return Err(HubError::new("Not today."));
        }
        assert!(connection.query("panic").is_none(), "on purpose");
        self.note(Event::Connected);
        Ok(())
    }

    async fn invoke(&self, connection: &Conn, call: Call) -> Reply {
        self.note(Event::Called(call.target.clone()));
        match call.target.as_str() {
            "Echo" => match call.bind::<(serde_json::Value,)>() {
                Ok((value,)) => Reply::value(&value),
                Err(error) => error.into(),
            },
            "Nothing" => Reply::done(),
            "Id" => Reply::value(connection.id()),
            "Query" => Reply::value(&connection.query("device")),
            "Fail" => HubError::internal("InvalidOperationException", "secret detail").into(),
            "Panic" => panic!("on purpose"),
            "Leave" => {
                connection.close(None, false);
                Reply::done()
            }
            "Wait" => {
                self.gate.notified().await;
                Reply::done()
            }
            "Later" => {
                let gate = Arc::clone(&self.gate);
                Reply::Later(Box::pin(async move {
                    gate.notified().await;
                    Ok(Payload::of("late").unwrap())
                }))
            }
            _ => HubError::unknown_method().into(),
        }
    }

    async fn disconnected(&self, connection: &Conn, reason: Option<&str>) {
        assert!(connection.is_closed());
        self.note(Event::Disconnected(reason.map(str::to_owned)));
    }

    fn evidence(&self, _: &Conn, through: WriteMark) {
        self.note(Event::Evidence(through.0));
    }

    fn writable(&self, _: &Conn) {
        assert!(!self.broken.load(Ordering::Relaxed), "on purpose");
        self.note(Event::Writable);
    }

    fn resumed(&self, _: &Conn, how: Resumed) {
        self.note(Event::Resumed(how.replayed));
    }

    fn completed(&self, _: &Conn, id: &str, outcome: Outcome) -> Result<(), Outcome> {
        if !id.starts_with("own-") {
            return Err(outcome);
        }
        assert!(!self.broken.load(Ordering::Relaxed), "on purpose");
        self.note(Event::Completed(id.to_owned(), outcome));
        Ok(())
    }

    fn seen_again(&self, _: &Conn, _: &User) {
        self.note(Event::SeenAgain);
    }
}
