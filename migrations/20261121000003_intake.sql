-- The door for programs that speak only SQL. They append to `intake` and to nothing else: no
-- sequence, no user's lock, so a caller who publishes and then keeps his transaction open delays
-- nobody but himself. The server's router takes the rows from there.

CREATE TABLE bellhop.intake (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    what       text NOT NULL CHECK (what IN ('publish', 'punch')),
    tenant_id  uuid NOT NULL,
    service_id uuid NOT NULL,
    ticket     uuid NOT NULL,
    payload    text NOT NULL,
    at         timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON COLUMN bellhop.intake.ticket IS 'The id the caller got: the notification''s for publish, the raw punch''s for punch';

CREATE TABLE bellhop.intake_refused (
    id         bigint PRIMARY KEY,
    what       text NOT NULL,
    tenant_id  uuid NOT NULL,
    service_id uuid NOT NULL,
    ticket     uuid NOT NULL,
    payload    text NOT NULL,
    at         timestamptz NOT NULL,
    reason     text NOT NULL,
    refused_at timestamptz NOT NULL
);
COMMENT ON TABLE bellhop.intake_refused IS 'Rows the router could not route, with the reason: nothing accepted is ever lost';

-- One NOTIFY a statement with an empty payload, which Postgres merges within a transaction.
CREATE FUNCTION bellhop.ring_intake() RETURNS trigger
LANGUAGE plpgsql SET search_path = bellhop, pg_temp AS $$
BEGIN
    -- Two-phase commit forbids NOTIFY; such a role switches it off and the router's poll serves.
    IF current_setting('bellhop.notify', true) IS DISTINCT FROM 'off' THEN
        PERFORM pg_notify('bellhop_intake', '');
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ring AFTER INSERT ON bellhop.intake
    FOR EACH STATEMENT EXECUTE FUNCTION bellhop.ring_intake();

-- UUIDv7; Postgres has its own only from 18 on, and 15 is supported.
CREATE FUNCTION bellhop.uuid_v7(at timestamptz DEFAULT clock_timestamp()) RETURNS uuid
LANGUAGE sql VOLATILE SET search_path = bellhop, pg_temp AS $$
    SELECT encode(
        set_bit(set_bit(
            overlay(uuid_send(gen_random_uuid())
                    PLACING substring(int8send(floor(extract(epoch FROM at) * 1000)::bigint) FROM 3)
                    FROM 1 FOR 6),
            52, 1), 53, 1), 'hex')::uuid
$$;

CREATE FUNCTION bellhop.caller(OUT tenant_id uuid, OUT service_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = bellhop, pg_temp AS $$
BEGIN
    SELECT g.tenant_id, g.service_id INTO tenant_id, service_id
      FROM role_grant g WHERE g.role_name = session_user;
    IF tenant_id IS NULL THEN
        RAISE EXCEPTION 'bellhop: the database role "%" speaks for no service', session_user
            USING ERRCODE = 'insufficient_privilege',
                  HINT = 'Run: bellhop db grant ROLE --tenant TENANT --service SERVICE';
    END IF;
END $$;

CREATE FUNCTION bellhop.publish(
    kind            text,
    title           text,
    body            text DEFAULT '',
    data            jsonb DEFAULT '{}',
    users           text[] DEFAULT '{}',
    departments     text[] DEFAULT '{}',
    groups          text[] DEFAULT '{}',
    to_service      boolean DEFAULT false,
    thread_key      text DEFAULT NULL,
    severity        text DEFAULT 'info',
    expires_in      interval DEFAULT NULL,
    idempotency_key text DEFAULT NULL
) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = bellhop, pg_temp AS $$
DECLARE
    who     record;
    missing text;
    ticket  uuid := uuid_v7();
BEGIN
    SELECT * INTO who FROM caller();
    IF publish.kind !~ '^[A-Za-z][A-Za-z0-9_]{0,63}$' THEN
        RAISE EXCEPTION 'bellhop: kind "%" must be a letter followed by at most 63 letters, digits or underscores', publish.kind
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF jsonb_typeof(publish.data) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION 'bellhop: data must be a JSON object' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT string_agg(format('%s "%s"', m.what, m.key), ', ') INTO missing FROM (
        SELECT 'user' AS what, k AS key FROM unnest(publish.users) k
         WHERE NOT EXISTS (SELECT FROM user_account u WHERE u.tenant_id = who.tenant_id AND u.key = k AND u.active)
        UNION ALL
        SELECT 'department', k FROM unnest(publish.departments) k
         WHERE NOT EXISTS (SELECT FROM department d WHERE d.tenant_id = who.tenant_id AND d.key = k)
        UNION ALL
        SELECT 'group', k FROM unnest(publish.groups) k
         WHERE NOT EXISTS (SELECT FROM custom_group g WHERE g.tenant_id = who.tenant_id AND g.key = k)
    ) m;
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION 'bellhop: unknown %', missing USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Provision it first: PUT /api/v1/users/{id}, /departments/{id} or /groups/{id}';
    END IF;
    INSERT INTO intake (what, tenant_id, service_id, ticket, payload)
    VALUES ('publish', who.tenant_id, who.service_id, ticket, json_build_object(
        'kind', publish.kind, 'title', publish.title, 'body', publish.body, 'data', publish.data,
        'audience', json_build_object('users', publish.users, 'departments', publish.departments,
                                      'groups', publish.groups, 'service', publish.to_service),
        'thread_key', publish.thread_key, 'severity', publish.severity,
        'expires_in', extract(epoch FROM publish.expires_in)::bigint,
        'idempotency_key', publish.idempotency_key)::text);
    RETURN ticket;
END $$;

CREATE FUNCTION bellhop.punch(
    device    text,
    user_key  text DEFAULT NULL,
    pin       text DEFAULT NULL,
    at        timestamptz DEFAULT clock_timestamp(),
    direction text DEFAULT NULL,
    source_id text DEFAULT NULL
) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = bellhop, pg_temp AS $$
DECLARE
    who    record;
    ticket uuid := uuid_v7();
BEGIN
    SELECT * INTO who FROM caller();
    IF (punch.user_key IS NULL) = (punch.pin IS NULL) THEN
        RAISE EXCEPTION 'bellhop: give either user_key or pin' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF punch.direction IS NOT NULL AND punch.direction NOT IN ('in', 'out', 'break_out', 'break_in') THEN
        RAISE EXCEPTION 'bellhop: direction "%" must be in, out, break_out or break_in', punch.direction
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    INSERT INTO intake (what, tenant_id, service_id, ticket, payload)
    VALUES ('punch', who.tenant_id, who.service_id, ticket, json_build_object(
        'user', punch.user_key, 'pin', punch.pin, 'device', punch.device,
        'at', to_char(punch.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'direction', punch.direction,
        'source_id', coalesce(punch.source_id, ticket::text))::text);
    RETURN ticket;
END $$;

REVOKE ALL ON FUNCTION bellhop.ring_intake() FROM PUBLIC;
REVOKE ALL ON FUNCTION bellhop.uuid_v7(timestamptz) FROM PUBLIC;
REVOKE ALL ON FUNCTION bellhop.ensure_partitions(date, integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION bellhop.caller() FROM PUBLIC;
REVOKE ALL ON FUNCTION bellhop.publish(text, text, text, jsonb, text[], text[], text[], boolean, text, text, interval, text) FROM PUBLIC;
REVOKE ALL ON FUNCTION bellhop.punch(text, text, text, timestamptz, text, text) FROM PUBLIC;
