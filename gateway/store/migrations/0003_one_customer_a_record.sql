-- One record is one customer's. Of several links to one record the earliest stays: what came later
-- took the record over. Who loses theirs is shown to a person, unless something is owed to them
-- already: the attempt at that looks for their record anew.

CREATE TEMP TABLE later AS
    SELECT l.channel, l.customer_id, l.reference,
           (SELECT o.customer_id FROM links AS o
            WHERE o.channel = l.channel AND o.reference = l.reference
            ORDER BY o.created_at, o.customer_id LIMIT 1) AS stays
    FROM links AS l;
DELETE FROM later WHERE customer_id = stays;

INSERT INTO deliveries (customer_id, channel, kind, outcome, error_class, message,
                        created_at, updated_at)
    SELECT customer_id, channel, 'update', 'failed', 'conflict',
           'another customer (' || stays || ') is linked to the same record (' || reference ||
           '): only that link stays. Put right in the channel whose it is, then replay: this '
           || 'customer is looked for there as if new',
           CAST(strftime('%s', 'now') AS REAL), CAST(strftime('%s', 'now') AS REAL)
    FROM later
    WHERE NOT EXISTS (
        SELECT 1 FROM deliveries AS d
        WHERE d.customer_id = later.customer_id AND d.channel = later.channel
              AND d.outcome IN ('pending', 'retrying', 'failed', 'held'));

DELETE FROM links WHERE EXISTS (
    SELECT 1 FROM later
    WHERE later.channel = links.channel AND later.customer_id = links.customer_id);
DROP TABLE later;

DROP INDEX links_reference;
CREATE UNIQUE INDEX links_record ON links (channel, reference);
