"""Reading an error: all that is stored of it, and its frames mapped to the sources."""

from gateway.query.events.routes import routes

__all__ = ["routes"]
