-- What people may do beyond sending and reading. A key that stands in a page's code may not: anybody may have it.
ALTER TABLE keys DROP CONSTRAINT keys_scopes_check;
ALTER TABLE keys ADD CONSTRAINT keys_scopes_check
    CHECK (scopes <@ ARRAY['ingest', 'read', 'triage', 'operate'] AND cardinality(scopes) > 0);
ALTER TABLE keys ADD CONSTRAINT keys_public_check
    CHECK (left(prefix, 3) <> 'pk_' OR NOT scopes && ARRAY['triage', 'operate']);
