-- When people of a project are told of something, and where.
CREATE TABLE alert_rules (
    id text PRIMARY KEY,
    project_id text NOT NULL REFERENCES projects ON DELETE CASCADE,
    name text NOT NULL CHECK (name <> ''),
    rule jsonb NOT NULL, -- shared/alerts/rule.py, `Rule`
    url text NOT NULL, -- where alerts go; for Slack it is a secret
    secret text NOT NULL, -- signs what is sent; '' for Slack
    progress jsonb NOT NULL, -- shared/alerts/progress.py, `Progress`: what has been judged, in one transaction with its alert
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (project_id, name)
);

-- Alerts, and each try to send them. The newest of each rule are kept.
CREATE TABLE alert_deliveries (
    id text PRIMARY KEY,
    rule_id text NOT NULL REFERENCES alert_rules ON DELETE CASCADE,
    number bigint GENERATED ALWAYS AS IDENTITY,
    created_at timestamptz NOT NULL DEFAULT now(),
    alert jsonb NOT NULL, -- shared/alerts/alert.py, `Alert`
    tries jsonb NOT NULL DEFAULT '[]',
    state text NOT NULL CHECK (state IN ('waiting', 'delivered', 'failed')),
    next_try timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX alert_deliveries_of_rule ON alert_deliveries (rule_id, number);
CREATE INDEX alert_deliveries_waiting ON alert_deliveries (next_try) WHERE state = 'waiting';

-- What regressed in a time.
CREATE INDEX error_history_by_time ON error_history (project_id, at);
