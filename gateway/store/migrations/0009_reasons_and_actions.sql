-- What an upstream says of a refusal is kept, without values, so that failures can be told apart.

ALTER TABLE deliveries ADD COLUMN reason TEXT;
ALTER TABLE attempts ADD COLUMN reason TEXT;

-- What people did in the console: who (a role, and which of its sessions), what, to whom, and the
-- reason they gave. Ids and our own words; kept as long as settled rows.
CREATE TABLE actions (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    at          REAL NOT NULL,
    actor       TEXT NOT NULL,
    action      TEXT NOT NULL,
    customer_id INTEGER,
    subject     TEXT NOT NULL DEFAULT '',
    why         TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX actions_age ON actions (at);
