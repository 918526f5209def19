"""The page Ingest: what was accepted, stored and refused, how fresh it is, how far the writers are (pages.md,
"Ingest")."""
