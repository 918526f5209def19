"""The pages of logs: rows, patterns, changes, compare, one log, tail, export (pages.md, "Logs")."""
