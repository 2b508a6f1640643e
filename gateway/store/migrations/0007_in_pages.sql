-- When promised sign-ups end, and webhooks that failed, are found without a look at all that waits.

CREATE INDEX registrations_ending ON registrations (end_at, id) WHERE state = 'waiting';
CREATE INDEX events_failed ON events (id) WHERE state = 'failed';
