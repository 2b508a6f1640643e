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

-- Who has a record in any channel at all.
CREATE INDEX links_customer ON links (customer_id);
