-- The ledger: what was published, to whom it is owed, and which device has it.
--
-- Rules (delivery.md 2): only the server numbers; a user's sequence is taken under the row lock of
-- `user_stream`; lock order is idempotency key, notification, user_stream, delivery, device, debt,
-- topic, each set sorted. Nothing that changes is indexed, so that updates stay HOT (fillfactor 50
-- on what is updated). Hot rows carry no foreign keys.

CREATE TABLE bellhop.user_stream (
    user_id   uuid PRIMARY KEY,
    tenant_id uuid NOT NULL,
    last_seq  bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
COMMENT ON TABLE bellhop.user_stream IS 'One row a user, made with the user: the last number given to a delivery of theirs';

CREATE TABLE bellhop.notification (
    id         uuid NOT NULL,
    at         timestamptz NOT NULL,
    tenant_id  uuid NOT NULL,
    service_id uuid NOT NULL,
    kind       text NOT NULL,
    title      text NOT NULL,
    body       text NOT NULL,
    data       text NOT NULL,
    thread_key text,
    severity   text NOT NULL,
    audience   text NOT NULL,
    recipients integer NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);
COMMENT ON TABLE bellhop.notification IS 'What was published, once. at is the instant inside the id, so a look-up by id reads one partition';
COMMENT ON COLUMN bellhop.notification.data IS 'JSON object as text: jsonb would reorder keys and add spaces';

CREATE TABLE bellhop.delivery (
    user_id         uuid NOT NULL,
    seq             bigint NOT NULL,
    at              timestamptz NOT NULL,
    tenant_id       uuid NOT NULL,
    notification_id uuid NOT NULL,
    expires_at      timestamptz NOT NULL,
    state           smallint NOT NULL DEFAULT 0,
    settled_at      timestamptz,
    seen_at         timestamptz,
    read_at         timestamptz,
    archived_at     timestamptz,
    PRIMARY KEY (user_id, seq, at)
) PARTITION BY RANGE (at);
COMMENT ON TABLE bellhop.delivery IS 'One notification for one user, with that user''s next number. seq order is commit order per user';
COMMENT ON COLUMN bellhop.delivery.state IS '0 queued, 1 reached, 2 acked, 3 expired, 4 cancelled, 5 dead. 2 and up are terminal';
CREATE INDEX delivery_notification ON bellhop.delivery (notification_id);
CREATE INDEX delivery_at ON bellhop.delivery USING brin (at);

CREATE TABLE bellhop.device (
    user_id         uuid NOT NULL,
    key             text NOT NULL CHECK (octet_length(key) BETWEEN 1 AND 64),
    tenant_id       uuid NOT NULL,
    ack_mode        smallint NOT NULL DEFAULT 0,
    through         bigint NOT NULL DEFAULT 0,
    through_at      timestamptz,
    acked           int8multirange NOT NULL DEFAULT '{}',
    reached_through bigint NOT NULL DEFAULT 0,
    agent           text NOT NULL DEFAULT '',
    first_seen_at   timestamptz NOT NULL,
    last_seen_at    timestamptz NOT NULL,
    PRIMARY KEY (user_id, key)
) WITH (fillfactor = 50);
COMMENT ON COLUMN bellhop.device.ack_mode IS '0 transport: never acked so far; 1 explicit: acks itself';
COMMENT ON COLUMN bellhop.device.through IS 'Everything up to here is acked by this device or terminal';
COMMENT ON COLUMN bellhop.device.acked IS 'Acked numbers beyond through, at most 64 ranges';
COMMENT ON COLUMN bellhop.device.reached_through IS 'Transport evidence: the device was reading after everything up to here was written';

CREATE TABLE bellhop.ack (
    user_id         uuid NOT NULL,
    seq             bigint NOT NULL,
    at              timestamptz NOT NULL,
    tenant_id       uuid NOT NULL,
    notification_id uuid NOT NULL,
    device          text NOT NULL,
    via             text NOT NULL
) PARTITION BY RANGE (at);
COMMENT ON TABLE bellhop.ack IS 'Append-only receipts: which device said when that it has a delivery. via: hub, http, result, reached';
CREATE INDEX ack_delivery ON bellhop.ack (user_id, seq);

CREATE TABLE bellhop.attempt (
    user_id    uuid NOT NULL,
    seq        bigint NOT NULL,
    at         timestamptz NOT NULL,
    tenant_id  uuid NOT NULL,
    device     text NOT NULL,
    transport  text NOT NULL,
    connection text NOT NULL
) PARTITION BY RANGE (at);
COMMENT ON TABLE bellhop.attempt IS 'Append-only: writes to a connection. Written in bulk within a second, may be lost by a crash; no promise rests on them';
CREATE INDEX attempt_delivery ON bellhop.attempt (user_id, seq);

-- Not partitioned by time: across midnight a unique key would not hold.
CREATE TABLE bellhop.idempotency (
    service_id      uuid NOT NULL,
    key_hash        bytea NOT NULL,
    body_hash       bytea NOT NULL,
    notification_id uuid NOT NULL,
    recipients      integer NOT NULL,
    at              timestamptz NOT NULL,
    PRIMARY KEY (service_id, key_hash)
);

-- Daily partitions, made ahead by the server; `CREATE TABLE ... (LIKE)` + ATTACH takes a lock that
-- lets readers and writers of the parent go on, `PARTITION OF` would stop them.
CREATE FUNCTION bellhop.ensure_partitions(from_day date, days integer) RETURNS integer
LANGUAGE plpgsql SET search_path = bellhop, pg_temp AS $$
DECLARE
    parent text;
    day    date;
    child  text;
    made   integer := 0;
BEGIN
    FOREACH parent IN ARRAY ARRAY['notification', 'delivery', 'ack', 'attempt'] LOOP
        FOR day IN SELECT from_day + n FROM generate_series(0, days - 1) AS n LOOP
            child := parent || '_' || to_char(day, 'YYYYMMDD');
            CONTINUE WHEN to_regclass('bellhop.' || child) IS NOT NULL;
            EXECUTE format('CREATE TABLE bellhop.%I (LIKE bellhop.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS) WITH (fillfactor = %s)',
                           child, parent, CASE parent WHEN 'delivery' THEN 50 ELSE 100 END);
            EXECUTE format('ALTER TABLE bellhop.%I ATTACH PARTITION bellhop.%I FOR VALUES FROM (%L) TO (%L)',
                           parent, child, day::text || ' 00:00:00+00', (day + 1)::text || ' 00:00:00+00');
            made := made + 1;
        END LOOP;
    END LOOP;
    RETURN made;
END $$;

-- The instant inside a UUIDv7 (Postgres has its own only from 17 on). A look-up by notification id
-- compares `at` with it, so that one partition is read instead of all.
CREATE FUNCTION bellhop.instant_of(id uuid) RETURNS timestamptz
LANGUAGE sql STABLE AS $$
    SELECT timestamptz 'epoch'
         + ('x0000' || left(replace(id::text, '-', ''), 12))::bit(64)::bigint * interval '1 millisecond'
$$;
