-- What goes by age.

CREATE INDEX idempotency_at ON bellhop.idempotency USING brin (at);

-- The days of which a table has a partition, the oldest first, and whether one is half detached.
CREATE FUNCTION bellhop.days_of(parent text, OUT day date, OUT child text, OUT pending boolean) RETURNS SETOF record
LANGUAGE sql STABLE SET search_path = bellhop, pg_temp AS $$
    SELECT to_date(right(c.relname, 8), 'YYYYMMDD'), c.relname::text, i.inhdetachpending
      FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = ('bellhop.' || parent)::regclass AND c.relname ~ '_[0-9]{8}$'
     ORDER BY 1
$$;
