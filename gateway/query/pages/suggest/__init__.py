"""What is suggested while a query is typed (pages.md, "Suggestions")."""
