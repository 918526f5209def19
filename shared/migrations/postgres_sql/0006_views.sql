-- What a page of the dashboard showed, by a name.
CREATE TABLE views (
    id text PRIMARY KEY,
    project_id text NOT NULL REFERENCES projects ON DELETE CASCADE,
    page text NOT NULL CHECK (page <> ''),
    name text NOT NULL CHECK (name <> ''),
    state text NOT NULL, -- what stands in the page's address behind the `?`
    created_by text NOT NULL, -- the id of a key
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (project_id, page, name)
);
