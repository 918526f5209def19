"""Reading LLM usage."""
