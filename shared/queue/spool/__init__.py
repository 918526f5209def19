"""A spool: what a gateway was given while Kafka was away, on its own disk (delivery.md, "The spool")."""
