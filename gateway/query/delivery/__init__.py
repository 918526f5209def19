"""How a project's records came through: lanes, dead letters, completeness (reading.md, "Delivery")."""

from gateway.query.delivery.routes import routes

__all__ = ["routes"]
