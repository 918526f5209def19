ALTER TABLE projects ADD COLUMN rate_limit integer CHECK (rate_limit >= 0);
COMMENT ON COLUMN projects.rate_limit IS
    'requests a minute of each key without a limit of its own, and of drains without drain_limit; NULL: the default, 0: none';
