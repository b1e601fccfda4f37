-- Which method a tenant's items are invoked as, and how a service's devices acknowledge.

ALTER TABLE bellhop.tenant
    ADD COLUMN unknown_kinds text NOT NULL DEFAULT 'kind' CHECK (unknown_kinds IN ('kind', 'notification'));
COMMENT ON COLUMN bellhop.tenant.unknown_kinds IS 'A kind that is not in bellhop.kind is invoked as its own method, or as Notification';

-- Empty and not NULL: a server of the version before, which may run beside this one during an update, reads NULL
-- as an error and would know of no further change; an empty class it takes for one that is gone.
COMMENT ON TABLE bellhop.kind IS 'The kinds a tenant knows';
COMMENT ON COLUMN bellhop.kind.class IS 'The class of the kind when its publisher names none; empty: it has none of its own';

ALTER TABLE bellhop.service
    ADD COLUMN acks text NOT NULL DEFAULT 'transport' CHECK (acks IN ('transport', 'explicit', 'result'));
COMMENT ON COLUMN bellhop.service.acks IS 'How the devices of the service''s users acknowledge, when their connection does not say';
COMMENT ON COLUMN bellhop.device.ack_mode IS '0 the transport''s evidence counts, until its first ack; 1 it acks for itself; 2 the results of its handlers are its acks';
