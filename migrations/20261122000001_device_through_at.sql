-- `device.through_at` gets a meaning that a replay can rely on: until now it was the time of the last
-- ack, which says nothing about what lies beyond `through`.

UPDATE bellhop.device SET through_at = NULL WHERE through_at IS NOT NULL;

COMMENT ON COLUMN bellhop.device.through IS 'Everything up to here is acked by this device, or settled without it';
COMMENT ON COLUMN bellhop.device.through_at IS 'Nothing beyond through was routed before this (within an hour), so a replay reads no older partitions; NULL: not known';
COMMENT ON COLUMN bellhop.device.reached_through IS 'For a device that never acks: it was reading after everything up to here was written, or that was settled without it';
