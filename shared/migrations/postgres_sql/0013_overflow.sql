ALTER TABLE projects ADD COLUMN lane_records_s integer CHECK (lane_records_s >= 0);
COMMENT ON COLUMN projects.lane_records_s IS
    'records a second above which its messages take the overflow topics; NULL: the default, 0: never';
