//! Room 5. Ack and retry: what is still owed. Today: acks by devices, evidence by transports, the record
//! of attempts. To come with the delivery issue: sweep, debt, escalation, expiry, dead letters.

pub mod ack;
pub mod acked_set;
pub mod attempts;
