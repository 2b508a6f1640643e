-- What is known of an e-mail is kept with the e-mail's hash, so that it counts for no later one.

CREATE TABLE proofs (
    customer_id INTEGER PRIMARY KEY,
    email_hash  BLOB NOT NULL,
    signed_in   INTEGER NOT NULL DEFAULT 0
) STRICT;

INSERT INTO proofs (customer_id, email_hash)
    SELECT customer_id, email_hash FROM registrations
    WHERE email_verified = 1 AND customer_id IS NOT NULL
          AND customer_id NOT IN (SELECT customer_id FROM unproven)
    ORDER BY created_at
    ON CONFLICT (customer_id) DO UPDATE SET email_hash = excluded.email_hash;

DROP TABLE unproven;

ALTER TABLE links ADD COLUMN unproven BLOB;

-- A store member that was there before, linked by a sign-up whose e-mail nobody has proven.
UPDATE links SET unproven = (
        SELECT email_hash FROM registrations AS r
        WHERE r.customer_id = links.customer_id AND r.email_verified = 0
        ORDER BY r.created_at DESC LIMIT 1)
    WHERE channel = 'smaregi' AND old_place IS NOT NULL
          AND customer_id NOT IN (SELECT customer_id FROM proofs);

ALTER TABLE deliveries DROP COLUMN email_verified;
