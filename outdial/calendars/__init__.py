"""Shared calendars behind one port: reads what others have booked, writes our appointments.

CalDAV is the one backend. Reading iCalendar objects is bounded in time.
"""
