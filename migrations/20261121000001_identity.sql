-- Who there is: tenants, their services, users and memberships, and what proves who somebody is.
--
-- Outer ids (`key`) are the customer's own strings, 1-128 bytes, unique inside a tenant. Inner ids
-- are UUIDv7. Every table carries the tenant, and every statement of the server names it.

CREATE SCHEMA IF NOT EXISTS bellhop;

CREATE TABLE bellhop.tenant (
    id         uuid PRIMARY KEY,
    key        text NOT NULL UNIQUE CHECK (octet_length(key) BETWEEN 1 AND 128),
    name       text NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE bellhop.service (
    id              uuid PRIMARY KEY,
    tenant_id       uuid NOT NULL REFERENCES bellhop.tenant,
    key             text NOT NULL CHECK (octet_length(key) BETWEEN 1 AND 128),
    name            text NOT NULL,
    allowed_origins text[] NOT NULL DEFAULT '{}',
    created_at      timestamptz NOT NULL,
    UNIQUE (tenant_id, key)
);
COMMENT ON TABLE bellhop.service IS 'An application inside a tenant: it publishes, and users are members of it';
COMMENT ON COLUMN bellhop.service.allowed_origins IS 'Web origins that may use the hub and the API from a browser, exact (https://app.example.com)';

CREATE TABLE bellhop.site (
    id        uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES bellhop.tenant,
    key       text NOT NULL CHECK (octet_length(key) BETWEEN 1 AND 128),
    name      text NOT NULL,
    zone      text NOT NULL,
    UNIQUE (tenant_id, key)
);
COMMENT ON COLUMN bellhop.site.zone IS 'IANA time zone; attendance is always shown in it';

CREATE TABLE bellhop.user_account (
    id            uuid PRIMARY KEY,
    tenant_id     uuid NOT NULL REFERENCES bellhop.tenant,
    key           text NOT NULL CHECK (octet_length(key) BETWEEN 1 AND 128),
    name          text NOT NULL,
    login         text UNIQUE CHECK (login = lower(login)),
    password_hash text,
    roles         text[] NOT NULL DEFAULT '{employee}',
    manager_id    uuid REFERENCES bellhop.user_account,
    site_id       uuid REFERENCES bellhop.site,
    active        boolean NOT NULL DEFAULT true,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    UNIQUE (tenant_id, key)
);
COMMENT ON COLUMN bellhop.user_account.login IS 'Name for Bellhop''s own sign-in page, unique in the installation; NULL: signs in elsewhere only';
COMMENT ON COLUMN bellhop.user_account.active IS 'False once deleted: keeps history readable, receives and signs in no more';

CREATE TABLE bellhop.department (
    id        uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES bellhop.tenant,
    key       text NOT NULL CHECK (octet_length(key) BETWEEN 1 AND 128),
    name      text NOT NULL,
    UNIQUE (tenant_id, key)
);

CREATE TABLE bellhop.custom_group (
    id        uuid PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES bellhop.tenant,
    key       text NOT NULL CHECK (octet_length(key) BETWEEN 1 AND 128),
    name      text NOT NULL,
    UNIQUE (tenant_id, key)
);

-- Memberships: durable rows, read in both directions (audience -> users, connect -> groups).
CREATE TABLE bellhop.user_department (
    tenant_id     uuid NOT NULL,
    user_id       uuid NOT NULL REFERENCES bellhop.user_account ON DELETE CASCADE,
    department_id uuid NOT NULL REFERENCES bellhop.department ON DELETE CASCADE,
    PRIMARY KEY (user_id, department_id)
);
CREATE INDEX user_department_members ON bellhop.user_department (department_id, user_id);

CREATE TABLE bellhop.group_member (
    tenant_id uuid NOT NULL,
    user_id   uuid NOT NULL REFERENCES bellhop.user_account ON DELETE CASCADE,
    group_id  uuid NOT NULL REFERENCES bellhop.custom_group ON DELETE CASCADE,
    PRIMARY KEY (user_id, group_id)
);
CREATE INDEX group_member_members ON bellhop.group_member (group_id, user_id);

CREATE TABLE bellhop.service_member (
    tenant_id  uuid NOT NULL,
    user_id    uuid NOT NULL REFERENCES bellhop.user_account ON DELETE CASCADE,
    service_id uuid NOT NULL REFERENCES bellhop.service ON DELETE CASCADE,
    PRIMARY KEY (user_id, service_id)
);
CREATE INDEX service_member_members ON bellhop.service_member (service_id, user_id);

CREATE TABLE bellhop.api_key (
    id           text PRIMARY KEY,
    tenant_id    uuid NOT NULL REFERENCES bellhop.tenant,
    service_id   uuid NOT NULL REFERENCES bellhop.service,
    name         text NOT NULL,
    hash         bytea NOT NULL,
    scopes       text[] NOT NULL,
    created_at   timestamptz NOT NULL,
    last_used_at timestamptz,
    revoked_at   timestamptz
);
COMMENT ON COLUMN bellhop.api_key.hash IS 'SHA-256 of the 256 random bits; the key itself is shown once and never stored';

CREATE TABLE bellhop.session (
    hash       bytea PRIMARY KEY,
    id         uuid NOT NULL UNIQUE,
    tenant_id  uuid NOT NULL REFERENCES bellhop.tenant,
    user_id    uuid NOT NULL REFERENCES bellhop.user_account ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
COMMENT ON COLUMN bellhop.session.hash IS 'SHA-256 of the cookie''s value';
CREATE INDEX session_of_user ON bellhop.session (user_id);

CREATE TABLE bellhop.setup_link (
    hash       bytea PRIMARY KEY,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz
);

CREATE TABLE bellhop.role_grant (
    role_name  text PRIMARY KEY,
    tenant_id  uuid NOT NULL REFERENCES bellhop.tenant,
    service_id uuid NOT NULL REFERENCES bellhop.service
);
COMMENT ON TABLE bellhop.role_grant IS 'Which tenant and service a database role speaks for when it calls bellhop.publish or bellhop.punch';

CREATE TABLE bellhop.installation (
    singleton  boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    epoch      bigint NOT NULL DEFAULT 1,
    hub_secret bytea NOT NULL DEFAULT decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex')
);
COMMENT ON COLUMN bellhop.installation.epoch IS 'Goes up when numbers may have been turned back (restore, failover); cursors carry it';
COMMENT ON COLUMN bellhop.installation.hub_secret IS 'Signs the five-minute hub tokens of signed-in pages, on every node alike';
INSERT INTO bellhop.installation DEFAULT VALUES;
