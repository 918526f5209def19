-- What gateways and writers count of a project, by the hour. Each adds what it has counted every few seconds.
CREATE TABLE hourly_counts (
    project_id text NOT NULL,
    hour timestamptz NOT NULL, -- its first moment
    signal text NOT NULL,
    kind text NOT NULL, -- accepted, derived, dropped, refused, age
    what text NOT NULL, -- why something was dropped or refused; the bucket of an age; '' for the others
    n bigint NOT NULL,
    PRIMARY KEY (project_id, hour, signal, kind, what)
);

CREATE INDEX hourly_counts_by_hour ON hourly_counts (hour);
