-- What its flag keeps back is marked, so that looking for what is due passes it over at no cost.

ALTER TABLE deliveries ADD COLUMN kept_back INTEGER NOT NULL DEFAULT 0;
DROP INDEX deliveries_due;
CREATE INDEX deliveries_due ON deliveries (channel, kept_back, outcome, next_attempt_at)
    WHERE outcome IN ('pending', 'retrying', 'failed', 'held');
CREATE INDEX deliveries_waiting ON deliveries (waiting, channel) WHERE waiting IS NOT NULL;
