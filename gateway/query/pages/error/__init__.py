"""The page of one group of errors (pages.md, "One error")."""

from gateway.query.pages.error.page import ERROR

__all__ = ["ERROR"]
