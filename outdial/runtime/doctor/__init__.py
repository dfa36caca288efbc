"""Checks of an installation, by what calls depend on: settings, database, Temporal, lines, host."""
