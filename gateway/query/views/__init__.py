"""Saved views of a project's pages (reading.md, "Views")."""

from gateway.query.views.routes import routes

__all__ = ["routes"]
