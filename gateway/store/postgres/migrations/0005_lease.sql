-- oldest_reader: 5
-- Gateways that stand on this database, and commands that hold the lease for their run. Each says
-- again and again that it lives. `address`: where others of its kind reach it; NULL: a command.
-- `config`: a keyed hash of what must be set alike. `leaving`: 1 while it ends what is under way.
CREATE TABLE gateways (
    id         TEXT COLLATE "C" PRIMARY KEY,
    host       TEXT COLLATE "C" NOT NULL,
    address    TEXT COLLATE "C",
    version    TEXT COLLATE "C" NOT NULL,
    config     TEXT COLLATE "C" NOT NULL,
    leaving    BIGINT NOT NULL DEFAULT 0,
    started_at DOUBLE PRECISION NOT NULL,
    seen_at    DOUBLE PRECISION NOT NULL
) WITH (fillfactor = 20);

DELETE FROM lanes;
ALTER TABLE lanes ADD FOREIGN KEY (gateway) REFERENCES gateways ON DELETE CASCADE;

-- Who is active: no gateway, or one. `token` counts them. `wanted`: the gateway that asks a command
-- to make way. `secret`: a hash of the secret by which the last one keyed.
CREATE TABLE leases (
    name    TEXT COLLATE "C" PRIMARY KEY,
    gateway TEXT COLLATE "C" REFERENCES gateways ON DELETE SET NULL,
    token   BIGINT NOT NULL,
    wanted  TEXT COLLATE "C",
    secret  TEXT COLLATE "C"
) WITH (fillfactor = 20);
INSERT INTO leases (name, token) VALUES ('active', 0);
