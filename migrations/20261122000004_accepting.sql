-- Who may publish how much, and what a caller of SQL may say beside the plain arguments.

ALTER TABLE bellhop.tenant ADD COLUMN most_recipients integer NOT NULL DEFAULT 100000
    CHECK (most_recipients BETWEEN 1 AND 10000000);
COMMENT ON COLUMN bellhop.tenant.most_recipients IS 'An audience of more users is refused';

ALTER TABLE bellhop.service ADD COLUMN weight smallint NOT NULL DEFAULT 1 CHECK (weight BETWEEN 1 AND 16);
COMMENT ON COLUMN bellhop.service.weight IS 'Its share when several services publish at once: pages of large audiences, and places in a commit';

CREATE INDEX fanout_thread ON bellhop.fanout (service_id, thread_key) WHERE thread_key IS NOT NULL;

DROP FUNCTION bellhop.publish(text, text, text, jsonb, text[], text[], text[], boolean, text, text, interval, text);

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
    idempotency_key text DEFAULT NULL,
    class           text DEFAULT NULL,
    roles           text[] DEFAULT '{}',
    deliver_at      timestamptz DEFAULT NULL,
    supersedes      uuid DEFAULT NULL,
    collapse_key    text DEFAULT NULL
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
                                      'groups', publish.groups, 'service', publish.to_service,
                                      'roles', publish.roles),
        'thread_key', publish.thread_key, 'severity', publish.severity,
        'expires_in', extract(epoch FROM publish.expires_in)::bigint,
        'idempotency_key', publish.idempotency_key, 'class', publish.class,
        'deliver_at', to_char(publish.deliver_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'supersedes', publish.supersedes, 'collapse_key', publish.collapse_key)::text);
    RETURN ticket;
END $$;
REVOKE ALL ON FUNCTION bellhop.publish(text, text, text, jsonb, text[], text[], text[], boolean, text, text, interval, text, text, text[], timestamptz, uuid, text) FROM PUBLIC;

-- Whoever might call it may still.
DO $$
DECLARE
    role text;
BEGIN
    FOR role IN SELECT g.role_name FROM bellhop.role_grant g JOIN pg_roles r ON r.rolname = g.role_name LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION bellhop.publish(text, text, text, jsonb, text[], text[], text[], boolean, text, text, interval, text, text, text[], timestamptz, uuid, text) TO %I', role);
    END LOOP;
END $$;
