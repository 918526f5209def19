"""Reading errors."""
