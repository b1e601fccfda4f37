-- Who acknowledges names the notification. With ten thousand recipients its index entries were read ten thousand
-- times, once for each of them. As large as before on disk but for 16 bytes an entry.
CREATE INDEX delivery_notification_user ON bellhop.delivery (notification_id, user_id);
DROP INDEX bellhop.delivery_notification;
