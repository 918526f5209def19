"""One trace as it is drawn: which spans have a line, and what stands where on it (pages.md, "A trace")."""
