"""Routes of pages."""

from starlette.routing import Route


class PageRoute(Route):
    """A route for people: it is no part of the API, so the API's description says nothing about it."""
