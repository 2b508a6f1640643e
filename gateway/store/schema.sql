-- Ids, keyed hashes and outcomes; the one place with personal data is `intents.sealed`, encrypted
-- and wiped once Shopify has the customer or has refused. Times are Unix seconds (UTC).
--
-- SQLite makes a table of the words of an `IN` that a CHECK or an index of a part has, for each row:
-- in the tables that every sign-up writes they are compared one by one.

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
                   CHECK (state = 'open' OR state = 'accepted' OR state = 'waiting'
                          OR state = 'unclear' OR state = 'rejected' OR state = 'replaced'),
    email_hash     BLOB NOT NULL,
    body_hash      BLOB NOT NULL,
    email_verified INTEGER NOT NULL DEFAULT 0,
    customer_id    INTEGER,
    shopify_action TEXT CHECK (shopify_action IN ('created', 'adopted')),
    warnings       TEXT NOT NULL DEFAULT '[]',
    problem        TEXT,
    answered       INTEGER NOT NULL DEFAULT 0,  -- whether a caller was answered with the success
    created_at     REAL NOT NULL,
    updated_at     REAL NOT NULL,
    -- of one that waits, or waited:
    tries          INTEGER NOT NULL DEFAULT 0,
    claimed        INTEGER NOT NULL DEFAULT 0,  -- a try is under way
    doubt          INTEGER NOT NULL DEFAULT 0,  -- Shopify may have carried a try out
    next_try_at    REAL,
    end_at         REAL,                        -- when it is given up
    replaced_by    TEXT,                        -- the newest registration of this person
    request_id     TEXT                         -- the newest request that asked for it
) STRICT, WITHOUT ROWID;
CREATE INDEX registrations_email ON registrations (email_hash, created_at);
CREATE INDEX registrations_unsettled ON registrations (state) WHERE state IN ('open', 'unclear');
CREATE INDEX registrations_waiting ON registrations (next_try_at, id) WHERE state = 'waiting';
CREATE INDEX registrations_claimed ON registrations (id) WHERE state = 'waiting' AND claimed = 1;
CREATE INDEX registrations_ending ON registrations (end_at, id) WHERE state = 'waiting';

CREATE TABLE intents (
    registration_id TEXT PRIMARY KEY,
    sealed          BLOB NOT NULL,
    created_at      REAL NOT NULL
) STRICT, WITHOUT ROWID;

-- Idempotency keys, hashed; `answer` is the body that was given, byte for byte.
CREATE TABLE idempotency_keys (
    key             BLOB PRIMARY KEY,
    body_hash       BLOB NOT NULL,
    registration_id TEXT,
    status          INTEGER,
    answer          BLOB,
    created_at      REAL NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

-- The outbox: one customer owed to one channel.
CREATE TABLE deliveries (
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
    claimed_version INTEGER,            -- the version that the running attempt began with
    waiting         TEXT
                    CHECK (waiting = 'channel' OR waiting = 'shopify' OR waiting = 'index'),
    urgent          INTEGER NOT NULL DEFAULT 0,  -- opted out of mail: goes whatever the flags say
    content_hash    TEXT,               -- keyed, of what the last failed attempt tried to send
    plan            TEXT,               -- what the channel decided before its write (ids only)
    action          TEXT,
    reference       TEXT,
    adjustments     TEXT NOT NULL DEFAULT '[]',
    created_at      REAL NOT NULL,
    updated_at      REAL NOT NULL,
    next_attempt_at REAL,
    kept_back       INTEGER NOT NULL DEFAULT 0, -- by its flag: not looked at until either changes
    reason          TEXT,               -- the upstream's own words of the last failure, no values
    request_id      TEXT                -- the newest request for which it is made
) STRICT;
CREATE UNIQUE INDEX deliveries_open ON deliveries (customer_id, channel)
    WHERE (outcome = 'pending' OR outcome = 'retrying' OR outcome = 'failed' OR outcome = 'held');
CREATE INDEX deliveries_due ON deliveries (channel, kept_back, outcome, next_attempt_at)
    WHERE (outcome = 'pending' OR outcome = 'retrying' OR outcome = 'failed' OR outcome = 'held');
CREATE INDEX deliveries_waiting ON deliveries (waiting, channel) WHERE waiting IS NOT NULL;
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
    counted     INTEGER NOT NULL,
    reason      TEXT
) STRICT;
CREATE INDEX attempts_delivery ON attempts (delivery_id);

-- Which record of which system is which customer; outside retention.
CREATE TABLE links (
    channel       TEXT NOT NULL,
    customer_id   INTEGER NOT NULL,
    reference     TEXT NOT NULL,
    member_number TEXT,
    fingerprints  TEXT,  -- JSON: field -> how it was given (s sent, b baseline) and keyed hash
    old_number    TEXT,  -- the number that the record had before it was linked
    old_place     TEXT,  -- the field where it is kept; both NULL for a record of our own making
    created_at    REAL NOT NULL,
    updated_at    REAL NOT NULL,
    unproven      BLOB,  -- keyed hash of the e-mail by which a record that was there was linked,
                         -- until it is known to be the customer's
    PRIMARY KEY (customer_id, channel)  -- side by side: they are written together
) STRICT, WITHOUT ROWID;
-- One record is one customer's.
CREATE UNIQUE INDEX links_record ON links (channel, reference);

-- A person said that this store member is not this customer.
CREATE TABLE kept_apart (
    customer_id INTEGER NOT NULL,
    member_id   INTEGER NOT NULL,
    created_at  REAL NOT NULL,
    PRIMARY KEY (customer_id, member_id)
) STRICT, WITHOUT ROWID;

-- The e-mail that is known to be a customer's: its keyed hash, as of a registration.
CREATE TABLE proofs (
    customer_id INTEGER PRIMARY KEY,
    email_hash  BLOB NOT NULL,
    signed_in   INTEGER NOT NULL DEFAULT 0  -- their first sign-in at Shopify was seen
) STRICT;

-- Two store members that a person makes one. `step`:
--   begun     agreed; nothing was sent
--   taking    `points` are about to leave the absorbed, or have just left it
--   taken     they have left it
--   giving    they are about to reach the survivor, or have just reached it
--   given     they have reached it
--   linking   the absorbed has given up the customer's number; the link moves
--   done
-- `problem` says why a person has to compare the balances; nothing goes on by itself then.
-- `balance_before` is that of the member whose points are being moved.
CREATE TABLE merges (
    low            INTEGER NOT NULL,
    high           INTEGER NOT NULL,
    survivor       INTEGER NOT NULL,
    absorbed       INTEGER NOT NULL,
    step           TEXT NOT NULL CHECK (step IN ('begun', 'taking', 'taken', 'giving', 'given',
                                                 'linking', 'done')),
    customer_id    INTEGER,  -- whose link moves to the survivor
    points         INTEGER NOT NULL DEFAULT 0,
    balance_before INTEGER NOT NULL DEFAULT 0,
    problem        TEXT,
    created_at     REAL NOT NULL,
    updated_at     REAL NOT NULL,
    PRIMARY KEY (low, high),
    CHECK (low < high)
) STRICT, WITHOUT ROWID;

-- Pairs of store members that may be one person, at least one of them linked; ids and codes only.
-- `state`:
--   open      for a person to look at
--   rejected  a person said no: never shown again
--   merged    a person said yes, and it was done
CREATE TABLE duplicates (
    low_id     INTEGER NOT NULL,
    high_id    INTEGER NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('open', 'rejected', 'merged')),
    reasons    TEXT NOT NULL,
    score      INTEGER NOT NULL,
    found_at   REAL NOT NULL,
    updated_at REAL NOT NULL,
    PRIMARY KEY (low_id, high_id),
    CHECK (low_id < high_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX duplicates_high ON duplicates (high_id);
CREATE INDEX duplicates_open ON duplicates (score DESC, low_id, high_id) WHERE state = 'open';

-- What a customer said at sign-up who was linked to a store member; the keys are those of `members`.
CREATE TABLE signup_evidence (
    customer_id INTEGER PRIMARY KEY,
    email_key   BLOB,
    mobile_key  BLOB,
    kana_key    BLOB,
    name_key    BLOB,
    birth_key   BLOB,
    postal_key  BLOB,
    place_key   BLOB
) STRICT;
CREATE INDEX signup_evidence_email ON signup_evidence (email_key) WHERE email_key IS NOT NULL;
CREATE INDEX signup_evidence_mobile ON signup_evidence (mobile_key) WHERE mobile_key IS NOT NULL;
CREATE INDEX signup_evidence_kana ON signup_evidence (kana_key, birth_key, postal_key)
    WHERE kana_key IS NOT NULL;
CREATE INDEX signup_evidence_place ON signup_evidence (place_key, name_key)
    WHERE place_key IS NOT NULL AND name_key IS NOT NULL;

-- Members that changed or were linked and were not yet looked at for duplicates; with what their
-- customer said, on its way to the table above.
CREATE TABLE duplicate_queue (
    member_id   INTEGER PRIMARY KEY,
    customer_id INTEGER,
    evidence    BLOB
) STRICT;

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
    mobile_key BLOB,
    postal_key BLOB,
    place_key  BLOB,
    updated_at INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX members_email ON members (part, email_key) WHERE email_key IS NOT NULL;
CREATE INDEX members_number ON members (number) WHERE number <> '';
CREATE INDEX members_mobile ON members (part, mobile_key) WHERE mobile_key IS NOT NULL;
-- Many bear one name: birth date and postal code are looked at in the index, before the rows.
CREATE INDEX members_kana ON members (part, kana_key, birth_key, postal_key)
    WHERE kana_key IS NOT NULL;
CREATE INDEX members_place ON members (part, place_key, name_key)
    WHERE place_key IS NOT NULL AND name_key IS NOT NULL;


-- Webhooks: topic and ids, never the body. Kept for days after the work, to know a repetition.
-- `state`:
--   waiting  its work is owed
--   done     worked, together with what else waited for the same customer
--   failed   the tries are used up and administrators were told; taken up again at the next start
CREATE TABLE events (
    id              TEXT PRIMARY KEY,   -- the source, a colon and the sender's own event id
    source          TEXT NOT NULL CHECK (source IN ('shopify', 'smaregi')),
    topic           TEXT NOT NULL,
    customer_id     INTEGER,            -- Shopify's; of a merge the survivor
    merged_id       INTEGER,            -- of a merge the customer that went
    members         TEXT NOT NULL DEFAULT '[]',
    state           TEXT NOT NULL CHECK (state IN ('waiting', 'done', 'failed')),
    attempts        INTEGER NOT NULL DEFAULT 0,
    message         TEXT,
    received_at     REAL NOT NULL,
    updated_at      REAL NOT NULL,
    next_attempt_at REAL NOT NULL,
    request_id      TEXT                -- the request that brought it
) STRICT;
CREATE INDEX events_due ON events (source, next_attempt_at) WHERE state = 'waiting';
CREATE INDEX events_merged ON events (merged_id) WHERE merged_id IS NOT NULL;
CREATE INDEX events_settled ON events (updated_at) WHERE state <> 'waiting';
CREATE INDEX events_failed ON events (id) WHERE state = 'failed';

-- Whom the gateway speaks to: written down at the first success, compared from then on. `place` and
-- `label` may be empty: what was not known is no difference.
CREATE TABLE identities (
    system TEXT PRIMARY KEY,
    id     TEXT NOT NULL,
    place  TEXT NOT NULL,
    label  TEXT NOT NULL,
    since  REAL NOT NULL
) STRICT, WITHOUT ROWID;

-- Customers who are to leave the channels, counted so that a mass of them stops by itself. `state`:
--   noticed    seen to be gone, or to be erased; nothing was done
--   begun      their removal has begun: kept for an hour, for the count
--   held       too many at once: a person decides
--   confirmed  a person said that it is so
--   dropped    a person said that they stay; until they are seen in Shopify again
-- `cause`: gone from Shopify; redact, Shopify orders to erase them; exists, the same of somebody whom
-- Shopify still has, which is for a person.
CREATE TABLE removals (
    customer_id INTEGER PRIMARY KEY,
    cause       TEXT NOT NULL CHECK (cause IN ('gone', 'redact', 'exists')),
    state       TEXT NOT NULL
                CHECK (state IN ('noticed', 'begun', 'held', 'confirmed', 'dropped')),
    noticed_at  REAL NOT NULL,
    updated_at  REAL NOT NULL
) STRICT;
CREATE INDEX removals_state ON removals (state, cause);

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

-- Orders of the shop, and what they earn. `state`:
--   waiting  not yet: `reason` says for what
--   held     the flag keeps it for later
--   skipped  made while the flag did not give: only `points backfill` gives it
--   dry_run  computed, nothing is given
--   ignored  earns nothing: `reason` says why
--   given    its movements add up to `target`, less what was `lacking` to take back
--   failed   could not be computed; administrators were told
-- `due_at`: when it is to be read again; NULL: when somebody says so. `rule`: the rate, as JSON,
-- written with its first movement, as is `member_id`, who got it.
CREATE TABLE points_orders (
    order_id        INTEGER PRIMARY KEY,
    customer_id     INTEGER,            -- Shopify's; NULL for a guest's
    member_id       INTEGER,
    state           TEXT NOT NULL CHECK (state IN ('waiting', 'held', 'skipped', 'dry_run', 'ignored',
                                                   'given', 'failed')),
    reason          TEXT NOT NULL DEFAULT '',
    rule            TEXT,
    target          INTEGER NOT NULL DEFAULT 0,
    lacking         INTEGER NOT NULL DEFAULT 0 CHECK (lacking >= 0),
    lacking_since   REAL,
    asked           INTEGER NOT NULL DEFAULT 0, -- by `points backfill`: whenever it was made
    version         INTEGER NOT NULL DEFAULT 1, -- raised by each notice of a change
    seen_updated_at REAL,                       -- Shopify's time of the last change that was read
    made_at         REAL,
    paid_at         REAL,
    attempts        INTEGER NOT NULL DEFAULT 0,
    error_class     TEXT,
    message         TEXT,
    due_at          REAL,
    created_at      REAL NOT NULL,
    updated_at      REAL NOT NULL
) STRICT;
CREATE INDEX points_orders_due ON points_orders (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX points_orders_state ON points_orders (state, reason);
CREATE INDEX points_orders_customer ON points_orders (customer_id) WHERE customer_id IS NOT NULL;
CREATE INDEX points_orders_member ON points_orders (member_id) WHERE member_id IS NOT NULL;
CREATE INDEX points_orders_lacking ON points_orders (member_id) WHERE lacking > 0;

-- Points on their way to a member, or from one. `state`:
--   owed   written with the difference that it makes up for; nothing was sent
--   sent   written before it is sent: whether Smaregi has it is not known
--   done   Smaregi has it, as `head_id`
--   stuck  a person must say whether it was done
--   void   it was not done, and never will be
-- `number` counts the movements of an order, or of a reservation; with that it makes the `uuid` by
-- which it is found.
CREATE TABLE points_movements (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid           TEXT NOT NULL,
    order_id       INTEGER,
    reservation_id INTEGER,
    number         INTEGER NOT NULL CHECK (number > 0),
    member_id      INTEGER NOT NULL,
    points         INTEGER NOT NULL CHECK (points <> 0),
    state          TEXT NOT NULL CHECK (state IN ('owed', 'sent', 'done', 'stuck', 'void')),
    way            TEXT CHECK (way IN ('transaction', 'add')),  -- by which it was sent
    store_id       TEXT NOT NULL,
    terminal_id    TEXT NOT NULL,
    tran_at        INTEGER NOT NULL,  -- the time that it bears in Smaregi
    sent_at        REAL,              -- of the last try
    head_id        TEXT,
    balance_before INTEGER,           -- of a first movement, by which the way is proven
    attempts       INTEGER NOT NULL DEFAULT 0,
    message        TEXT,
    next_at        REAL NOT NULL,
    created_at     REAL NOT NULL,
    updated_at     REAL NOT NULL,
    CHECK ((order_id IS NULL) <> (reservation_id IS NULL))
) STRICT;
CREATE UNIQUE INDEX points_movements_uuid ON points_movements (uuid) WHERE state <> 'void';
CREATE INDEX points_movements_order ON points_movements (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX points_movements_reservation ON points_movements (reservation_id)
    WHERE reservation_id IS NOT NULL;
CREATE INDEX points_movements_open ON points_movements (member_id, id)
    WHERE state IN ('owed', 'sent', 'stuck');
CREATE INDEX points_movements_head ON points_movements (head_id) WHERE head_id IS NOT NULL;

-- What Smaregi's ledger has otherwise than ours: never mended blindly.
CREATE TABLE points_drift (
    head_id     TEXT PRIMARY KEY,
    kind        TEXT NOT NULL CHECK (kind IN ('twice', 'unknown', 'cancelled', 'differs')),
    uuid        TEXT NOT NULL,
    member_id   INTEGER,
    points      INTEGER NOT NULL,
    movement_id INTEGER,
    found_at    REAL NOT NULL
) STRICT, WITHOUT ROWID;

-- Points that a customer spends online, and the discount code that they became. `state`:
--   pending   written; the points are being taken, then the code is made
--   active    the code can be used, until `expires_at`
--   closing   given up or expired: the code is ended, then the customer's orders are read
--   used      an order used the code: `points_uses` says for how many points
--   released  not used: the points are given back
--   refused   no points were taken: the member had too few, say
-- `due_at`: when something is to be done about it. `key_hash`, `body_hash`: of the caller's
-- idempotency key, for a day.
CREATE TABLE points_reservations (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    customer_id     INTEGER NOT NULL,
    member_id       INTEGER NOT NULL,
    points          INTEGER NOT NULL CHECK (points > 0),
    yen             INTEGER NOT NULL CHECK (yen > 0),
    code            TEXT NOT NULL UNIQUE,
    state           TEXT NOT NULL CHECK (state IN ('pending', 'active', 'closing', 'used', 'released',
                                                   'refused')),
    tried_at        REAL,               -- of the last try to make the code; NULL: there is none
    ended_at        REAL,               -- since when no checkout takes the code
    lacking         INTEGER NOT NULL DEFAULT 0 CHECK (lacking >= 0),
    lacking_since   REAL,
    key_hash        BLOB,
    body_hash       BLOB,
    attempts        INTEGER NOT NULL DEFAULT 0,
    error_class     TEXT,
    message         TEXT,
    due_at          REAL,
    expires_at      REAL NOT NULL,
    created_at      REAL NOT NULL,
    updated_at      REAL NOT NULL
) STRICT;
CREATE UNIQUE INDEX points_reservations_open ON points_reservations (customer_id)
    WHERE state IN ('pending', 'active');
CREATE INDEX points_reservations_customer ON points_reservations (customer_id, created_at);
CREATE INDEX points_reservations_member ON points_reservations (member_id);
CREATE INDEX points_reservations_due ON points_reservations (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX points_reservations_key ON points_reservations (key_hash) WHERE key_hash IS NOT NULL;
CREATE INDEX points_reservations_state ON points_reservations (state);

-- How many points of a reservation an order has used, by what Shopify holds of it now. One order a
-- code: a second one is a code that was used twice.
CREATE TABLE points_uses (
    reservation_id INTEGER NOT NULL,
    order_id       INTEGER NOT NULL,
    points         INTEGER NOT NULL CHECK (points >= 0),
    PRIMARY KEY (reservation_id, order_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX points_uses_order ON points_uses (order_id);
