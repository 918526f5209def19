-- Who changed what, when, and from where. It refers to nothing, so that it outlives what it is about.
CREATE TABLE audit_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    project_id text, -- '*': every project; NULL: none, as when a user logs in
    user_id text, -- whom it is about, if it is about a user
    actor_kind text NOT NULL CHECK (actor_kind IN ('user', 'key', 'command', 'sluice', 'stranger')),
    actor_id text NOT NULL, -- of a user or key, else ''
    actor text NOT NULL, -- the name, as it was then
    address text NOT NULL, -- of the client; of a command the machine
    action text NOT NULL CHECK (action <> ''),
    subject text NOT NULL, -- what it was done to
    detail jsonb NOT NULL
);

CREATE INDEX audit_log_of_project ON audit_log (project_id, id);
CREATE INDEX audit_log_of_user ON audit_log (user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX audit_log_of_action ON audit_log (action, at);

-- Who may write here can add entries, and neither change them nor delete new ones; unless it is the tables' owner, who
-- can take these triggers away.
CREATE FUNCTION refuse_change_of_audit_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.at < now() - interval '30 days' THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'entries of the audit log are never changed, and kept for 30 days at least';
END
$$;

CREATE TRIGGER audit_log_stays BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_audit_log();
CREATE TRIGGER audit_log_is_not_emptied BEFORE TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_audit_log();
