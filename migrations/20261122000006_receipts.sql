-- Who goes, and what publishers are told.

-- A user is being removed: what is owed to them ends, and, when erased, what was theirs goes, in pages. A row of
-- work: whoever claims it goes on where the one before stopped. It stays when done, as the answer to "is it gone?".
CREATE TABLE bellhop.removal (
    user_id      uuid PRIMARY KEY,
    tenant_id    uuid NOT NULL,
    erase        boolean NOT NULL,
    asked_at     timestamptz NOT NULL,
    waits_for    text[],
    after        bigint NOT NULL DEFAULT 0,
    found        bigint NOT NULL DEFAULT 0,
    deliveries   bigint NOT NULL DEFAULT 0,
    ended        bigint NOT NULL DEFAULT 0,
    contents     bigint NOT NULL DEFAULT 0,
    devices      bigint NOT NULL DEFAULT 0,
    next_at      timestamptz,
    fence        bigint NOT NULL DEFAULT 0,
    done_at      timestamptz
);
CREATE INDEX removal_due ON bellhop.removal (next_at) WHERE next_at IS NOT NULL;
COMMENT ON COLUMN bellhop.removal.erase IS 'Not only ended, but emptied: title, body, data, devices';
COMMENT ON COLUMN bellhop.removal.waits_for IS 'Transactions that ran when it was first looked at: one of them may still owe the user something';
COMMENT ON COLUMN bellhop.removal.after IS 'Deliveries up to this number were seen to';
COMMENT ON COLUMN bellhop.removal.found IS 'Deliveries there were when it was asked for';
COMMENT ON COLUMN bellhop.removal.deliveries IS 'How many were seen to; ended: of them were owed still; contents: notifications that were emptied';
COMMENT ON COLUMN bellhop.removal.next_at IS 'When somebody must look; NULL: done. A claim moves it on';
COMMENT ON COLUMN bellhop.removal.fence IS 'Goes up with every claim; what is written counts only under the number it was claimed with';
