-- How often a content was deleted: an upload that claimed it before the last time puts it again, whoever claimed it since.
ALTER TABLE sourcemap_blobs ADD COLUMN deletions bigint NOT NULL DEFAULT 0;
