-- How a project's people overrule grouping. A revision is never changed and never deleted: messages in the queue name it.
CREATE TABLE grouping_rules (
    project_id text NOT NULL REFERENCES projects,
    revision bigint NOT NULL CHECK (revision > 0),
    rules jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL,
    PRIMARY KEY (project_id, revision)
);

ALTER TABLE projects ADD COLUMN rules_revision bigint NOT NULL DEFAULT 0; -- the one that counts now; 0: none
COMMENT ON COLUMN projects.rules_revision IS 'of grouping_rules; 0: errors are grouped by the fingerprint version alone';

-- Each row is one merge of two groups as it was made. Who heads a group is found on reading, so that a merge can be undone.
CREATE TABLE group_merges (
    project_id text NOT NULL REFERENCES projects ON DELETE CASCADE,
    fingerprint text NOT NULL CHECK (fingerprint ~ '^[0-9a-f]{64}$'),
    into_fingerprint text NOT NULL CHECK (into_fingerprint ~ '^[0-9a-f]{64}$' AND into_fingerprint <> fingerprint),
    merged_by text NOT NULL,
    merged_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project_id, fingerprint) -- it has been merged into one other only
);
