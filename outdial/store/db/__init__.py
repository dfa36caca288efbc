"""The database itself: engines, sessions, dialects, tables, migrations."""
