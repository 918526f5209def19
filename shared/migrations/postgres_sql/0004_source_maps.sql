-- Contents, shared by all projects. A row comes before its blob and stays behind it: `deleted_at` says that the blob is
-- gone, so that an upload that is under way notices.
CREATE TABLE sourcemap_blobs (
    digest text PRIMARY KEY CHECK (digest ~ '^[0-9a-f]{64}$'),
    size bigint NOT NULL CHECK (size >= 0), -- bytes
    touched_at timestamptz NOT NULL DEFAULT now(), -- when an upload last began to store it
    deleted_at timestamptz
);

CREATE TABLE sourcemap_files (
    project_id text NOT NULL REFERENCES projects ON DELETE CASCADE,
    release text NOT NULL,
    path text NOT NULL, -- below the build folder
    digest text NOT NULL REFERENCES sourcemap_blobs,
    debug_id text NOT NULL DEFAULT '',
    uploaded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project_id, release, path)
);

CREATE INDEX sourcemap_files_of_debug_id ON sourcemap_files (project_id, debug_id) WHERE debug_id <> '';
CREATE INDEX sourcemap_files_of_digest ON sourcemap_files (digest);
