-- One word, one meaning: tables and columns that had a word of their own get the one that the code
-- and the documents use. Every row stays.
ALTER TABLE told RENAME TO signup_evidence;
DROP INDEX told_email;
DROP INDEX told_mobile;
DROP INDEX told_kana;
DROP INDEX told_place;
CREATE INDEX signup_evidence_email ON signup_evidence (email_key) WHERE email_key IS NOT NULL;
CREATE INDEX signup_evidence_mobile ON signup_evidence (mobile_key) WHERE mobile_key IS NOT NULL;
CREATE INDEX signup_evidence_kana ON signup_evidence (kana_key, birth_key, postal_key)
    WHERE kana_key IS NOT NULL;
CREATE INDEX signup_evidence_place ON signup_evidence (place_key, name_key)
    WHERE place_key IS NOT NULL AND name_key IS NOT NULL;

ALTER TABLE unexamined RENAME TO duplicate_queue;
ALTER TABLE duplicate_queue RENAME COLUMN told TO evidence;

ALTER TABLE answers RENAME TO idempotency_keys;
DROP INDEX answers_age;
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

ALTER TABLE registrations RENAME COLUMN told TO answered;
ALTER TABLE deliveries RENAME COLUMN state TO content_hash;
ALTER TABLE links RENAME COLUMN fields TO fingerprints;
