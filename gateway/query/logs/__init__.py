"""Reading logs back: a project's, and those around an error."""
