"""Reading logs: those of a project, and those around an error."""

from gateway.query.logs.routes import routes

__all__ = ["routes"]
