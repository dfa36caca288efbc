"""Telephone numbers: E.164, and which of them this installation calls."""
