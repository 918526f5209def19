-- Spools of gateways, as each has told of its own a few seconds ago (delivery.md, "The spool").
CREATE TABLE spools (
    id text PRIMARY KEY,
    host text NOT NULL,
    file text NOT NULL,
    messages bigint NOT NULL,
    bytes bigint NOT NULL,
    oldest timestamptz, -- nothing that is in it was received before; null for nothing
    seen timestamptz NOT NULL DEFAULT now()
);
