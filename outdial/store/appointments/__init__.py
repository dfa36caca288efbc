"""Appointments and the slots that they take: lookup, booking, changes, history."""
