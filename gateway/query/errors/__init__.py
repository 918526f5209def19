"""Reading errors: those that share a digest."""
