-- What people have said of a group of errors, by the fingerprint that heads it. No row: open, and nobody's.
CREATE TABLE error_states (
    project_id text NOT NULL REFERENCES projects ON DELETE CASCADE,
    fingerprint text NOT NULL CHECK (fingerprint ~ '^[0-9a-f]{64}$'),
    state jsonb NOT NULL, -- shared/error_states.py, `State`
    PRIMARY KEY (project_id, fingerprint)
);
CREATE INDEX error_states_watched ON error_states (project_id) WHERE state->>'status' <> 'open';

-- Each change of a state, and by whom. Never changed; it goes with its project.
CREATE TABLE error_history (
    project_id text NOT NULL REFERENCES projects ON DELETE CASCADE,
    fingerprint text NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL,
    by text NOT NULL,
    change jsonb NOT NULL,
    PRIMARY KEY (project_id, fingerprint, id)
);

-- When a project's releases were first seen: their order. Only of projects in which an error is resolved in a release.
CREATE TABLE releases (
    project_id text NOT NULL REFERENCES projects ON DELETE CASCADE,
    release text NOT NULL,
    first_seen timestamptz NOT NULL, -- when its first record was received
    PRIMARY KEY (project_id, release)
);
