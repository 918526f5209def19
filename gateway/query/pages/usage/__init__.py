"""What the page LLM is made of (pages.md, "LLM")."""
