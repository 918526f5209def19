"""The pages of logs: rows, patterns, changes, compare, one log, tail, export (pages.md, "Logs")."""

from gateway.query.pages.logs.words import words_of

__all__ = ["words_of"]
