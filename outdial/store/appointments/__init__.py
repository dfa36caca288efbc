"""Appointments in calendars of our own: found, held, booked, moved, given back."""
