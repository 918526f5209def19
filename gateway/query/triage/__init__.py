"""What people say of error groups: their status, and when a group opens again by itself."""

from gateway.query.triage.routes import routes

__all__ = ["routes"]
