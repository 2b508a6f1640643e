-- A member's row carries Smaregi's own time of its last change: what was read earlier and comes
-- later does not replace it. Points were always 0 there; they are read at Smaregi.

ALTER TABLE members DROP COLUMN points;
ALTER TABLE members ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
