-- The request for which something is done: its id is in its caller's answer and on the log's lines.
-- Also of what is done later, by the worker or after a restart. Ids of our own making only.

ALTER TABLE registrations ADD COLUMN request_id TEXT;
ALTER TABLE deliveries ADD COLUMN request_id TEXT;
ALTER TABLE events ADD COLUMN request_id TEXT;
