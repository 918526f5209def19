"""The pages: what people look at. Each calls the same functions as the read API (pages.md)."""

from gateway.query.pages.routes import routes

__all__ = ["routes"]
