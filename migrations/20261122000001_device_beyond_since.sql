-- Where a device's replay may start looking. A column of its own: `through_at` has been the time of the
-- last ack so far, and a server of before that still runs writes it. It is not written any more.

ALTER TABLE bellhop.device ADD COLUMN beyond_since timestamptz;

COMMENT ON COLUMN bellhop.device.through IS 'Everything up to here is acked by this device, or settled without it';
COMMENT ON COLUMN bellhop.device.through_at IS 'Not used any more';
COMMENT ON COLUMN bellhop.device.beyond_since IS 'Nothing beyond through was routed before this, clocks aside, so a replay reads no older partitions; NULL: not known';
COMMENT ON COLUMN bellhop.device.reached_through IS 'For a device that never acks: it was reading after everything up to here was written, or that was settled without it';
