"""What kinds of logs there are: their patterns, and how those changed (storage.md, "Patterns")."""
