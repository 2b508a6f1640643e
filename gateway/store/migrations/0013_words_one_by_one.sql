-- The words of a CHECK are compared one by one: of an `IN` SQLite makes a table, for each row. So are
-- those of the indexes of open deliveries. A customer's links stand side by side, and need no index
-- of customers. Every row stays.

CREATE TABLE registrations_new (
    id             TEXT PRIMARY KEY,
    state          TEXT NOT NULL
                   CHECK (state = 'open' OR state = 'accepted' OR state = 'waiting'
                          OR state = 'unclear' OR state = 'rejected' OR state = 'replaced'),
    email_hash     BLOB NOT NULL,
    body_hash      BLOB NOT NULL,
    email_verified INTEGER NOT NULL DEFAULT 0,
    customer_id    INTEGER,
    shopify_action TEXT CHECK (shopify_action IN ('created', 'adopted')),
    warnings       TEXT NOT NULL DEFAULT '[]',
    problem        TEXT,
    answered       INTEGER NOT NULL DEFAULT 0,
    created_at     REAL NOT NULL,
    updated_at     REAL NOT NULL,
    tries          INTEGER NOT NULL DEFAULT 0,
    claimed        INTEGER NOT NULL DEFAULT 0,
    doubt          INTEGER NOT NULL DEFAULT 0,
    next_try_at    REAL,
    end_at         REAL,
    replaced_by    TEXT,
    request_id     TEXT
) STRICT, WITHOUT ROWID;
INSERT INTO registrations_new
    (id, state, email_hash, body_hash, email_verified, customer_id, shopify_action, warnings,
     problem, answered, created_at, updated_at, tries, claimed, doubt, next_try_at, end_at,
     replaced_by, request_id)
    SELECT id, state, email_hash, body_hash, email_verified, customer_id, shopify_action, warnings,
           problem, answered, created_at, updated_at, tries, claimed, doubt, next_try_at, end_at,
           replaced_by, request_id
    FROM registrations;
DROP TABLE registrations;
ALTER TABLE registrations_new RENAME TO registrations;
CREATE INDEX registrations_email ON registrations (email_hash, created_at);
CREATE INDEX registrations_unsettled ON registrations (state) WHERE state IN ('open', 'unclear');
CREATE INDEX registrations_waiting ON registrations (next_try_at, id) WHERE state = 'waiting';
CREATE INDEX registrations_claimed ON registrations (id) WHERE state = 'waiting' AND claimed = 1;
CREATE INDEX registrations_ending ON registrations (end_at, id) WHERE state = 'waiting';

CREATE TABLE deliveries_new (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    registration_id TEXT,
    customer_id     INTEGER NOT NULL,
    channel         TEXT NOT NULL,
    kind            TEXT NOT NULL
                    CHECK (kind = 'registration' OR kind = 'update' OR kind = 'backfill'
                           OR kind = 'removal'),
    outcome         TEXT NOT NULL
                    CHECK (outcome = 'delivered' OR outcome = 'pending' OR outcome = 'retrying'
                           OR outcome = 'failed' OR outcome = 'held' OR outcome = 'skipped'
                           OR outcome = 'dry_run' OR outcome = 'discarded'),
    error_class     TEXT
                    CHECK (error_class = 'connection' OR error_class = 'timeout'
                           OR error_class = 'rate_limit' OR error_class = 'unavailable'
                           OR error_class = 'auth' OR error_class = 'invalid_data'
                           OR error_class = 'duplicate' OR error_class = 'conflict'
                           OR error_class = 'too_late' OR error_class = 'unexpected'),
    message         TEXT,
    attempts        INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    version         INTEGER NOT NULL DEFAULT 1,
    claimed_version INTEGER,
    waiting         TEXT
                    CHECK (waiting = 'channel' OR waiting = 'shopify' OR waiting = 'index'),
    urgent          INTEGER NOT NULL DEFAULT 0,
    content_hash    TEXT,
    plan            TEXT,
    action          TEXT,
    reference       TEXT,
    adjustments     TEXT NOT NULL DEFAULT '[]',
    created_at      REAL NOT NULL,
    updated_at      REAL NOT NULL,
    next_attempt_at REAL,
    kept_back       INTEGER NOT NULL DEFAULT 0,
    reason          TEXT,
    request_id      TEXT
) STRICT;
INSERT INTO deliveries_new
    (id, registration_id, customer_id, channel, kind, outcome, error_class, message, attempts,
     version, claimed_version, waiting, urgent, content_hash, plan, action, reference,
     adjustments, created_at, updated_at, next_attempt_at, kept_back, reason, request_id)
    SELECT id, registration_id, customer_id, channel, kind, outcome, error_class, message, attempts,
           version, claimed_version, waiting, urgent, content_hash, plan, action, reference,
           adjustments, created_at, updated_at, next_attempt_at, kept_back, reason, request_id
    FROM deliveries;
-- An id is never given twice.
INSERT INTO sqlite_sequence (name, seq)
    SELECT 'deliveries_new', 0
    WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'deliveries_new');
UPDATE sqlite_sequence
    SET seq = max(seq, coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'deliveries'), 0))
    WHERE name = 'deliveries_new';
DROP TABLE deliveries;
ALTER TABLE deliveries_new RENAME TO deliveries;
CREATE UNIQUE INDEX deliveries_open ON deliveries (customer_id, channel)
    WHERE (outcome = 'pending' OR outcome = 'retrying' OR outcome = 'failed' OR outcome = 'held');
CREATE INDEX deliveries_due ON deliveries (channel, kept_back, outcome, next_attempt_at)
    WHERE (outcome = 'pending' OR outcome = 'retrying' OR outcome = 'failed' OR outcome = 'held');
CREATE INDEX deliveries_waiting ON deliveries (waiting, channel) WHERE waiting IS NOT NULL;
CREATE INDEX deliveries_customer ON deliveries (customer_id, channel, id);
CREATE INDEX deliveries_registration ON deliveries (registration_id);

CREATE TABLE links_new (
    channel       TEXT NOT NULL,
    customer_id   INTEGER NOT NULL,
    reference     TEXT NOT NULL,
    member_number TEXT,
    fingerprints  TEXT,
    old_number    TEXT,
    old_place     TEXT,
    created_at    REAL NOT NULL,
    updated_at    REAL NOT NULL,
    unproven      BLOB,
    PRIMARY KEY (customer_id, channel)
) STRICT, WITHOUT ROWID;
INSERT INTO links_new
    (channel, customer_id, reference, member_number, fingerprints, old_number, old_place,
     created_at, updated_at, unproven)
    SELECT channel, customer_id, reference, member_number, fingerprints, old_number, old_place,
           created_at, updated_at, unproven
    FROM links;
DROP TABLE links;
ALTER TABLE links_new RENAME TO links;
CREATE UNIQUE INDEX links_record ON links (channel, reference);
