"""Request, read, settle and end single calls."""
