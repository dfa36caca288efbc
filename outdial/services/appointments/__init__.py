"""Appointments at the desk, and callbacks that are run again."""
