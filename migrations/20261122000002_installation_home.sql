-- Where this database lived when a server last opened it: a copy that lives elsewhere may be older than
-- what clients have seen.
ALTER TABLE bellhop.installation ADD COLUMN home text;
COMMENT ON COLUMN bellhop.installation.home IS 'System identifier, timeline and database of PostgreSQL, as the last server to start found them; NULL: none has yet';
COMMENT ON COLUMN bellhop.installation.epoch IS 'Begins anew when numbers may have been turned back (restore, failover); cursors carry it. Milliseconds since 1970 of its beginning, so that two histories of one backup never share one; 1 is the first';
