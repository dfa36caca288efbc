"""Appointments and calendars: times as people say them, slots, alternatives."""
