//! Room 5. Ack and retry: what is still owed. Today: acks by devices, evidence by transports, what others
//! settled, the record of attempts. To come: sweep, debt, escalation, expiry, dead letters.

pub mod ack;
pub mod acked_set;
pub mod attempts;
pub mod passed;
