"""What happens to requests while Kafka is away: they are kept on this machine's disk (delivery.md, "The spool")."""
