"""The audit log of a project (reading.md, "Audit log")."""

from gateway.query.audit.routes import routes

__all__ = ["routes"]
