-- What our own screens are about. Names and keys are those of the later, wider features; only
-- columns that are used exist.

CREATE TABLE bellhop.topic (
    tenant_id uuid NOT NULL,
    name      text NOT NULL,
    rev       bigint NOT NULL,
    PRIMARY KEY (tenant_id, name)
) WITH (fillfactor = 50);
COMMENT ON TABLE bellhop.topic IS 'Revision of a live screen''s topic; the last lock of a transaction that changes what the screen shows';

CREATE TABLE bellhop.request (
    id           uuid PRIMARY KEY,
    tenant_id    uuid NOT NULL REFERENCES bellhop.tenant,
    number       bigint NOT NULL,
    kind         text NOT NULL,
    subject      text NOT NULL,
    amount       text NOT NULL DEFAULT '',
    payload      jsonb NOT NULL DEFAULT '[]',
    requester_id uuid NOT NULL REFERENCES bellhop.user_account,
    service_id   uuid NOT NULL REFERENCES bellhop.service,
    revision     integer NOT NULL DEFAULT 1,
    state        text NOT NULL CHECK (state IN ('in_review', 'approved', 'rejected', 'withdrawn')),
    submitted_at timestamptz NOT NULL,
    due_at       timestamptz,
    decided_at   timestamptz,
    source_id    text,
    UNIQUE (tenant_id, number),
    UNIQUE (tenant_id, source_id)
);
COMMENT ON COLUMN bellhop.request.payload IS 'Array of [label, value], in the order of the form';
COMMENT ON COLUMN bellhop.request.source_id IS 'The back-end''s own id: submitting it twice is one request';
CREATE INDEX request_requester ON bellhop.request (requester_id, submitted_at DESC);

CREATE TABLE bellhop.request_step (
    id         uuid PRIMARY KEY,
    tenant_id  uuid NOT NULL,
    request_id uuid NOT NULL REFERENCES bellhop.request,
    seq        integer NOT NULL,
    name       text NOT NULL,
    state      text NOT NULL CHECK (state IN ('waiting', 'open', 'approved', 'rejected', 'cancelled')),
    opened_at  timestamptz,
    due_at     timestamptz,
    closed_at  timestamptz,
    UNIQUE (request_id, seq)
);

CREATE TABLE bellhop.assignment (
    id            uuid PRIMARY KEY,
    tenant_id     uuid NOT NULL,
    step_id       uuid NOT NULL REFERENCES bellhop.request_step,
    assignee_id   uuid NOT NULL REFERENCES bellhop.user_account,
    state         text NOT NULL CHECK (state IN ('pending', 'approved', 'rejected', 'superseded', 'cancelled')),
    decided_at    timestamptz,
    comment       text,
    seen_revision integer,
    UNIQUE (step_id, assignee_id)
);
CREATE INDEX assignment_assignee ON bellhop.assignment (assignee_id, state);

CREATE TABLE bellhop.request_event (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id  uuid NOT NULL,
    request_id uuid NOT NULL REFERENCES bellhop.request,
    actor_id   uuid NOT NULL REFERENCES bellhop.user_account,
    kind       text NOT NULL,
    comment    text,
    at         timestamptz NOT NULL
);
COMMENT ON TABLE bellhop.request_event IS 'Append-only: the audit trail of a request';
CREATE INDEX request_event_request ON bellhop.request_event (request_id, id);

-- A PIN means somebody only on one device: the same PIN on two devices may be two people.
CREATE TABLE bellhop.device_user (
    tenant_id uuid NOT NULL,
    device    text NOT NULL,
    pin       text NOT NULL,
    user_id   uuid NOT NULL REFERENCES bellhop.user_account ON DELETE CASCADE,
    PRIMARY KEY (tenant_id, device, pin)
);

CREATE TABLE bellhop.punch_raw (
    id          uuid PRIMARY KEY,
    tenant_id   uuid NOT NULL REFERENCES bellhop.tenant,
    device      text NOT NULL,
    source_id   text NOT NULL,
    pin         text,
    user_key    text,
    at          timestamptz NOT NULL,
    local_ts    timestamp NOT NULL,
    zone        text NOT NULL,
    direction   text,
    source      text NOT NULL CHECK (source IN ('api', 'sql', 'demo')),
    received_at timestamptz NOT NULL,
    UNIQUE (tenant_id, device, source_id)
);
COMMENT ON TABLE bellhop.punch_raw IS 'Immutable: what the device said, in its digits (local_ts), with the zone used, and the instant';

CREATE TABLE bellhop.punch (
    id               uuid PRIMARY KEY,
    raw_id           uuid NOT NULL REFERENCES bellhop.punch_raw,
    tenant_id        uuid NOT NULL,
    user_id          uuid NOT NULL REFERENCES bellhop.user_account,
    at               timestamptz NOT NULL,
    work_date        date NOT NULL,
    direction        text NOT NULL CHECK (direction IN ('in', 'out', 'break_out', 'break_in')),
    direction_source text NOT NULL CHECK (direction_source IN ('key', 'alternated')),
    ignored          text CHECK (ignored IN ('double_tap'))
);
CREATE INDEX punch_user_day ON bellhop.punch (user_id, work_date, at);

CREATE TABLE bellhop.attendance_day (
    user_id   uuid NOT NULL REFERENCES bellhop.user_account,
    work_date date NOT NULL,
    tenant_id uuid NOT NULL,
    state     text NOT NULL CHECK (state IN ('in', 'on_break', 'out')),
    first_in  timestamptz,
    since     timestamptz NOT NULL,
    last_at   timestamptz NOT NULL,
    device    text NOT NULL,
    lag_ms    bigint,
    rev       integer NOT NULL DEFAULT 1,
    PRIMARY KEY (user_id, work_date)
);
COMMENT ON TABLE bellhop.attendance_day IS 'A pure function of the day''s punches, recomputed with each; never edited';
CREATE INDEX attendance_day_tenant ON bellhop.attendance_day (tenant_id, work_date);
