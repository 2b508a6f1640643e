-- Ids, keyed hashes and outcomes; the one place with personal data is `intents.sealed`, encrypted
-- and wiped once Shopify has the customer or has refused. Times are Unix seconds (UTC).

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One row a sign-up. `state`:
--   open      on its way to Shopify; its intent is kept
--   unclear   the caller was told 503, yet Shopify may have the customer: being resolved
--   accepted  Shopify has the customer; deliveries exist
--   rejected  Shopify refused; `problem` says why, without values
--   dropped   resolved: Shopify does not have the customer and never will
CREATE TABLE registrations (
    id             TEXT PRIMARY KEY,
    state          TEXT NOT NULL
                   CHECK (state IN ('open', 'unclear', 'accepted', 'rejected', 'dropped')),
    email_hash     BLOB NOT NULL,
    body_hash      BLOB NOT NULL,
    email_verified INTEGER NOT NULL DEFAULT 0,
    customer_id    INTEGER,
    shopify_action TEXT CHECK (shopify_action IN ('created', 'adopted')),
    warnings       TEXT NOT NULL DEFAULT '[]',
    problem        TEXT,
    told           INTEGER NOT NULL DEFAULT 0,  -- whether a caller heard of the success
    created_at     REAL NOT NULL,
    updated_at     REAL NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX registrations_email ON registrations (email_hash, created_at);
CREATE INDEX registrations_unsettled ON registrations (state) WHERE state IN ('open', 'unclear');

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

-- The index of Smaregi members: keyed hashes, numbers and what the match rules need. Keys are
-- random, so an index over a million of them is written all over at each page of a scan. Members
-- are therefore kept in parts of some thousands, in the order in which they came: a part's indexes
-- stay in the cache while it fills, and a look-up asks each part.
CREATE TABLE members (
    member_id  INTEGER PRIMARY KEY,
    part       INTEGER NOT NULL,
    code       TEXT NOT NULL,
    number     TEXT NOT NULL,
    email_key  BLOB,
    status     INTEGER NOT NULL,
    kana_key   BLOB,
    name_key   BLOB,
    birth_key  BLOB,
    last_come  TEXT NOT NULL,
    points     INTEGER NOT NULL,
    mobile_key BLOB,
    postal_key BLOB,
    place_key  BLOB
) STRICT;
CREATE INDEX members_email ON members (part, email_key) WHERE email_key IS NOT NULL;
CREATE INDEX members_number ON members (number) WHERE number <> '';
CREATE INDEX members_mobile ON members (part, mobile_key) WHERE mobile_key IS NOT NULL;
-- Many bear one name: birth date and postal code are looked at in the index, before the rows.
CREATE INDEX members_kana ON members (part, kana_key, birth_key, postal_key)
    WHERE kana_key IS NOT NULL;
CREATE INDEX members_place ON members (part, place_key, name_key)
    WHERE place_key IS NOT NULL AND name_key IS NOT NULL;
