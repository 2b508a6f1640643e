-- oldest_reader: 1
-- What SQLite has and PostgreSQL has not, so that one text of a query serves both.

-- The value at a path such as '$.member', as text; NULL where there is none.
CREATE FUNCTION json_extract(document text, path text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT document::jsonb #>> string_to_array(substr(path, 3), '.') $$;

-- The members of a list, as text.
CREATE FUNCTION json_each(document text) RETURNS TABLE (value text)
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT jsonb_array_elements_text(document::jsonb) $$;
