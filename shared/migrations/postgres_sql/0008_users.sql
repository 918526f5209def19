-- People who look at the pages, and what they may do in each project.
CREATE TABLE users (
    id text PRIMARY KEY,
    name text NOT NULL CHECK (name <> ''),
    password text, -- argon2id, with its parameters and salt; NULL: only a one-time link logs in
    created_at timestamptz NOT NULL DEFAULT now(),
    disabled_at timestamptz
);

CREATE UNIQUE INDEX users_by_name ON users (lower(name));

CREATE TABLE user_roles (
    user_id text NOT NULL REFERENCES users ON DELETE CASCADE,
    project_id text NOT NULL REFERENCES projects ON DELETE CASCADE,
    role text NOT NULL CHECK (role IN ('viewer', 'member', 'owner')),
    PRIMARY KEY (user_id, project_id)
);

-- The tokens of links and sessions are stored nowhere: only their SHA-256.
CREATE TABLE login_links (
    hash text PRIMARY KEY CHECK (hash ~ '^[0-9a-f]{64}$'),
    user_id text NOT NULL REFERENCES users ON DELETE CASCADE,
    expires_at timestamptz NOT NULL -- its row goes when it is used
);

-- A session of a user, or of a read key that was pasted. It is revoked by deleting its row.
CREATE TABLE sessions (
    hash text PRIMARY KEY CHECK (hash ~ '^[0-9a-f]{64}$'),
    user_id text REFERENCES users ON DELETE CASCADE,
    key_id text REFERENCES keys ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    used_at timestamptz NOT NULL DEFAULT now(), -- to the minute
    CHECK ((user_id IS NULL) <> (key_id IS NULL))
);

CREATE INDEX sessions_of_user ON sessions (user_id);
