//! The hub's connections from anywhere in the process: to reach, to count and to send away.

use std::sync::Arc;

use crate::{
    Connection, IntoArguments, SendError, membership::Joined, protocol::Broadcast,
    registry::Registry,
};

/// All connections of one hub, by id, group and user. A cheap handle: see
/// [`HubServer::clients`](crate::HubServer::clients), and the parameter of the same name of methods.
///
/// ```
/// # use signalr::{Clients, SendError};
/// # fn example(clients: &Clients<()>) -> Result<(), SendError> {
/// clients.all().send("Said", ("ann", "Hello everybody"))?;
/// clients.group("kitchen").except("connection-id").send("Rang", ())?;
/// clients.user("ann").disconnect(Some("Signed out."));
/// assert_eq!(clients.group("kitchen").count(), 0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Clients<P> {
    registry: Arc<Registry<P>>,
}

impl<P> Clone for Clients<P> {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.registry))
    }
}

impl<P> Clients<P> {
    pub(crate) fn new(registry: Arc<Registry<P>>) -> Self {
        Self { registry }
    }

    /// Everybody.
    pub fn all(&self) -> Audience<'_, P> {
        self.audience(Who::All)
    }

    /// Who joined this group.
    pub fn group<'a>(&'a self, name: &'a str) -> Audience<'a, P> {
        self.audience(Who::Group(name))
    }

    /// The connections of one user, by [`Hub::user_key`](crate::Hub::user_key).
    pub fn user<'a>(&'a self, key: &'a str) -> Audience<'a, P> {
        self.audience(Who::User(key))
    }

    /// One connection, by its public id.
    pub fn client<'a>(&'a self, id: &'a str) -> Audience<'a, P> {
        self.audience(Who::Client(id))
    }

    /// The connection with this public id.
    pub fn get(&self, id: &str) -> Option<Arc<Connection<P>>> {
        self.registry.get(id)
    }

    /// All groups with members, and how many each has.
    pub fn groups(&self) -> Vec<(Arc<str>, usize)> {
        self.registry.groups.sizes()
    }

    /// All users who are here, and how many connections each has.
    pub fn users(&self) -> Vec<(Arc<str>, usize)> {
        self.registry.users.sizes()
    }

    fn audience<'a>(&'a self, who: Who<'a>) -> Audience<'a, P> {
        Audience {
            registry: &self.registry,
            who,
            except: None,
        }
    }
}

/// Some of a hub's connections, looked up anew by each method.
#[derive(Debug, Clone, Copy)]
pub struct Audience<'a, P> {
    registry: &'a Registry<P>,
    who: Who<'a>,
    except: Option<&'a str>,
}

#[derive(Debug, Clone, Copy)]
enum Who<'a> {
    All,
    Group(&'a str),
    User(&'a str),
    Client(&'a str),
}

/// What became of one message to many.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Delivery {
    /// So many queues took it.
    pub queued: usize,
    /// So many refused it: full, or about to end.
    pub refused: usize,
}

impl<'a, P> Audience<'a, P> {
    /// Without the connection of this id: mostly the caller.
    #[must_use]
    pub fn except(self, id: &'a str) -> Self {
        Self {
            except: Some(id),
            ..self
        }
    }

    /// Calls a method of each. Encoded once per protocol, the bytes shared; nothing else is
    /// allocated per receiver than its queue's slot.
    ///
    /// An error is about the arguments. A receiver's full queue is counted, not an error: see
    /// [`Connection::try_send`].
    pub fn send(&self, target: &str, arguments: impl IntoArguments) -> Result<Delivery, SendError> {
        let arguments = arguments.into_payloads().map_err(|_| SendError::Encoding)?;
        let message = Broadcast::call(target, arguments);
        let mut delivery = Delivery::default();
        self.each(
            |connection| match connection.try_send(message.frame(connection.protocol())) {
                Ok(_) => delivery.queued += 1,
                Err(_) => delivery.refused += 1,
            },
        );
        Ok(delivery)
    }

    /// How many they are.
    pub fn count(&self) -> usize {
        match (self.who, self.except) {
            (Who::Group(name), None) => self.registry.groups.count(name),
            (Who::User(key), None) => self.registry.users.count(key),
            _ => {
                let mut count = 0;
                self.each(|_| count += 1);
                count
            }
        }
    }

    /// Each of them.
    pub fn connections(&self) -> Vec<Arc<Connection<P>>> {
        let mut all = Vec::new();
        self.each(|connection| all.push(Arc::clone(connection)));
        all
    }

    /// Ends them for good: clients do not come back by themselves. What is queued goes out first.
    pub fn disconnect(&self, error: Option<&str>) {
        self.close(error, false);
    }

    /// Moves them: clients with automatic reconnect come back at once, wherever the way to the hub
    /// leads then.
    pub fn reconnect(&self) {
        self.close(None, true);
    }

    /// Puts each into a group.
    pub fn join(&self, group: &str) {
        for connection in self.connections() {
            connection.join(group);
        }
    }

    /// Takes each out of a group.
    pub fn leave(&self, group: &str) {
        for connection in self.connections() {
            connection.leave(group);
        }
    }

    fn close(&self, error: Option<&str>, allow_reconnect: bool) {
        for connection in self.connections() {
            connection.close(error.map(str::to_owned), allow_reconnect);
        }
    }

    /// Under the lock of the group or of the shard: `with` must not come back to the registry.
    fn each(&self, mut with: impl FnMut(&Arc<Connection<P>>)) {
        let mut with = |connection: &Arc<Connection<P>>| {
            if self.except != Some(connection.id()) {
                with(connection);
            }
        };
        match self.who {
            Who::All => self.registry.each(&mut with),
            Who::Group(name) => self.registry.groups.each(name, &mut with),
            Who::User(key) => self.registry.users.each(key, &mut with),
            Who::Client(id) => self.registry.get(id).iter().for_each(with),
        }
    }
}

/// Groups as one connection sees them. They are kept in memory and end with the connection.
impl<P> Connection<P> {
    /// Puts the connection into a group; false if it has ended or its handshake is not done.
    pub fn join(self: &Arc<Self>, group: &str) -> bool {
        let Some(registry) = self.membership.registry.get() else {
            return false;
        };
        match &mut *self.membership.joined.lock() {
            Joined::Outside => false,
            Joined::In(names) => {
                if !names.iter().any(|name| &**name == group) {
                    names.push(registry.groups.join(group, self));
                }
                true
            }
        }
    }

    /// Takes the connection out of a group; false if it was not in it.
    pub fn leave(&self, group: &str) -> bool {
        let Some(registry) = self.membership.registry.get() else {
            return false;
        };
        let mut joined = self.membership.joined.lock();
        let Joined::In(names) = &mut *joined else {
            return false;
        };
        let Some(index) = names.iter().position(|name| &**name == group) else {
            return false;
        };
        names.swap_remove(index);
        registry.groups.leave(group, self.id());
        true
    }

    /// The groups it is in, in no order.
    pub fn groups(&self) -> Vec<Arc<str>> {
        match &*self.membership.joined.lock() {
            Joined::Outside => Vec::new(),
            Joined::In(names) => names.clone(),
        }
    }

    /// Questions of [`call_client`](Self::call_client) that the client has not answered yet.
    pub fn open_questions(&self) -> usize {
        self.answers.open()
    }
}
