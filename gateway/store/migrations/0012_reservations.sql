-- A movement of points may belong to a reservation instead of an order. Every row stays.
CREATE TABLE points_movements_new (
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
INSERT INTO points_movements_new
    (id, uuid, order_id, number, member_id, points, state, way, store_id, terminal_id, tran_at,
     sent_at, head_id, balance_before, attempts, message, next_at, created_at, updated_at)
    SELECT id, uuid, order_id, number, member_id, points, state, way, store_id, terminal_id, tran_at,
           sent_at, head_id, balance_before, attempts, message, next_at, created_at, updated_at
    FROM points_movements;
-- An id is part of what Smaregi knows a movement by: none is given twice.
INSERT INTO sqlite_sequence (name, seq)
    SELECT 'points_movements_new', 0
    WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'points_movements_new');
UPDATE sqlite_sequence
    SET seq = max(seq, coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'points_movements'), 0))
    WHERE name = 'points_movements_new';
DROP TABLE points_movements;
ALTER TABLE points_movements_new RENAME TO points_movements;
CREATE UNIQUE INDEX points_movements_uuid ON points_movements (uuid) WHERE state <> 'void';
CREATE INDEX points_movements_order ON points_movements (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX points_movements_reservation ON points_movements (reservation_id)
    WHERE reservation_id IS NOT NULL;
CREATE INDEX points_movements_open ON points_movements (member_id, id)
    WHERE state IN ('owed', 'sent', 'stuck');
CREATE INDEX points_movements_head ON points_movements (head_id) WHERE head_id IS NOT NULL;

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
