"""Appointments that people enter, change and cancel."""
