"""Contact files and inline recipients as checked rows."""
