//! What the transports serve: a hub's sessions or a raw endpoint. They know no more of it than this.

use std::{borrow::Cow, future::Future, sync::Arc};

use crate::{Connection, Hub, Resumed, WriteMark, server::Shared, session, shield::shielded};

pub(crate) trait Endpoint: Sized + Send + Sync + 'static {
    type Principal: Clone + Send + Sync + 'static;

    fn same_identity(first: &Self::Principal, later: &Self::Principal) -> bool;

    fn user_key(principal: &Self::Principal) -> Option<Cow<'_, str>>;

    /// The life of one connection, from the open transport to the end.
    fn serve(
        server: &Arc<Shared<Self>>,
        connection: &Arc<Connection<Self::Principal>>,
    ) -> impl Future<Output = ()> + Send;

    fn evidence(&self, connection: &Arc<Connection<Self::Principal>>, through: WriteMark) {
        let _ = (connection, through);
    }

    fn writable(&self, connection: &Arc<Connection<Self::Principal>>) {
        let _ = connection;
    }

    fn seen_again(&self, connection: &Arc<Connection<Self::Principal>>, later: &Self::Principal) {
        let _ = (connection, later);
    }

    fn resumed(&self, connection: &Arc<Connection<Self::Principal>>, how: Resumed) {
        let _ = (connection, how);
    }
}

impl<H: Hub> Endpoint for H {
    type Principal = H::Principal;

    fn same_identity(first: &H::Principal, later: &H::Principal) -> bool {
        <H as Hub>::same_identity(first, later)
    }

    fn user_key(principal: &H::Principal) -> Option<Cow<'_, str>> {
        <H as Hub>::user_key(principal)
    }

    async fn serve(server: &Arc<Shared<H>>, connection: &Arc<Connection<H::Principal>>) {
        session::run(server, connection).await;
    }

    fn evidence(&self, connection: &Arc<Connection<H::Principal>>, through: WriteMark) {
        shielded(connection, || Hub::evidence(self, connection, through));
    }

    fn writable(&self, connection: &Arc<Connection<H::Principal>>) {
        shielded(connection, || Hub::writable(self, connection));
    }

    fn seen_again(&self, connection: &Arc<Connection<H::Principal>>, later: &H::Principal) {
        shielded(connection, || Hub::seen_again(self, connection, later));
    }

    fn resumed(&self, connection: &Arc<Connection<H::Principal>>, how: Resumed) {
        shielded(connection, || Hub::resumed(self, connection, how));
    }
}
