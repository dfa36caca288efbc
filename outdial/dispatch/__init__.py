"""Temporal as its clients see it: starting, signalling and describing workflows."""
