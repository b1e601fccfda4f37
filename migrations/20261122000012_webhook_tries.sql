-- What became of the newest requests to each webhook, for whoever looks after one. Written after each try, one row a
-- request of up to 200 events, and the oldest beyond fifty deleted by the same statement: the table is as large as
-- there are webhooks.
CREATE TABLE bellhop.webhook_try (
    id         bigint GENERATED ALWAYS AS IDENTITY,
    webhook_id uuid NOT NULL,
    message_id uuid NOT NULL,
    nth        smallint NOT NULL,
    about      text NOT NULL,
    at         timestamptz NOT NULL,
    status     smallint,
    failure    text,
    next_at    timestamptz,
    PRIMARY KEY (webhook_id, id)
);
COMMENT ON COLUMN bellhop.webhook_try.message_id IS 'Header webhook-id, the same for each try of one request';
COMMENT ON COLUMN bellhop.webhook_try.nth IS '1 for the first try of a request; 0: a test, which is never tried again';
COMMENT ON COLUMN bellhop.webhook_try.about IS 'What it told, counted: 12 acked, 1 settled. No ids: nothing here is about a person';
COMMENT ON COLUMN bellhop.webhook_try.failure IS 'What was wrong; NULL: the receiver took it';
COMMENT ON COLUMN bellhop.webhook_try.next_at IS 'When it was to be tried again; NULL after a failure: not any more';
