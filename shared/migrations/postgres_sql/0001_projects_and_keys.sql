CREATE TABLE projects (
    id text PRIMARY KEY CHECK (id <> ''),
    name text NOT NULL,
    retention_days integer NOT NULL DEFAULT 30 CHECK (retention_days IN (7, 30, 90, 365, 3650)),
    drain_secret text,           -- signs log drains; NULL: signatures are not asked for
    drain_verify text,           -- answered as x-vercel-verify
    drain_limit integer CHECK (drain_limit >= 0), -- drain requests a minute; NULL or 0: none
    created_at timestamptz NOT NULL DEFAULT now()
);

-- A key itself is stored nowhere: only its SHA-256, and its first characters for people to tell keys apart.
CREATE TABLE keys (
    id text PRIMARY KEY,
    project_id text NOT NULL REFERENCES projects ON DELETE CASCADE,
    hash text NOT NULL UNIQUE CHECK (hash ~ '^[0-9a-f]{64}$'),
    prefix text NOT NULL,
    name text NOT NULL DEFAULT '',
    scopes text[] NOT NULL CHECK (scopes <@ ARRAY['ingest', 'read'] AND cardinality(scopes) > 0),
    origins text[] NOT NULL DEFAULT '{}', -- empty: every origin
    ingest_limit integer CHECK (ingest_limit >= 0), -- requests a minute; NULL: the default, 0: none
    read_limit integer CHECK (read_limit >= 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz
);

CREATE INDEX keys_of_project ON keys (project_id);
