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
-- `number` counts an order's movements; with the order it makes the `uuid` by which it is found.
CREATE TABLE points_movements (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid           TEXT NOT NULL,
    order_id       INTEGER NOT NULL,
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
    updated_at     REAL NOT NULL
) STRICT;
CREATE UNIQUE INDEX points_movements_uuid ON points_movements (uuid) WHERE state <> 'void';
CREATE INDEX points_movements_order ON points_movements (order_id);
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
