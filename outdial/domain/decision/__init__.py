"""Decides whether a recipient may be called now, and if not, when, or why never."""
