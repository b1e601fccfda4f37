-- Every role may execute a new function unless it is revoked. These are the server's own.
REVOKE ALL ON FUNCTION bellhop.instant_of(uuid) FROM PUBLIC;
REVOKE ALL ON FUNCTION bellhop.days_of(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION bellhop.summarize_deliveries(timestamptz, timestamptz) FROM PUBLIC;
