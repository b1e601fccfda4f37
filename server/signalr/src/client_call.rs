//! Calls in the other direction: the server asks one client and waits for its answer.

use std::fmt::Write;

use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;

use crate::{
    Connection, HubError, IntoArguments, SendError,
    protocol::{Invocation, Message, Outcome, Payload},
    session::lent,
};

/// Why a client's answer did not come.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientCallError {
    /// The client's method failed, or the client has none that returns a value; its own words.
    #[error("{0}")]
    Refused(String),
    /// Nothing is read from the client: [`Hub::connected`](crate::Hub::connected) has not returned
    /// yet, or the connection is ending. Waiting would never end.
    #[error("client results are not available while a connection begins or ends")]
    NotServing,
    /// The question could not be queued.
    #[error(transparent)]
    NotSent(#[from] SendError),
    /// The connection ended before the answer came.
    #[error("the connection ended before the client answered")]
    Disconnected,
    /// The answer is of another type.
    #[error("the client's answer has an unexpected type")]
    Unreadable,
}

impl From<ClientCallError> for HubError {
    /// The caller of the method that asked reads the client's own words.
    fn from(error: ClientCallError) -> Self {
        Self::new(error.to_string())
    }
}

impl<P> Connection<P> {
    /// Calls a method of this client and waits for what it returns.
    ///
    /// Dropping the future abandons the question: a late answer is ignored. There is no time limit
    /// of its own; put one around it. Inside an ordinary call the next call of the calling client may
    /// start meanwhile, and this one goes on when it is its turn again.
    ///
    /// Each question has an id of its own that no other server uses (the connection's id and a
    /// number), so that answers can be routed in a cluster.
    pub async fn call_client<R: DeserializeOwned>(
        &self,
        method: &str,
        arguments: impl IntoArguments,
    ) -> Result<R, ClientCallError> {
        let arguments = arguments.into_payloads().map_err(|_| SendError::Encoding)?;
        let (number, answer) = self.answers.expect()?;
        let _forget = Forget(&self.answers, number);
        let mut id = String::with_capacity(self.id().len() + 4);
        let _never_fails = write!(id, "{}.{number}", self.id());
        let question = Message::Invocation(Invocation {
            id: Some(id),
            target: method.to_owned(),
            arguments,
            stream_ids: Vec::new(),
        });
        self.try_send(self.protocol().encode(&question))?;
        let outcome = lent(answer).await;
        let value = match outcome.map_err(|_| ClientCallError::Disconnected)? {
            Outcome::Error(error) => return Err(ClientCallError::Refused(error)),
            Outcome::Void => Payload::null(),
            Outcome::Value(value) => value,
        };
        value.read().map_err(|_| ClientCallError::Unreadable)
    }
}

/// The answers that are waited for.
#[derive(Debug, Default)]
pub(crate) struct Answers(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The client's messages are being read.
    serving: bool,
    asked: u64,
    open: Vec<(u64, oneshot::Sender<Outcome>)>,
}

impl Answers {
    /// From here on the client's answers are read.
    pub(crate) fn serve(&self) {
        self.0.lock().serving = true;
    }

    /// No answer will come any more.
    pub(crate) fn close(&self) {
        let mut state = self.0.lock();
        state.serving = false;
        // Dropping the senders fails the waits.
        state.open = Vec::new();
    }

    fn expect(&self) -> Result<(u64, oneshot::Receiver<Outcome>), ClientCallError> {
        let mut state = self.0.lock();
        if !state.serving {
            return Err(ClientCallError::NotServing);
        }
        state.asked += 1;
        let (sender, receiver) = oneshot::channel();
        let number = state.asked;
        state.open.push((number, sender));
        Ok((number, receiver))
    }

    /// Gives the outcome back if this answers no open question.
    pub(crate) fn complete(
        &self,
        connection: &str,
        id: &str,
        outcome: Outcome,
    ) -> Result<(), Outcome> {
        let number = id
            .strip_prefix(connection)
            .and_then(|rest| rest.strip_prefix('.'))
            .and_then(|number| number.parse::<u64>().ok());
        let mut state = self.0.lock();
        let index = state
            .open
            .iter()
            .position(|(open, _)| Some(*open) == number);
        let Some(index) = index else {
            return Err(outcome);
        };
        let (_, sender) = state.open.swap_remove(index);
        let _nobody_waits = sender.send(outcome);
        Ok(())
    }

    pub(crate) fn open(&self) -> usize {
        self.0.lock().open.len()
    }
}

/// Forgets a question that is answered, failed or given up.
struct Forget<'a>(&'a Answers, u64);

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        let mut state = self.0.0.lock();
        state.open.retain(|(open, _)| *open != self.1);
        if state.open.is_empty() {
            state.open = Vec::new();
        }
    }
}
