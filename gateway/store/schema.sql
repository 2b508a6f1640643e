-- Ids, keyed hashes and outcomes; the one place with personal data is `intents.sealed`, encrypted
-- and wiped once Shopify has the customer or has refused. Times are Unix seconds (UTC).

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One row a sign-up. `state`:
--   open      on its way to Shopify; its intent is kept
--   waiting   the caller was told 202: its intent is kept until Shopify has accepted or refused
--   unclear   the caller was told that it failed, yet Shopify may have the customer: being resolved
--   accepted  Shopify has the customer; deliveries exist
--   rejected  told 202, then refused by Shopify or given up; `problem` says why, without values
--   replaced  told 202, then the same person sent other data: `replaced_by`
CREATE TABLE registrations (
    id             TEXT PRIMARY KEY,
    state          TEXT NOT NULL
                   CHECK (state IN ('open', 'waiting', 'unclear', 'accepted', 'rejected',
                                    'replaced')),
    email_hash     BLOB NOT NULL,
    body_hash      BLOB NOT NULL,
    email_verified INTEGER NOT NULL DEFAULT 0,
    customer_id    INTEGER,
    shopify_action TEXT CHECK (shopify_action IN ('created', 'adopted')),
    warnings       TEXT NOT NULL DEFAULT '[]',
    problem        TEXT,
    told           INTEGER NOT NULL DEFAULT 0,  -- whether a caller heard of the success
    created_at     REAL NOT NULL,
    updated_at     REAL NOT NULL,
    -- of one that waits, or waited:
    tries          INTEGER NOT NULL DEFAULT 0,
    claimed        INTEGER NOT NULL DEFAULT 0,  -- a try is under way
    doubt          INTEGER NOT NULL DEFAULT 0,  -- Shopify may have carried a try out
    next_try_at    REAL,
    end_at         REAL,                        -- when it is given up
    replaced_by    TEXT                         -- the newest registration of this person
) STRICT, WITHOUT ROWID;
CREATE INDEX registrations_email ON registrations (email_hash, created_at);
CREATE INDEX registrations_unsettled ON registrations (state) WHERE state IN ('open', 'unclear');
CREATE INDEX registrations_waiting ON registrations (next_try_at, id) WHERE state = 'waiting';
CREATE INDEX registrations_claimed ON registrations (id) WHERE state = 'waiting' AND claimed = 1;

CREATE TABLE intents (
    registration_id TEXT PRIMARY KEY,
    sealed          BLOB NOT NULL,
    created_at      REAL NOT NULL
) STRICT, WITHOUT ROWID;

-- Idempotency keys, hashed; `answer` is the body that was given, byte for byte.
CREATE TABLE answers (
    key             BLOB PRIMARY KEY,
    body_hash       BLOB NOT NULL,
    registration_id TEXT,
    status          INTEGER,
    answer          BLOB,
    created_at      REAL NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX answers_age ON answers (created_at);

-- The outbox: one customer owed to one channel.
CREATE TABLE deliveries (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    registration_id TEXT,
    customer_id     INTEGER NOT NULL,
    channel         TEXT NOT NULL,
    kind            TEXT NOT NULL
                    CHECK (kind IN ('registration', 'update', 'backfill', 'removal')),
    outcome         TEXT NOT NULL
                    CHECK (outcome IN ('delivered', 'pending', 'retrying', 'failed', 'held',
                                       'skipped', 'dry_run', 'discarded')),
    error_class     TEXT
                    CHECK (error_class IN ('connection', 'timeout', 'rate_limit', 'unavailable',
                                           'auth', 'invalid_data', 'duplicate', 'conflict',
                                           'too_late', 'unexpected')),
    message         TEXT,
    attempts        INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    version         INTEGER NOT NULL DEFAULT 1,
    claimed_version INTEGER,            -- the version that the running attempt began with
    waiting         TEXT CHECK (waiting IN ('channel', 'shopify', 'index')),
    email_verified  INTEGER NOT NULL DEFAULT 0,
    plan            TEXT,               -- what the channel decided before its write (ids only)
    action          TEXT,
    reference       TEXT,
    adjustments     TEXT NOT NULL DEFAULT '[]',
    created_at      REAL NOT NULL,
    updated_at      REAL NOT NULL,
    next_attempt_at REAL
) STRICT;
CREATE UNIQUE INDEX deliveries_open ON deliveries (customer_id, channel)
    WHERE outcome IN ('pending', 'retrying', 'failed', 'held');
CREATE INDEX deliveries_due ON deliveries (channel, outcome, next_attempt_at)
    WHERE outcome IN ('pending', 'retrying', 'failed', 'held');
CREATE INDEX deliveries_customer ON deliveries (customer_id, channel, id);
CREATE INDEX deliveries_registration ON deliveries (registration_id);

CREATE TABLE attempts (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    delivery_id INTEGER NOT NULL REFERENCES deliveries (id) ON DELETE CASCADE,
    started_at  REAL NOT NULL,
    duration    REAL NOT NULL,
    outcome     TEXT NOT NULL,
    error_class TEXT,
    message     TEXT,
    counted     INTEGER NOT NULL
) STRICT;
CREATE INDEX attempts_delivery ON attempts (delivery_id);

-- Which record of which system is which customer; outside retention.
CREATE TABLE links (
    channel       TEXT NOT NULL,
    customer_id   INTEGER NOT NULL,
    reference     TEXT NOT NULL,
    member_number TEXT,
    created_at    REAL NOT NULL,
    updated_at    REAL NOT NULL,
    PRIMARY KEY (channel, customer_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX links_reference ON links (channel, reference);

-- The index of Smaregi members: keyed hashes, numbers and what the match rules need.
CREATE TABLE members (
    member_id  INTEGER PRIMARY KEY,
    code       TEXT NOT NULL,
    number     TEXT NOT NULL,
    email_key  BLOB,
    status     INTEGER NOT NULL,
    kana_key   BLOB,
    name_key   BLOB,
    birth_key  BLOB,
    last_come  TEXT NOT NULL,
    points     INTEGER NOT NULL,
    seen_scan  INTEGER NOT NULL
) STRICT;
CREATE INDEX members_email ON members (email_key) WHERE email_key IS NOT NULL;
CREATE INDEX members_code ON members (code);
