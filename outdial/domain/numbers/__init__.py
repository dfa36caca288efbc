"""Telephone numbers: their one form, and which of them may be called."""
