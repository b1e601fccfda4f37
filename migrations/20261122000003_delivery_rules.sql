-- How hard a delivery is tried, and what is still owed.
--
-- A delivery that nobody settled within a few seconds gets a row in `debt`, its next step; a debt is
-- deleted when it is paid. Only `debt` has an index on a column that changes: it is small.

-- Classes: a ladder by name. The built-in ones live in the code; a row here takes the place of the one
-- of the same key, or adds one.
CREATE TABLE bellhop.class (
    tenant_id  uuid NOT NULL REFERENCES bellhop.tenant,
    key        text NOT NULL CHECK (key ~ '^[a-z][a-z0-9_-]{0,63}$'),
    rules      text NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, key)
);
COMMENT ON COLUMN bellhop.class.rules IS 'JSON: ack_by, sufficient, life, ladder, push';

CREATE TABLE bellhop.kind (
    tenant_id  uuid NOT NULL REFERENCES bellhop.tenant,
    kind       text NOT NULL CHECK (octet_length(kind) BETWEEN 1 AND 64),
    class      text NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, kind)
);
COMMENT ON TABLE bellhop.kind IS 'Which class a kind has, when its publisher names none';

ALTER TABLE bellhop.tenant
    ADD COLUMN default_class text NOT NULL DEFAULT 'standard',
    ADD COLUMN read_receipts boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN bellhop.tenant.default_class IS 'The class of a kind that has none';
COMMENT ON COLUMN bellhop.tenant.read_receipts IS 'Whether the other side of a thread is told what was read';

ALTER TABLE bellhop.user_account ADD COLUMN deputy_id uuid REFERENCES bellhop.user_account;
COMMENT ON COLUMN bellhop.user_account.deputy_id IS 'Who gets what this user does not answer; without one, the manager';

ALTER TABLE bellhop.notification
    ADD COLUMN class        text NOT NULL DEFAULT 'standard',
    ADD COLUMN publisher    text NOT NULL DEFAULT '',
    ADD COLUMN collapse_key text,
    ADD COLUMN supersedes   uuid,
    ADD COLUMN deliver_at   timestamptz,
    ADD COLUMN cancelled_at timestamptz,
    ADD COLUMN cancelled_by text;
COMMENT ON COLUMN bellhop.notification.publisher IS 'Which credential published it: an API key''s id, a token''s subject, a database role, or the workplace';
COMMENT ON COLUMN bellhop.notification.deliver_at IS 'Scheduled: routed then, and not before';
COMMENT ON COLUMN bellhop.notification.cancelled_by IS 'cancelled, or the id of what superseded it';
CREATE INDEX notification_thread ON bellhop.notification (service_id, thread_key) WHERE thread_key IS NOT NULL;
CREATE INDEX notification_collapse ON bellhop.notification (service_id, collapse_key) WHERE collapse_key IS NOT NULL;

ALTER TABLE bellhop.delivery
    ADD COLUMN rule      smallint NOT NULL DEFAULT 0,
    ADD COLUMN via       text,
    ADD COLUMN reason    text,
    ADD COLUMN pushed_at timestamptz,
    ADD COLUMN for_user  uuid;
COMMENT ON COLUMN bellhop.delivery.rule IS 'Bits 1 and 2: settled by 0 any device, 1 every device, 2 an active device; 4: reached is enough; 8: not shown in the inbox';
COMMENT ON COLUMN bellhop.delivery.via IS 'Which membership made this user a recipient, department:{id} and the like; NULL: named';
COMMENT ON COLUMN bellhop.delivery.reason IS 'Why it ended, when not by an ack';
COMMENT ON COLUMN bellhop.delivery.pushed_at IS 'A push provider took it at least once: what settles it must be told to the phones too';
COMMENT ON COLUMN bellhop.delivery.for_user IS 'Escalated: whose delivery this one stands in for';

-- The next step of every delivery that the sweep found unsettled. The key is the delivery's, so that a
-- sweep made twice makes one debt.
CREATE TABLE bellhop.debt (
    user_id         uuid NOT NULL,
    seq             bigint NOT NULL,
    at              timestamptz NOT NULL,
    tenant_id       uuid NOT NULL,
    notification_id uuid NOT NULL,
    rung            smallint NOT NULL DEFAULT 0,
    tries           smallint NOT NULL DEFAULT 0,
    push_at         timestamptz,
    next_at         timestamptz NOT NULL,
    fence           bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, seq)
) WITH (fillfactor = 70);
CREATE INDEX debt_due ON bellhop.debt (next_at);
COMMENT ON COLUMN bellhop.debt.at IS 'When the delivery was routed, which is the rest of its key';
COMMENT ON COLUMN bellhop.debt.rung IS 'The next rung of the class''s ladder; those before it were done';
COMMENT ON COLUMN bellhop.debt.push_at IS 'A push is to be tried again then; tries counts them';
COMMENT ON COLUMN bellhop.debt.next_at IS 'When somebody must look. A claim moves it on, so that a claim nobody finished comes back by itself';
COMMENT ON COLUMN bellhop.debt.fence IS 'Goes up with every claim; a result counts only under the number it was claimed with';

-- How far the deliveries were looked through. Appends stamp their rows with at least `open_from`, so
-- nothing that commits later can lie behind it, whatever the clocks say.
CREATE TABLE bellhop.sweep (
    singleton  boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    swept_to   timestamptz NOT NULL,
    open_from  timestamptz NOT NULL
);
INSERT INTO bellhop.sweep (swept_to, open_from) VALUES ('2000-01-01', '2000-01-01');
COMMENT ON COLUMN bellhop.sweep.swept_to IS 'Everything routed before this was looked at';
COMMENT ON COLUMN bellhop.sweep.open_from IS 'Nothing is routed before this any more';

-- What could not be delivered, for those who look after it.
CREATE TABLE bellhop.dead_letter (
    user_id         uuid NOT NULL,
    seq             bigint NOT NULL,
    tenant_id       uuid NOT NULL,
    service_id      uuid NOT NULL,
    notification_id uuid NOT NULL,
    state           smallint NOT NULL,
    reason          text NOT NULL,
    at              timestamptz NOT NULL,
    sent_again      uuid,
    PRIMARY KEY (user_id, seq)
);
CREATE INDEX dead_letter_newest ON bellhop.dead_letter (tenant_id, at DESC, user_id, seq);
COMMENT ON COLUMN bellhop.dead_letter.state IS '3 expired, 5 dead';
COMMENT ON COLUMN bellhop.dead_letter.sent_again IS 'The notification that carries its content once more';

-- Scheduled publications and large audiences: routed in claimed pages.
CREATE TABLE bellhop.fanout (
    notification_id uuid PRIMARY KEY,
    at              timestamptz NOT NULL,
    tenant_id       uuid NOT NULL,
    service_id      uuid NOT NULL,
    thread_key      text,
    audience        text NOT NULL,
    due_at          timestamptz NOT NULL,
    after           uuid,
    given           integer NOT NULL DEFAULT 0
);
CREATE INDEX fanout_due ON bellhop.fanout (due_at);
COMMENT ON COLUMN bellhop.fanout.audience IS 'JSON with inner ids';
COMMENT ON COLUMN bellhop.fanout.after IS 'The last user who was given theirs: pages go by id';

-- Phones and browsers that can be pushed to.
CREATE TABLE bellhop.push_token (
    user_id       uuid NOT NULL,
    device        text NOT NULL CHECK (octet_length(device) BETWEEN 1 AND 64),
    tenant_id     uuid NOT NULL,
    platform      text NOT NULL CHECK (platform IN ('fcm', 'webpush')),
    token         text NOT NULL,
    token_hash    bytea NOT NULL,
    registered_at timestamptz NOT NULL,
    taken_at      timestamptz,
    failed_at     timestamptz,
    failure       text,
    PRIMARY KEY (user_id, device)
);
CREATE UNIQUE INDEX push_token_once ON bellhop.push_token (platform, token_hash);
COMMENT ON COLUMN bellhop.push_token.token_hash IS 'SHA-256: a token belongs to one user''s device, the last that registered it';

CREATE TABLE bellhop.push_attempt (
    user_id   uuid NOT NULL,
    seq       bigint NOT NULL,
    at        timestamptz NOT NULL,
    tenant_id uuid NOT NULL,
    device    text NOT NULL,
    provider  text NOT NULL,
    purpose   text NOT NULL,
    outcome   text NOT NULL,
    status    smallint,
    detail    text NOT NULL
) PARTITION BY RANGE (at);
CREATE INDEX push_attempt_delivery ON bellhop.push_attempt (user_id, seq);
COMMENT ON COLUMN bellhop.push_attempt.purpose IS 'notify, withdraw';
COMMENT ON COLUMN bellhop.push_attempt.outcome IS 'taken, retry, gone, refused, misconfigured';

-- What a woken phone acknowledges with: it may do nothing else.
CREATE TABLE bellhop.device_key (
    hash       bytea PRIMARY KEY,
    tenant_id  uuid NOT NULL REFERENCES bellhop.tenant,
    user_id    uuid NOT NULL REFERENCES bellhop.user_account ON DELETE CASCADE,
    device     text NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (user_id, device)
);
COMMENT ON COLUMN bellhop.device_key.hash IS 'SHA-256 of the credential, which is shown once';

CREATE OR REPLACE FUNCTION bellhop.ensure_partitions(from_day date, days integer) RETURNS integer
LANGUAGE plpgsql SET search_path = bellhop, pg_temp AS $$
DECLARE
    parent text;
    day    date;
    child  text;
    made   integer := 0;
BEGIN
    FOREACH parent IN ARRAY ARRAY['notification', 'delivery', 'ack', 'attempt', 'push_attempt'] LOOP
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

-- The sweep looks deliveries up by a BRIN index, which knows nothing of pages written since its last
-- summary and then reads them all.
CREATE FUNCTION bellhop.summarize_deliveries(from_at timestamptz, to_at timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = bellhop, pg_temp AS $$
DECLARE
    day   date;
    index regclass;
BEGIN
    FOR day IN SELECT generate_series((from_at AT TIME ZONE 'UTC')::date, (to_at AT TIME ZONE 'UTC')::date, '1 day') LOOP
        FOR index IN
            SELECT i.indexrelid::regclass FROM pg_index i
              JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam
             WHERE m.amname = 'brin'
               AND i.indrelid = to_regclass('bellhop.delivery_' || to_char(day, 'YYYYMMDD'))
        LOOP
            PERFORM brin_summarize_new_values(index);
        END LOOP;
    END LOOP;
END $$;
