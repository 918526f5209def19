"""What Kafka knows a spool by."""

GROUP_PREFIX = "sluice-spool."
"""With the spool's id: its transactional id, and the group of its positions."""
