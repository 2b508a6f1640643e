-- oldest_reader: 1
-- A lane is one connection of a gateway. Each of its transactions raises `seq` by one: so it is
-- known, where the answer to a COMMIT was lost, whether that was done; and a gateway whose lanes
-- are gone can write nothing more.
CREATE TABLE lanes (
    gateway TEXT COLLATE "C" NOT NULL,
    lane    BIGINT NOT NULL,
    seq     BIGINT NOT NULL,
    PRIMARY KEY (gateway, lane)
) WITH (fillfactor = 20);
