-- Who goes, and what publishers are told.

-- A user is being removed: what is owed to them ends, and, when erased, what was theirs goes, in pages. A row of
-- work: whoever claims it goes on where the one before stopped. It stays when done, as the answer to "is it gone?".
CREATE TABLE bellhop.removal (
    user_id      uuid PRIMARY KEY,
    tenant_id    uuid NOT NULL,
    erase        boolean NOT NULL,
    asked_at     timestamptz NOT NULL,
    waits_for    text[],
    after        bigint NOT NULL DEFAULT 0,
    found        bigint NOT NULL DEFAULT 0,
    deliveries   bigint NOT NULL DEFAULT 0,
    ended        bigint NOT NULL DEFAULT 0,
    contents     bigint NOT NULL DEFAULT 0,
    devices      bigint NOT NULL DEFAULT 0,
    next_at      timestamptz,
    fence        bigint NOT NULL DEFAULT 0,
    done_at      timestamptz
);
CREATE INDEX removal_due ON bellhop.removal (next_at) WHERE next_at IS NOT NULL;
COMMENT ON COLUMN bellhop.removal.erase IS 'Not only ended, but emptied: title, body, data, devices';
COMMENT ON COLUMN bellhop.removal.waits_for IS 'Transactions that ran when it was first looked at: one of them may still owe the user something';
COMMENT ON COLUMN bellhop.removal.after IS 'Deliveries up to this number were seen to';
COMMENT ON COLUMN bellhop.removal.found IS 'Deliveries there were when it was asked for';
COMMENT ON COLUMN bellhop.removal.deliveries IS 'How many were seen to; ended: of them were owed still; contents: notifications that were emptied';
COMMENT ON COLUMN bellhop.removal.next_at IS 'When somebody must look; NULL: done. A claim moves it on';
COMMENT ON COLUMN bellhop.removal.fence IS 'Goes up with every claim; what is written counts only under the number it was claimed with';

-- Where a service is told what becomes of its notifications.
CREATE TABLE bellhop.webhook (
    id          uuid PRIMARY KEY,
    tenant_id   uuid NOT NULL REFERENCES bellhop.tenant,
    service_id  uuid NOT NULL REFERENCES bellhop.service ON DELETE CASCADE,
    key         text NOT NULL CHECK (octet_length(key) BETWEEN 1 AND 64),
    url         text NOT NULL,
    events      text[] NOT NULL,
    secret      bytea NOT NULL,
    old_secret  bytea,
    old_until   timestamptz,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    disabled_at timestamptz,
    disabled    text,
    taken_at    timestamptz,
    failed_at   timestamptz,
    status      smallint,
    failure     text,
    UNIQUE (service_id, key)
);
COMMENT ON COLUMN bellhop.webhook.secret IS 'Signs what is sent; shown once. Whoever reads it can speak as this server to that receiver';
COMMENT ON COLUMN bellhop.webhook.old_secret IS 'The one before it signs too until old_until, so that a receiver may change it in its own time';
COMMENT ON COLUMN bellhop.webhook.disabled IS 'Why nothing is sent any more; PUT sends again';
COMMENT ON COLUMN bellhop.webhook.taken_at IS 'The receiver took something last; failed_at, status, failure: the last that it did not';

-- What happened and was not put into a request yet. Written in the transaction of the move it tells of, and only
-- for services that have a webhook; no foreign key, for an ack must not wait for whoever removes one.
CREATE TABLE bellhop.webhook_event (
    id              bigint GENERATED ALWAYS AS IDENTITY,
    webhook_id      uuid NOT NULL,
    event           text NOT NULL,
    notification_id uuid NOT NULL,
    user_id         uuid NOT NULL,
    seq             bigint NOT NULL,
    at              timestamptz NOT NULL,
    wanted          boolean NOT NULL,
    PRIMARY KEY (webhook_id, id)
);
COMMENT ON COLUMN bellhop.webhook_event.wanted IS 'False: only to see whether the notification is settled now';

-- A request: sent again until the receiver takes it, for a day.
CREATE TABLE bellhop.webhook_message (
    id         uuid PRIMARY KEY,
    nr         bigint GENERATED ALWAYS AS IDENTITY,
    webhook_id uuid NOT NULL,
    body       text NOT NULL,
    events     integer NOT NULL,
    made_at    timestamptz NOT NULL,
    tries      smallint NOT NULL DEFAULT 0,
    next_at    timestamptz,
    fence      bigint NOT NULL DEFAULT 0
);
CREATE INDEX webhook_message_due ON bellhop.webhook_message (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX webhook_message_of ON bellhop.webhook_message (webhook_id, nr);
COMMENT ON COLUMN bellhop.webhook_message.id IS 'Header webhook-id: the same each time, so that a receiver knows what it had';
COMMENT ON COLUMN bellhop.webhook_message.next_at IS 'When to try; a claim moves it on. NULL: given up, kept to be seen';

CREATE TABLE bellhop.webhook_settled (
    webhook_id      uuid NOT NULL,
    notification_id uuid NOT NULL,
    at              timestamptz NOT NULL,
    PRIMARY KEY (webhook_id, notification_id)
);
COMMENT ON TABLE bellhop.webhook_settled IS 'Who was told that a notification is settled: once';
