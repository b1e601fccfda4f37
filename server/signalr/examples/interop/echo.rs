//! `/echo`: bytes come back as they are, without a hub.

use signalr::{RawConnection, RawEndpoint, protocol::TransferFormat};

use crate::visitor::Visitor;

pub(crate) struct Echo;

impl RawEndpoint for Echo {
    type Principal = Visitor;

    fn same_identity(_: &Visitor, _: &Visitor) -> bool {
        true
    }

    async fn serve(&self, connection: RawConnection<Visitor>) {
        let binary = connection.connection().query("format") == Some("binary");
        if binary {
            connection.set_format(TransferFormat::Binary);
        }
        while let Some(bytes) = connection.receive().await {
            if connection.send(bytes).await.is_err() {
                return;
            }
        }
    }
}
