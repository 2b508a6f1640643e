-- oldest_reader: 5
-- The newest schema that a gateway's program knows: what it could not bear is not done beside it.
ALTER TABLE gateways ADD COLUMN knows BIGINT NOT NULL DEFAULT 5;
