"""All logs that a query finds, as one file (reading.md, "Export")."""

from gateway.query.logs.export.route import export_routes

__all__ = ["export_routes"]
