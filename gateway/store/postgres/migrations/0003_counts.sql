-- oldest_reader: 1
-- Running totals, as `../../tally.py` keeps them beside SQLite, by triggers. Each lane has a row of
-- its own for a total: so two transactions never wait for one another because both count.

CREATE TABLE tally_parts (
    kind   TEXT COLLATE "C" NOT NULL,
    part   TEXT COLLATE "C" NOT NULL,
    lane   BIGINT NOT NULL,
    number BIGINT NOT NULL,
    PRIMARY KEY (kind, part, lane)
) WITH (fillfactor = 50);

CREATE VIEW tally AS
    SELECT kind, part, CAST(sum(number) AS BIGINT) AS number FROM tally_parts GROUP BY kind, part;

CREATE VIEW waiting_events AS
    SELECT rowid AS event, received_at FROM events WHERE state = 'waiting';
CREATE UNIQUE INDEX events_waiting ON events (rowid) WHERE state = 'waiting';

CREATE FUNCTION tally_add(its_kind text, its_part text, many bigint) RETURNS void
LANGUAGE sql
AS $$
    INSERT INTO tally_parts AS known (kind, part, lane, number)
    VALUES (its_kind, its_part,
            CAST(coalesce(nullif(current_setting('gateway.lane', true), ''), '0') AS BIGINT), many)
    ON CONFLICT (kind, part, lane) DO UPDATE SET number = known.number + excluded.number
$$;

CREATE FUNCTION tally_delivery() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND OLD.outcome IN ('pending', 'retrying', 'failed', 'held') THEN
        PERFORM tally_add('delivery', OLD.channel || '/' || OLD.outcome, -1);
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.outcome IN ('pending', 'retrying', 'failed', 'held') THEN
        PERFORM tally_add('delivery', NEW.channel || '/' || NEW.outcome, 1);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER tally_delivery_in AFTER INSERT ON deliveries FOR EACH ROW
    WHEN (NEW.outcome IN ('pending', 'retrying', 'failed', 'held'))
    EXECUTE FUNCTION tally_delivery();
CREATE TRIGGER tally_delivery_out AFTER DELETE ON deliveries FOR EACH ROW
    WHEN (OLD.outcome IN ('pending', 'retrying', 'failed', 'held'))
    EXECUTE FUNCTION tally_delivery();
CREATE TRIGGER tally_delivery_on AFTER UPDATE OF outcome ON deliveries FOR EACH ROW
    WHEN (OLD.outcome <> NEW.outcome)
    EXECUTE FUNCTION tally_delivery();

-- Rows of one state: the trigger names the total and the state.
CREATE FUNCTION tally_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND OLD.state = TG_ARGV[1] THEN
        PERFORM tally_add(TG_ARGV[0], '', -1);
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.state = TG_ARGV[1] THEN
        PERFORM tally_add(TG_ARGV[0], '', 1);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER tally_deferred_in AFTER INSERT ON registrations FOR EACH ROW
    WHEN (NEW.state = 'waiting') EXECUTE FUNCTION tally_state('deferred', 'waiting');
CREATE TRIGGER tally_deferred_out AFTER DELETE ON registrations FOR EACH ROW
    WHEN (OLD.state = 'waiting') EXECUTE FUNCTION tally_state('deferred', 'waiting');
CREATE TRIGGER tally_deferred_on AFTER UPDATE OF state ON registrations FOR EACH ROW
    WHEN (OLD.state <> NEW.state AND 'waiting' IN (OLD.state, NEW.state))
    EXECUTE FUNCTION tally_state('deferred', 'waiting');

CREATE TRIGGER tally_event_in AFTER INSERT ON events FOR EACH ROW
    WHEN (NEW.state = 'waiting') EXECUTE FUNCTION tally_state('event', 'waiting');
CREATE TRIGGER tally_event_out AFTER DELETE ON events FOR EACH ROW
    WHEN (OLD.state = 'waiting') EXECUTE FUNCTION tally_state('event', 'waiting');
CREATE TRIGGER tally_event_on AFTER UPDATE OF state ON events FOR EACH ROW
    WHEN (OLD.state <> NEW.state AND 'waiting' IN (OLD.state, NEW.state))
    EXECUTE FUNCTION tally_state('event', 'waiting');

CREATE TRIGGER tally_duplicate_in AFTER INSERT ON duplicates FOR EACH ROW
    WHEN (NEW.state = 'open') EXECUTE FUNCTION tally_state('duplicate', 'open');
CREATE TRIGGER tally_duplicate_out AFTER DELETE ON duplicates FOR EACH ROW
    WHEN (OLD.state = 'open') EXECUTE FUNCTION tally_state('duplicate', 'open');
CREATE TRIGGER tally_duplicate_on AFTER UPDATE OF state ON duplicates FOR EACH ROW
    WHEN (OLD.state <> NEW.state AND 'open' IN (OLD.state, NEW.state))
    EXECUTE FUNCTION tally_state('duplicate', 'open');

-- By caller: a key's hash begins with eight bytes of its caller's.
CREATE FUNCTION tally_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM tally_add('idempotency_keys', upper(encode(substr(OLD.key, 1, 8), 'hex')), -1);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM tally_add('idempotency_keys', upper(encode(substr(NEW.key, 1, 8), 'hex')), 1);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER tally_key_in AFTER INSERT ON idempotency_keys FOR EACH ROW
    EXECUTE FUNCTION tally_key();
CREATE TRIGGER tally_key_out AFTER DELETE ON idempotency_keys FOR EACH ROW
    EXECUTE FUNCTION tally_key();
CREATE TRIGGER tally_key_on AFTER UPDATE OF key ON idempotency_keys FOR EACH ROW
    WHEN (OLD.key <> NEW.key) EXECUTE FUNCTION tally_key();
