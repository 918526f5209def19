"""Rows as ClickHouse's native protocol has them: what the writer holds of a batch, and sends as it is
(performance.md, "Columns are bytes")."""
