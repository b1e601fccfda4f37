-- A database with demo data has logins and a key that stand in files and on terminals. That must be known to whoever
-- serves it, also from another machine or another data folder than it was made with.
ALTER TABLE bellhop.installation ADD COLUMN demo_tenant uuid;
COMMENT ON COLUMN bellhop.installation.demo_tenant IS 'The tenant of the demo data; while it is there, the server listens on loopback only';
UPDATE bellhop.installation SET demo_tenant = (
    SELECT t.id FROM bellhop.tenant t JOIN bellhop.api_key k ON k.tenant_id = t.id
     WHERE t.key = 'merrow-vale' AND k.name = 'demo' LIMIT 1);
