-- When promised sign-ups end, webhooks that failed and the likeliest duplicates are found without a
-- look at all there are.

CREATE INDEX registrations_ending ON registrations (end_at, id) WHERE state = 'waiting';
CREATE INDEX duplicates_open ON duplicates (score DESC, low_id, high_id) WHERE state = 'open';
CREATE INDEX events_failed ON events (id) WHERE state = 'failed';
